// Where the SDKs are: beside the binary's checkout or installation.

namespace Bimetal.Plugins.Bundles;

/// <summary>Finds sdk/c and native/include.</summary>
public sealed class SdkFolder
{
    private SdkFolder(string home)
    {
        Home = home;
        Sources = Path.Combine(home, "sdk/c");
        NativeInclude = Path.Combine(home, "native/include");
    }

    /// <summary>The folder that holds sdk, native and plugins.</summary>
    public string Home { get; }

    /// <summary>Absolute path of sdk/c.</summary>
    public string Sources { get; }

    /// <summary>Absolute path of the folder of bimetal.h.</summary>
    public string NativeInclude { get; }

    /// <summary>The SDK of <c>$BIMETAL_HOME</c>, or of the first folder above the binary or the working directory that has one; null without.</summary>
    public static SdkFolder? TryFind()
    {
        string? home = Environment.GetEnvironmentVariable("BIMETAL_HOME");
        if (!string.IsNullOrEmpty(home)) return HasSdk(home) ? new SdkFolder(Path.GetFullPath(home)) : null;
        return TryFindAbove(AppContext.BaseDirectory) ?? TryFindAbove(Environment.CurrentDirectory);
    }

    /// <exception cref="PluginLoadException">There is none.</exception>
    public static SdkFolder Find() =>
        TryFind() ?? throw new PluginLoadException("the C SDK (sdk/c/bimetal_plugin.h) is not to be found; set BIMETAL_HOME to the folder that holds sdk and native");

    private static SdkFolder? TryFindAbove(string? folder)
    {
        while (folder is not null && !HasSdk(folder)) folder = Path.GetDirectoryName(folder);
        return folder is null ? null : new SdkFolder(folder);
    }

    private static bool HasSdk(string folder) => File.Exists(Path.Combine(folder, "sdk/c/bimetal_plugin.h"));
}
