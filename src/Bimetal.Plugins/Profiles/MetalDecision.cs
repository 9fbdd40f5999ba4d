// The rules of metal: auto, in one place: the planner prints what they say, and the gateway does it.
//
//   1. third-party                                                -> wasm, whatever was measured
//   2. no valid profile                                           -> wasm, with a notice
//   3. both metals answered differently                           -> wasm: they are not the same plugin
//   4. wasm p99 (upper bound) within the budget, and what wasm costs more than native at the planned rate below max_cpu_share of a core -> wasm
//   5. otherwise native, if its p99 (upper bound) fits the budget
//   6. otherwise neither fits                                     -> wasm, with a warning
//   too noisy to say (the interval of the tax holds zero and rule 4 fails by the processor alone) -> no change: wasm

using System.Globalization;

namespace Bimetal.Plugins.Profiles;

/// <summary>Which rule decided.</summary>
public enum DecisionRule
{
    ThirdParty,
    NoProfile,
    Different,
    WasmFits,
    NativeFits,
    NeitherFits,
    TooNoisy,

    /// <summary>Not a rule of <c>metal: auto</c>: the configuration names the metal.</summary>
    Configured,
}

/// <param name="Metal">What runs.</param>
/// <param name="Reason">One sentence for a person.</param>
public sealed record MetalDecision(Metal Metal, DecisionRule Rule, string Reason)
{
    /// <summary>Of a core at the planned rate, when a plugin's <c>max_cpu_share</c> says nothing.</summary>
    public const double DefaultMaximumCpuShare = 0.05;

    /// <summary>Budget of a plugin without a <c>latency_budget</c>: that of a whole request.</summary>
    public static readonly TimeSpan DefaultBudget = TimeSpan.FromMilliseconds(10);

    /// <summary>Something to warn of.</summary>
    public bool IsWarning => Rule is DecisionRule.NeitherFits or DecisionRule.Different;

    /// <summary>Decides by a profile that was found and is valid.</summary>
    /// <param name="rps">Requests per second that the plugin is planned for.</param>
    public static MetalDecision Of(PluginConfig config, PluginProfile profile, double rps)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(profile);
        if (config.Trust == Trust.ThirdParty) return ForThirdParty;
        if (!profile.SameResult) return new(Metal.Wasm, DecisionRule.Different, "both metals answered differently when they were measured, so native would not be the same plugin");
        if (profile.Shadow is { Different: > 0 } shadow)
            return new(Metal.Wasm, DecisionRule.Different, $"both metals answered differently in {shadow.Different} of {shadow.Compared} shadow requests, so native would not be the same plugin");
        double budgetUs = (config.LatencyBudget ?? DefaultBudget).TotalMicroseconds;
        string budget = $"the budget of {Us(budgetUs)}" + (config.LatencyBudget is null ? " (that of a whole request: the plugin has none)" : "");
        double share = CpuShare(profile, rps), most = config.MaximumCpuShare ?? DefaultMaximumCpuShare;
        bool isWithinBudget = profile.Wasm.P99UpperUs <= budgetUs;
        string wasm = $"the p99 on wasm of at most {Us(profile.Wasm.P99UpperUs)}";
        string cost = $"what wasm costs more at {rps:0.##} requests per second is {Percent(share)} of a core";
        if (isWithinBudget && share < most) return new(Metal.Wasm, DecisionRule.WasmFits, $"{wasm} is within {budget}, and {cost}, below {Percent(most)}");
        if (isWithinBudget && IsTooNoisy(profile)) return new(Metal.Wasm, DecisionRule.TooNoisy, $"{wasm} is within {budget}, and the tax is too noisy to say whether native would cost less, so nothing changes");
        string why = isWithinBudget ? $"{cost}, which is not below {Percent(most)}" : $"{wasm} is not within {budget}";
        return profile.Native.P99UpperUs <= budgetUs
            ? new(Metal.Native, DecisionRule.NativeFits, $"{why}, and the p99 on native of at most {Us(profile.Native.P99UpperUs)} is")
            : new(Metal.Wasm, DecisionRule.NeitherFits, $"neither fits: {why}, and the p99 on native may be {Us(profile.Native.P99UpperUs)}; raise the budget or make the plugin faster");
    }

    /// <summary>Decides without a profile that counts.</summary>
    /// <param name="problem">Why there is none.</param>
    public static MetalDecision Without(PluginConfig config, string problem)
    {
        ArgumentNullException.ThrowIfNull(config);
        return config.Trust == Trust.ThirdParty ? ForThirdParty : new(Metal.Wasm, DecisionRule.NoProfile, $"there is no valid profile ({problem}); metal: native is one word away");
    }

    /// <summary>Share of a core that the tax takes at a rate; never below zero.</summary>
    public static double CpuShare(PluginProfile profile, double rps)
    {
        ArgumentNullException.ThrowIfNull(profile);
        return Math.Max(0, profile.TaxUs * rps / 1_000_000);
    }

    /// <summary>The interval of the tax holds zero.</summary>
    public static bool IsTooNoisy(PluginProfile profile)
    {
        ArgumentNullException.ThrowIfNull(profile);
        return profile.TaxIntervalUs is not [var low, var high] || (low <= 0 && high >= 0);
    }

    private static MetalDecision ForThirdParty { get; } = new(Metal.Wasm, DecisionRule.ThirdParty, "third-party code never runs native");

    private static string Us(double us) => us < 1000 ? us.ToString("0.##", CultureInfo.InvariantCulture) + " us" : (us / 1000).ToString("0.##", CultureInfo.InvariantCulture) + " ms";

    private static string Percent(double share) => (share * 100).ToString("0.###", CultureInfo.InvariantCulture) + " %";
}
