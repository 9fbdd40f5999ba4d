// The flags that choose how guest code is compiled, shared by the commands that compile.

using System.CommandLine;
using System.CommandLine.Parsing;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Engine.Limits;

namespace Bimetal.Commands;

internal sealed class CompileFlags
{
    private readonly Option<string> _target = new Option<string>("--target") { Description = "platform that the code runs on", DefaultValueFactory = _ => "linux-x64" }
        .AcceptOnlyFromAmong("linux-x64", "linux-arm64");

    private readonly Option<string?> _cpu = new("--cpu") { Description = "CPU level, such as x86-64-v3 (default: x86-64-v2, armv8-a)", HelpName = "LEVEL" };

    private readonly Option<string> _mode = new Option<string>("--mode") { Description = "relaxed may miss the trap of a load whose value nothing uses", DefaultValueFactory = _ => "conformant" }
        .AcceptOnlyFromAmong("conformant", "relaxed");

    private readonly Option<string> _bounds = new Option<string>("--bounds") { Description = "how memory accesses are bounded", DefaultValueFactory = _ => "guard" }
        .AcceptOnlyFromAmong("guard", "explicit");

    private readonly Option<string> _interrupt = new Option<string>("--interrupt") { Description = "what stops code at its CPU limit; none is for measuring alone", DefaultValueFactory = _ => "signal" }
        .AcceptOnlyFromAmong("signal", "poll", "none");

    private readonly Option<bool> _quick = new("--quick") { Description = "LLVM's code generator alone, without its optimisation passes: compiles faster, runs slower" };

    private readonly Option<bool> _unmasked = new("--unmasked") { Description = "leave out the masks against speculation, to see what they cost; not for code that is not trusted" };

    private readonly Option<bool> _markWrites = new("--mark-writes") { Description = "mark what is written to memory, as plugins do, so that a reset knows it; to see what it costs" };

    private readonly Option<string[]> _limits = new("--limit") { Description = "another value for a limit of docs/limits.md; may be repeated", HelpName = "NAME=NUMBER" };

    internal void AddTo(Command command, bool withTarget)
    {
        if (withTarget) command.Add(_target);
        command.Add(_cpu);
        command.Add(_mode);
        command.Add(_bounds);
        command.Add(_interrupt);
        command.Add(_quick);
        command.Add(_unmasked);
        command.Add(_markWrites);
    }

    /// <summary>Adds what changes limits, to commands that load one module.</summary>
    internal void AddLimitsTo(Command command)
    {
        _limits.Validators.Add(result =>
        {
            foreach (string setting in result.GetValueOrDefault<string[]>() ?? [])
            {
                LimitTable.Apply(EngineLimits.Default, setting, out string? error);
                if (error is not null) result.AddError(error);
            }
        });
        command.Add(_limits);
    }

    internal EngineLimits ReadLimits(ParseResult result) =>
        (result.GetValue(_limits) ?? []).Aggregate(EngineLimits.Default, (limits, setting) => LimitTable.Apply(limits, setting, out _));

    /// <summary>Whether a CPU limit holds for the code.</summary>
    internal bool CanBeStopped(SymbolResult result) => result.GetValue(_interrupt) != "none";

    /// <summary>Whether nobody asked for guard pages by name, so that explicit checks may stand in for them.</summary>
    internal bool MayCheckBounds(ParseResult result) => result.GetResult(_bounds) is not { Implicit: false };

    internal CompileOptions Read(ParseResult result)
    {
        var options = new CompileOptions();
        if (result.GetResult(_target) is { Implicit: false })
            options = options with { Target = result.GetValue(_target) == "linux-arm64" ? TargetPlatform.LinuxArm64 : TargetPlatform.LinuxX64 };
        if (result.GetValue(_cpu) is { } cpu) options = options with { Cpu = cpu };
        return options with
        {
            Mode = result.GetValue(_mode) == "relaxed" ? CompileMode.Relaxed : CompileMode.Conformant,
            Bounds = result.GetValue(_bounds) == "explicit" ? BoundsMode.Explicit : BoundsMode.Guard,
            Interrupt = result.GetValue(_interrupt) switch { "poll" => InterruptMode.Poll, "none" => InterruptMode.None, _ => InterruptMode.Signal },
            Quick = result.GetValue(_quick),
            MaskIndices = !result.GetValue(_unmasked),
            MarkWrites = result.GetValue(_markWrites),
        };
    }
}
