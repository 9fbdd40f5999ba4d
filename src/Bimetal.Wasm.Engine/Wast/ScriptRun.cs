// Runs the commands of one script in order and judges each.

using System.Collections.Immutable;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Engine.Values;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine.Wast;

internal sealed class ScriptRun(WastScript script, ScriptCompiler modules) : IDisposable
{
    // No command of the suite comes near it; it ends what would hang.
    private static readonly CallLimits Limits = new(TimeSpan.FromSeconds(30));

    private readonly ScriptInstances _instances = new();
    private readonly WastTally _tally = new(script.Name);
    private GuestTrace? _trace;

    internal WastTally Run()
    {
        foreach (var command in script.Commands)
        {
            try
            {
                Run(command);
            }
            catch (Exception exception) when (exception is LinkException or InstanceLimitException or NotSupportedException or InvalidOperationException)
            {
                _tally.Fail(command.Line, $"{command.Type}: {exception.Message}");
            }
        }

        return _tally;
    }

    public void Dispose() => _instances.Dispose();

    private void Run(WastCommand command)
    {
        switch (command.Type)
        {
            case "module": Instantiate(command); break;
            case "register": Register(command); break;
            case "action": Judge(command, Act(command, out var trap, out _) ?? (trap == TrapCode.None ? null : Trapped(trap))); break;
            case "assert_return": Judge(command, CheckReturn(command)); break;
            case "assert_trap" or "assert_exhaustion": Judge(command, CheckTrap(command)); break;
            case "assert_invalid" or "assert_malformed" when command.IsText: _tally.Skip(); break;
            case "assert_invalid" or "assert_malformed": Judge(command, CheckRefused(command)); break;
            case "assert_unlinkable": Judge(command, CheckUnlinkable(command)); break;
            case "assert_uninstantiable": Judge(command, CheckUninstantiable(command)); break;
            default: _tally.Fail(command.Line, $"a command \"{command.Type}\" is not known here"); break;
        }
    }

    // Only assertions count as passed; any command can fail.
    private void Judge(WastCommand command, Fault? fault)
    {
        if (fault is not null) _tally.Fail(fault.Line ?? command.Line, fault.Line is null ? $"{Describe(command)}: {fault.Reason}" : fault.Reason);
        else if (command.IsAssertion) _tally.Pass();
    }

    private static string Describe(WastCommand command) => command.Action is null ? command.Type : $"{command.Type} {command.Action}";

    private Fault Trapped(TrapCode trap) => new(null, $"trapped: {trap.Message()} {_trace?.Describe()}".TrimEnd());

    private void Instantiate(WastCommand command)
    {
        _instances.SetCurrent(command.Name, new ScriptInstance(command.Line, null, "the module was not instantiated"));
        var module = modules[command];
        string? failure = module.Failure;
        Instance? instance = null;
        if (module.Loaded is not null)
        {
            try
            {
                instance = _instances.Create(module.Loaded, Limits, out var trap);
                if (trap != TrapCode.None) failure = $"trapped while starting: {trap.Message()}";
            }
            catch (Exception exception) when (exception is LinkException or InstanceLimitException or NotSupportedException)
            {
                failure = exception.Message;
            }
        }

        if (failure is not null) failure = $"module: {failure}";
        _instances.SetCurrent(command.Name, new ScriptInstance(command.Line, failure is null ? instance : null, failure));
        if (failure is not null) _tally.Fail(command.Line, failure);
    }

    private void Register(WastCommand command)
    {
        var found = _instances.Find(command.Name);
        if (found?.Instance is { } instance) _instances.Register(command.RegisterAs!, instance);
        else Judge(command, Missing(command.Name, found));
    }

    private static Fault Missing(string? name, ScriptInstance? found) => found is null
        ? new Fault(null, $"there is no module {name ?? "before it"}")
        : new Fault(found.Line, found.Failure ?? "module: not instantiated");

