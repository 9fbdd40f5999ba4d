// `bimetal new plugin`: what it makes passes its test at once, and what it refuses.

using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;
using Bimetal.Plugins.Bundles.Languages;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Bundles;

public sealed class NewPluginTests
{
    public static TheoryData<string> Languages => [.. PluginLanguages.Names];

    [Theory]
    [MemberData(nameof(Languages))]
    public async Task New_InEachLanguage_PassesItsTestAtOnce(string language)
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "device-tag");
        Assert.Equal((0, ""), await NewAsync(path, language));
        Assert.DoesNotContain(Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories), file => File.ReadAllText(file).Contains("example", StringComparison.Ordinal));

        var output = new StringWriter();
        int exitCode = await TestCommandRunner.RunAsync(path, [Metal.Native, Metal.Wasm], targetName: null, jsonFile: null, output, output, TestContext.Current.CancellationToken);
        Assert.True(exitCode == 0, output.ToString());
        Assert.Contains("wasm    2 passed, 0 failed", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task New_WhereSomethingIs_ChangesNothing()
    {
        using var folder = new TemporaryFolder();
        string path = Directory.CreateDirectory(Path.Combine(folder.Path, "device-tag")).FullName;
        folder.Write("device-tag/mine.txt", "mine");
        Assert.Equal((1, $"{path}: is there already, and not empty; choose another name or remove it\n"), await NewAsync(path, "c"));
        Assert.Single(Directory.EnumerateFileSystemEntries(path));
    }

    [Theory]
    [InlineData("Device_Tag", "c", "'Device_Tag' is not a plugin's name")]
    [InlineData("device-tag", "csharp", "--lang csharp: C# is not supported")]
    [InlineData("device-tag", "cobol", "--lang cobol: there is no such language; there are: c")]
    public async Task New_WrongUsage_SaysWhatThereIs(string name, string language, string message)
    {
        using var folder = new TemporaryFolder();
        var (exitCode, error) = await NewAsync(Path.Combine(folder.Path, name), language);
        Assert.Equal(2, exitCode);
        Assert.StartsWith(message, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Build_OfALanguageWithoutNative_SaysSo()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "device-tag");
        await NewAsync(path, "assemblyscript");
        var opened = PluginFolder.Open(path);
        Assert.Equal([BuildTarget.Wasm], opened.TargetsHere);
        var error = await Assert.ThrowsAsync<PluginLoadException>(() => PluginBuilder.BuildAsync(opened, [BuildTarget.NativeHere]));
        Assert.Equal($"{path}: is written in AssemblyScript, which has no native build; use metal wasm", error.Message);
        Assert.Equal(error.Message, Assert.Throws<PluginLoadException>(() => opened.Require(BuildTarget.NativeHere)).Message);
    }

    private static async Task<(int ExitCode, string Error)> NewAsync(string path, string language)
    {
        var error = new StringWriter();
        return (await NewCommandRunner.RunAsync(path, language, TextWriter.Null, error), error.ToString());
    }
}
