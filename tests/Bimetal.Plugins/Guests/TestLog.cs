// Collects what plugins log.

using System.Text;

namespace Bimetal.Plugins.Tests.Guests;

internal sealed class TestLog : IPluginLog
{
    private readonly List<(PluginLogLevel Level, string Line)> _lines = [];

    public PluginLogLevel MinimumLevel { get; init; } = PluginLogLevel.Trace;

    /// <summary>Called on the thread that wrote a line, which for a guest's line is inside the guest.</summary>
    public Action<string>? Written { get; init; }

    /// <summary>Lines at level info, which is where the script guest writes.</summary>
    public string[] Lines => LinesAt(PluginLogLevel.Info);

    public string[] LinesAt(PluginLogLevel level)
    {
        lock (_lines) return [.. _lines.Where(line => line.Level == level).Select(line => line.Line)];
    }

    public void Clear()
    {
        lock (_lines) _lines.Clear();
    }

    public void Write(PluginLogLevel level, string plugin, ReadOnlySpan<byte> message)
    {
        lock (_lines) _lines.Add((level, Encoding.Latin1.GetString(message)));
        Written?.Invoke(Encoding.Latin1.GetString(message));
    }
}
