// C text to a shared object, for tests of what a loader can meet.

using System.Diagnostics;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Native;

internal static class NativeObject
{
    public const string Start = "#include <bimetal.h>\n";

    /// <summary>Compiles; the shared object lies in the folder.</summary>
    public static string Build(TemporaryFolder folder, string source, params string[] flags)
    {
        string input = folder.Write("source.c", source);
        string output = Path.Combine(folder.Path, Path.GetRandomFileName() + ".so");
        Clang(["-std=c11", "-O1", "-fPIC", "-shared", "-I", Path.Combine(Repository.Root, "native/include"), .. flags, input, "-o", output]);
        return output;
    }

    public static void Clang(IReadOnlyList<string> arguments)
    {
        using var clang = Process.Start(new ProcessStartInfo("clang-19", arguments) { RedirectStandardError = true })!;
        string errors = clang.StandardError.ReadToEnd();
        clang.WaitForExit();
        Assert.True(clang.ExitCode == 0, errors);
    }
}
