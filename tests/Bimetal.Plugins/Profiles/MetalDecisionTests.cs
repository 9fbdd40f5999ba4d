// The rules of metal: auto, one by one, and what makes a profile invalid.

using Bimetal.Plugins.Profiles;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Profiles;

public sealed class MetalDecisionTests
{
    private static readonly PluginConfig Config = new() { Name = "p", Bundle = "/p", Trust = Trust.FirstParty, LatencyBudget = TimeSpan.FromMicroseconds(100) };

    [Theory]
    [InlineData(80, 20, 10, Metal.Wasm, DecisionRule.WasmFits)] // 10 us at 1000 per second: 1 % of a core
    [InlineData(100, 20, 10, Metal.Wasm, DecisionRule.WasmFits)] // a budget that is reached exactly is kept
    [InlineData(101, 20, 10, Metal.Native, DecisionRule.NativeFits)]
    [InlineData(101, 101, 10, Metal.Wasm, DecisionRule.NeitherFits)]
    [InlineData(80, 20, 50, Metal.Native, DecisionRule.NativeFits)] // 5 % is not below 5 %
    [InlineData(80, 20, 49, Metal.Wasm, DecisionRule.WasmFits)]
    [InlineData(80, 20, -10, Metal.Wasm, DecisionRule.WasmFits)]
    public void Rules_DecideByBudgetAndProcessor(double wasmP99, double nativeP99, double tax, Metal metal, DecisionRule rule)
    {
        var decision = MetalDecision.Of(Config, Profile(wasmP99, nativeP99, tax), rps: 1000);
        Assert.Equal((metal, rule), (decision.Metal, decision.Rule));
    }

    [Fact]
    public void ThirdParty_IsWasm_WhateverWasMeasured()
    {
        var decision = MetalDecision.Of(Config with { Trust = Trust.ThirdParty }, Profile(10_000, 1, 9_999), rps: 100_000);
        Assert.Equal((Metal.Wasm, DecisionRule.ThirdParty), (decision.Metal, decision.Rule));
    }

    [Fact]
    public void UpperEndOfTheInterval_Counts_NotTheMiddle()
    {
        var profile = Profile(80, 20, 10) with { Wasm = new MetalCost(10, 80, 130) };
        Assert.Equal(Metal.Native, MetalDecision.Of(Config, profile, rps: 1000).Metal);
    }

    [Fact]
    public void TooNoisy_ChangesNothing()
    {
        var profile = Profile(80, 20, 60) with { TaxIntervalUs = [-5, 120] };
        Assert.Equal((Metal.Wasm, DecisionRule.TooNoisy), Parts(MetalDecision.Of(Config, profile, rps: 1000)));
    }

    [Fact]
    public void DifferentAnswers_NeverGoNative()
    {
        Assert.Equal((Metal.Wasm, DecisionRule.Different), Parts(MetalDecision.Of(Config, Profile(200, 20, 180) with { SameResult = false }, rps: 1000)));
        Assert.Equal((Metal.Wasm, DecisionRule.Different), Parts(MetalDecision.Of(Config, Profile(200, 20, 180) with { Shadow = new ShadowCounts(10, 1, null) }, rps: 1000)));
    }

    [Fact]
    public void CpuShareAndDefaultBudget_AreTheConfigurations()
    {
        var profile = Profile(80, 20, 50);
        Assert.Equal(Metal.Wasm, MetalDecision.Of(Config with { MaximumCpuShare = 0.06 }, profile, rps: 1000).Metal);
        var decision = MetalDecision.Of(Config with { LatencyBudget = null }, Profile(9_000, 20, 1), rps: 1000);
        Assert.Equal(DecisionRule.WasmFits, decision.Rule);
        Assert.Contains("10 ms (that of a whole request", decision.Reason);
    }

    [Fact]
    public void Key_SaysWhatChanged()
    {
        var key = new ProfileKey("w", "n", "cpu", "instance: shared", "1");
        Assert.Null(key.DifferenceFrom(key));
        Assert.Contains("built anew", key.DifferenceFrom(key with { Wasm = "x" }));
        Assert.Contains("built anew", key.DifferenceFrom(key with { Native = "x" }));
        Assert.Contains("another processor", key.DifferenceFrom(key with { Cpu = "x" }));
        Assert.Contains("instance: per-request now", key.DifferenceFrom(key with { Settings = "instance: per-request" }));
        Assert.Contains("version 1", key.DifferenceFrom(key with { Bimetal = "2" }));
    }

    [Fact]
    public void Document_ComesBackAsItWasWritten_AndBadOnesAreNamed()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "bimetal.profile.json");
        Assert.Null(ProfileDocument.TryRead(path, out string problem));
        Assert.Contains("there is no profile", problem);
        new ProfileDocument { Rps = 5, Plugins = [Profile(1, 2, 3)] }.Write(path);
        var read = ProfileDocument.TryRead(path, out _)!;
        Assert.Equal((5, "p", 3), (read.Rps, read.Plugins[0].Plugin, read.Plugins[0].TaxUs));
        foreach (string text in (string[])["", "[]", "{}", "{\"schema\":\"other\"}", "{\"schema\":\"bimetal.profile/1\",\"plugins\":[null]}", "{\"schema\":\"bimetal.profile/1\",\"plugins\":[{}]}", "nonsense"])
        {
            folder.Write("bimetal.profile.json", text);
            Assert.Null(ProfileDocument.TryRead(path, out problem));
            Assert.StartsWith(path + ": ", problem, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void PluginThatTheProfileDoesNotKnow_IsWasmWithTheReason()
    {
        var source = new ProfileSource(new ProfileDocument { Rps = 1, Plugins = [Profile(1, 2, 3)] }, "");
        Assert.Equal(Metal.Wasm, PluginLoader.ChooseMetal(Config with { Name = "other" }, out string? notice, source));
        Assert.Contains("the profile does not have it", notice);
        Assert.Equal(Metal.Wasm, PluginLoader.ChooseMetal(Config, out notice, source));
        Assert.Contains("it does not have both builds here", notice);
    }

    private static (Metal Metal, DecisionRule Rule) Parts(MetalDecision decision) => (decision.Metal, decision.Rule);

    private static PluginProfile Profile(double wasmP99Us, double nativeP99Us, double taxUs) => new()
    {
        Plugin = "p",
        Key = new ProfileKey("w", "n", "cpu", "instance: shared", "1"),
        Measured = "2026-01-01T00:00:00Z",
        Input = "5 good cases",
        Rounds = 40,
        Native = new MetalCost(nativeP99Us / 2, nativeP99Us, nativeP99Us),
        Wasm = new MetalCost(wasmP99Us / 2, wasmP99Us, wasmP99Us),
        TaxUs = taxUs,
        TaxIntervalUs = [taxUs - 1, taxUs + 1],
        SameResult = true,
    };
}
