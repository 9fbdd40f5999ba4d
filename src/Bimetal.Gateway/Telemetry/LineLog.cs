// A logger that writes one line per message to a TextWriter: what the command line uses for the gateway's own messages.

using Bimetal.Plugins;
using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway.Telemetry;

/// <summary>Lines such as <c>12:00:00.123 warn message</c>. Thread-safe.</summary>
/// <param name="minimum">Lines below this level are not written; it can be changed later.</param>
public sealed class LineLog(TextWriter target, LogLevel minimum = LogLevel.Information, TimeProvider? time = null) : ILogger, IPluginLog
{
    /// <summary>A plugin's line that is longer is cut.</summary>
    private const int MaximumPluginLineBytes = 4096;

    private readonly Lock _gate = new();
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    private volatile int _minimum = (int)minimum;

    /// <summary>Lines below this level are not written.</summary>
    public LogLevel Minimum
    {
        get => (LogLevel)_minimum;
        set => _minimum = (int)value;
    }

    public PluginLogLevel MinimumLevel => (PluginLogLevel)_minimum;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= Minimum && logLevel != LogLevel.None;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel)) return;
        WriteLine(logLevel, formatter(state, exception) + (exception is null ? "" : " " + exception));
    }

    /// <summary>What a plugin writes is quoted: it cannot begin a line of its own.</summary>
    public void Write(PluginLogLevel level, string plugin, ReadOnlySpan<byte> message)
    {
        var logLevel = (LogLevel)(int)level;
        if (!IsEnabled(logLevel)) return;
        if (message.Length > MaximumPluginLineBytes) message = message[..MaximumPluginLineBytes];
        WriteLine(logLevel, $"plugin {plugin}: {System.Text.Encoding.UTF8.GetString(message)}");
    }

    /// <summary>What a level is called in lines and in commands.</summary>
    public static string Word(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        LogLevel.Error => "error",
        _ => "critical",
    };

    private void WriteLine(LogLevel level, string message)
    {
        string line = string.Create(null, $"{_time.GetUtcNow():HH:mm:ss.fff} {Word(level),-5} {Clean(message)}");
        lock (_gate)
        {
            target.WriteLine(line);
            target.Flush();
        }
    }

    private static string Clean(string message) =>
        message.AsSpan().ContainsAnyInRange('\0', '\x1f') ? string.Concat(message.Select(character => character < ' ' ? ' ' : character)) : message;
}