    /// <summary>Calls or reads; null, or why that was not possible.</summary>
    private Fault? Act(WastCommand command, out TrapCode trap, out ImmutableArray<GuestValue> results)
    {
        trap = TrapCode.None;
        results = [];
        var action = command.Action!;
        var found = _instances.Find(action.Module);
        if (found?.Instance is not { } instance) return Missing(action.Module, found);
        if (action.IsGet)
        {
            if (!instance.TryGetGlobal(action.Field, out var global)) return new Fault(null, "no such exported global");
            results = [new GuestValue(global.Type.ValueType, global.Value)];
            return null;
        }

        if (!instance.TryGetFunction(action.Field, out var function)) return new Fault(null, "no such exported function");
        if (!action.Arguments.Select(argument => argument.Type).SequenceEqual(function.Type.Parameters)) return new Fault(null, $"wrong arguments for {function.Type}");
        ulong[] buffer = new ulong[Math.Max(1, function.BufferSlotCount)];
        int slot = 0;
        foreach (var argument in action.Arguments) slot += argument.ToGuestValue().WriteTo(buffer.AsSpan(slot));
        trap = instance.Call(function, buffer, Limits);
        _trace = trap == TrapCode.None ? null : instance.LastTrap;
        if (trap == TrapCode.None) results = [.. Invoke.ArgumentReader.Results(function.Type, buffer)];
        return null;
    }

    private Fault? CheckReturn(WastCommand command)
    {
        if (Act(command, out var trap, out var results) is { } fault) return fault;
        if (trap != TrapCode.None) return Trapped(trap);
        bool matches = results.Length == command.Expected.Length && command.Expected.Zip(results).All(pair => pair.First.Matches(pair.Second));
        return matches ? null : new Fault(null, $"expected {List(command.Expected)}, got {List(results)}");
    }

    private static string List<T>(ImmutableArray<T> values) => values.IsEmpty ? "nothing" : string.Join(' ', values);

    private Fault? CheckTrap(WastCommand command)
    {
        if (Act(command, out var trap, out var results) is { } fault) return fault;
        return trap == TrapCode.None ? new Fault(null, $"returned {List(results)}, expected the trap \"{command.Text}\"") : CheckMessage(trap.Message(), command.Text);
    }

    // The suite's texts are beginnings of messages; some of them go on with an index that is not told here.
    private static Fault? CheckMessage(string message, string expected) =>
        message.StartsWith(expected, StringComparison.Ordinal) || expected.StartsWith(message, StringComparison.Ordinal)
            ? null
            : new Fault(null, $"\"{message}\", expected \"{expected}\"");

    private static Fault? CheckRefused(WastCommand command)
    {
        try
        {
            WasmEngine.Check(File.ReadAllBytes(command.ModulePath!));
            return new Fault(null, $"accepted, expected \"{command.Text}\"");
        }
        catch (WasmModuleException)
        {
            return null;
        }
    }

    private Fault? CheckUnlinkable(WastCommand command)
    {
        var module = modules[command];
        if (module.Loaded is null) return new Fault(null, module.Failure!);
        try
        {
            _instances.Create(module.Loaded, Limits, out _);
            return new Fault(null, $"linked, expected \"{command.Text}\"");
        }
        catch (LinkException exception)
        {
            return CheckMessage(exception.Message, command.Text);
        }
    }

    private Fault? CheckUninstantiable(WastCommand command)
    {
        var module = modules[command];
        if (module.Loaded is null) return new Fault(null, module.Failure!);
        _instances.Create(module.Loaded, Limits, out var trap);
        return trap == TrapCode.None ? new Fault(null, $"instantiated, expected \"{command.Text}\"") : CheckMessage(trap.Message(), command.Text);
    }

    /// <summary>Why a command failed.</summary>
    /// <param name="Line">Line of the module that is at fault, or null for the command itself.</param>
    /// <param name="Reason">What happened.</param>
    private sealed record Fault(int? Line, string Reason);
}
