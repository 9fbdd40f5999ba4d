// What is wrong (or doubtful) in a configuration file, and the list that a reader collects.

namespace Bimetal.Gateway.Configuration;

/// <summary>One finding, printed as <c>FILE:LINE: key: message; remedy</c>.</summary>
/// <param name="Line">From 1; 0 when the file as a whole is meant.</param>
/// <param name="Key">Path of the key, such as <c>plugins.token-auth.limits.cpu</c>; empty for the file itself.</param>
/// <param name="Remedy">What to write instead; may be empty.</param>
public sealed record ConfigError(string File, int Line, string Key, string Message, string Remedy)
{
    public override string ToString()
    {
        string place = Line > 0 ? $"{File}:{Line}: " : $"{File}: ";
        string key = Key.Length > 0 ? Key + ": " : "";
        return place + key + Message + (Remedy.Length > 0 ? "; " + Remedy : "");
    }
}

/// <summary>What reading a file gave: a configuration, or errors. Warnings come with either.</summary>
public sealed record ConfigResult(GatewayConfig? Config, IReadOnlyList<ConfigError> Errors, IReadOnlyList<ConfigError> Warnings)
{
    public void Deconstruct(out GatewayConfig? config, out IReadOnlyList<ConfigError> errors)
    {
        config = Config;
        errors = Errors;
    }
}

/// <summary>Collects the findings of one file, so that all are reported at once.</summary>
/// <param name="folder">Absolute; relative paths in the file start there.</param>
internal sealed class ConfigReport(string file, string folder)
{
    private readonly List<ConfigError> _errors = [];
    private readonly List<ConfigError> _warnings = [];

    public string File { get; } = file;

    public string Folder { get; } = folder;

    /// <summary>Set when the readers describe themselves instead of reading.</summary>
    public SchemaSurvey? Survey { get; init; }

    /// <summary>Whether the plugins that the file names are looked at as well.</summary>
    public bool OpensBundles { get; init; }

    /// <summary>Files beside the configuration that a change of makes it another one, absolute.</summary>
    public HashSet<string> Watched { get; } = [];

    public IReadOnlyList<ConfigError> Errors => [.. _errors.OrderBy(error => error.Line)];

    public IReadOnlyList<ConfigError> Warnings => [.. _warnings.OrderBy(warning => warning.Line)];

    public void Error(long line, string key, string message, string remedy = "") => _errors.Add(new ConfigError(File, (int)line, key, message, remedy));

    public void Warn(long line, string key, string message, string remedy = "") => _warnings.Add(new ConfigError(File, (int)line, key, message, remedy));
}
