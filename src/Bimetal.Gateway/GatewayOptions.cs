// What the one who starts a gateway decides beside its configuration; tests and the demo replace parts of it.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Operation;
using Bimetal.Plugins;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Bimetal.Gateway;

/// <summary>Loads one plugin; throws <see cref="PluginLoadException"/> when it cannot.</summary>
public delegate Task<Plugin> PluginLoad(PluginConfig config, CancellationToken cancellation);

public sealed record GatewayOptions
{
    /// <summary>Takes the gateway's own messages; <see cref="Telemetry.LineLog"/> writes them as lines.</summary>
    public ILogger Log { get; init; } = NullLogger.Instance;

    /// <summary>What plugins get from their host: where their log lines go, and their clock.</summary>
    public PluginHostServices PluginServices { get; init; } = new();

    /// <summary>How plugins are loaded; null: by <see cref="PluginLoader"/>, with <see cref="PluginServices"/>.</summary>
    public PluginLoad? LoadPlugin { get; init; }

    /// <summary>Reads the configuration again for a reload; null: there is no file, and a reload is refused.</summary>
    public Func<ConfigResult>? ReadConfiguration { get; init; }

    /// <summary>The service manager that wants to be told, if there is one.</summary>
    internal ServiceNotify? Notify { get; init; }

    /// <summary>Takes the access log instead of the standard output, when the configuration says <c>path: "-"</c>. Closed by the gateway.</summary>
    public Stream? AccessLogOutput { get; init; }

    /// <summary>Makes the ids of error answers; random ones by default.</summary>
    public Func<string>? NewErrorId { get; init; }

    /// <summary>Clock of timeouts, pauses and logs.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>The gateway cannot start; the message is one or more lines for a person.</summary>
public sealed class GatewayStartException(string message, Exception? inner = null) : Exception(message, inner);
