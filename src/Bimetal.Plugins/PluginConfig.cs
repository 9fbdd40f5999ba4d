// What a configuration says of one plugin: read by the gateway's configuration reader, obeyed by the plugin host.

using Bimetal.Plugins.Bundles.Registry;
using Bimetal.Plugins.Bundles.Signing;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Shadow;

namespace Bimetal.Plugins;

public enum Trust
{
    FirstParty,
    ThirdParty,
}

/// <summary>The <c>metal:</c> key.</summary>
public enum MetalChoice
{
    Auto,
    Native,
    Wasm,
}

/// <summary>The <c>instance:</c> key.</summary>
public enum InstancePolicy
{
    /// <summary>A fresh clone of the snapshot for every stream.</summary>
    PerRequest,

    /// <summary>Long-lived instances; a stream is pinned to one, one thread at a time in it.</summary>
    Shared,
}

/// <summary>One entry of <c>plugins:</c>. Immutable.</summary>
public sealed record PluginConfig
{
    public required string Name { get; init; }

    /// <summary>Absolute path of a .wasm file, a plugin folder or a bundle file; or a reference, oci://….</summary>
    public required string Bundle { get; init; }

    public Trust Trust { get; init; } = Trust.ThirdParty;

    /// <summary>How a bundle comes from its registry.</summary>
    public PullConfig Pull { get; init; } = new();

    /// <summary>Whose signatures count for bundles; the section <c>signatures</c> of the configuration.</summary>
    public SignaturePolicy Signatures { get; init; } = SignaturePolicy.None;

    public MetalChoice Metal { get; init; } = MetalChoice.Auto;

    /// <summary>Null: per-request for third-party, shared for first-party.</summary>
    public InstancePolicy? Instance { get; init; }

    /// <summary>Handed to the plugin verbatim.</summary>
    public ReadOnlyMemory<byte> Configuration { get; init; }

    /// <summary>The <c>vm_config:</c> key: what proxy_on_vm_start can read, verbatim.</summary>
    public ReadOnlyMemory<byte> VmConfiguration { get; init; }

    /// <summary>
    /// The <c>root_id:</c> key: which of the plugins that one module registers is meant. Modules made with SDKs that register theirs under a
    /// name need it; it is what the property <c>plugin_root_id</c> says.
    /// </summary>
    public string RootId { get; init; } = "";

    public TimeSpan? LatencyBudget { get; init; }

    /// <summary>
    /// The <c>max_cpu_share:</c> key: share of a core that wasm may cost more than native at the planned rate before <c>metal: auto</c> prefers native; null:
    /// <see cref="Profiles.MetalDecision.DefaultMaximumCpuShare"/>.
    /// </summary>
    public double? MaximumCpuShare { get; init; }

    /// <summary>The <c>shadow:</c> key; null: none.</summary>
    public ShadowConfig? Shadow { get; init; }

    public PluginLimits Limits { get; init; } = new();

    public OnErrorConfig OnError { get; init; } = new();

    /// <summary>Whether both say the same; a record's own equality would compare where <see cref="Configuration"/> stands in memory.</summary>
    public bool IsSameAs(PluginConfig other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Configuration.Span.SequenceEqual(other.Configuration.Span) && (this with { Configuration = default }) == (other with { Configuration = default });
    }

    public InstancePolicy EffectiveInstance => Instance ?? (Trust == Trust.FirstParty ? InstancePolicy.Shared : InstancePolicy.PerRequest);
}

/// <summary><c>limits:</c>; null means none.</summary>
public sealed record PluginLimits
{
    public TimeSpan? CpuPerCallback { get; init; } = TimeSpan.FromMilliseconds(1);

    public TimeSpan? CpuPerStream { get; init; }

    public TimeSpan? Start { get; init; } = TimeSpan.FromSeconds(2);

    public TimeSpan? Pause { get; init; } = TimeSpan.FromSeconds(30);

    public long MemoryBytes { get; init; } = 16 << 20;

    public int Instances { get; init; } = 1024;

    public int BodyBufferBytes { get; init; } = 1 << 20;

    public PluginQuotas Quotas { get; init; } = new();
}

/// <summary><c>on_error:</c>: whether a failure of each kind closes the stream with an error or lets the request pass without the plugin.</summary>
public sealed record OnErrorConfig
{
    public bool LoadOpen { get; init; }

    public bool TrapOpen { get; init; }

    public bool TimeoutOpen { get; init; }

    public bool MemoryOpen { get; init; }

    public bool IsOpen(FailureKind kind) => kind switch
    {
        FailureKind.Load => LoadOpen,
        FailureKind.Trap => TrapOpen,
        FailureKind.Memory => MemoryOpen,
        _ => TimeoutOpen,
    };
}
