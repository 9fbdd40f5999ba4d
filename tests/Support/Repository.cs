// Where tests find the project, the specification's test data and the published binary.

namespace Bimetal.Testing;

/// <summary>Paths of this checkout.</summary>
public static class Repository
{
    /// <summary>The folder that holds Bimetal.slnx, found upwards from the test assembly.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The official test suite, or null when it is neither in <c>$BIMETAL_SPEC_DIR</c> nor beside the project.</summary>
    public static string? SpecFolder { get; } = new[] { Environment.GetEnvironmentVariable("BIMETAL_SPEC_DIR"), Path.Combine(Root, "../shared/wasm-spec") }
        .FirstOrDefault(folder => folder is not null && Directory.Exists(folder));

    /// <summary>The command at the root, which publishes the native binary when it is out of date and runs it.</summary>
    public static string Command => Path.Combine(Root, "bimetal");

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Bimetal.slnx"))) folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("The tests run outside of a checkout: no Bimetal.slnx above " + AppContext.BaseDirectory);
    }
}
