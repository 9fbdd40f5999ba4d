// How a plugin can fail, and what the gateway does then.

namespace Bimetal.Plugins.Failure;

/// <summary>Kinds of failure; the keys of <c>on_error</c>, and for <see cref="Unavailable"/> of nothing that ran.</summary>
public enum FailureKind
{
    /// <summary>The plugin is not loaded, no instance is free, or it is backing off: answered 503 when closed.</summary>
    Load,

    /// <summary>The plugin trapped: answered 500 when closed.</summary>
    Trap,

    /// <summary>It passed a CPU limit: answered 500 when closed.</summary>
    Timeout,

    /// <summary>It passed a memory limit: answered 500 when closed.</summary>
    Memory,

    /// <summary>It held the stream longer than <c>limits.pause</c>: answered 503 when closed.</summary>
    Pause,
}

/// <summary>A failure with a line for the log: callback and trap. Whoever writes it adds the plugin's name.</summary>
public sealed record PluginFailure(FailureKind Kind, string Detail);
