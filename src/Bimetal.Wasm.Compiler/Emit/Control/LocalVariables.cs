// Locals and parameters. Each is an alloca (LLVM's mem2reg makes registers of them) except parameters that are never assigned;
// within a stretch of straight-line code the last known value is reused, which saves most of the loads.

using Bimetal.Wasm.Compiler.Emit.Numeric;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler.Emit.Control;

/// <summary>The local variables of one function.</summary>
internal sealed class LocalVariables(FunctionBuilder function)
{
    private ValueType[] _types = [];
    private Value[] _known = [];
    private int[] _knownSince = [];
    private Value?[] _fixed = [];
    private int _stretch = 1;

    /// <summary>Declares parameters and locals in the entry block.</summary>
    public void Declare(FunctionType type, Function body)
    {
        int count = type.Parameters.Length;
        foreach (var run in body.Locals) count += (int)run.Count;
        _types = new ValueType[count];
        _known = new Value[count];
        _knownSince = new int[count];
        _fixed = new Value?[type.Parameters.Length];
        int index = 0;
        for (; index < type.Parameters.Length; index++) DeclareParameter(index, type.Parameters[index]);
        foreach (var run in body.Locals)
        {
            var zero = LlvmTypes.Zero(run.Type);
            if (run.Count > 0 && run.Type is ValueType.F32 or ValueType.F64) zero = HideZero(index, zero);
            for (uint i = 0; i < run.Count; i++, index++) DeclareVariable(index, run.Type, zero);
        }
    }

    public Value Get(uint index)
    {
        if (_knownSince[index] == _stretch) return _known[index];
        if (index < (uint)_fixed.Length && _fixed[index] is { } argument) return argument;
        var value = function.Define(_types[index], $"load {LlvmTypes.Of(_types[index])}, ptr %l{index}");
        Know((int)index, value);
        return value;
    }

    public void Set(uint index, Value value)
    {
        function.Line($"store {LlvmTypes.Of(value)} {value}, ptr %l{index}");
        Know((int)index, value);
    }

    /// <summary>Takes it that a variable holds a value, until code begins that other paths lead to; for one that is not assigned before.</summary>
    public void Assume(uint index, Value value) => Know((int)index, value);

    /// <summary>Forgets known values, because code that other paths lead to begins.</summary>
    public void Forget() => _stretch++;

    // See FloatConstants.Leaving; names in the entry block do not count as temporaries.
    private Value HideZero(int index, Value zero)
    {
        function.Entry.Append($"  %z{index} = {OpaqueAssembly.Hidden(function, zero)}\n");
        return Value.Named(zero.Type, $"%z{index}");
    }

    private void DeclareParameter(int index, ValueType type)
    {
        var argument = Value.Named(type, $"%a{index}");
        if (function.Facts.AssignedParameters[index])
        {
            DeclareVariable(index, type, argument);
            return;
        }

        _types[index] = type;
        _fixed[index] = argument;
    }

    private void DeclareVariable(int index, ValueType type, Value initial)
    {
        string llvmType = LlvmTypes.Of(type);
        function.Entry.Append($"  %l{index} = alloca {llvmType}\n  store {llvmType} {initial}, ptr %l{index}\n");
        _types[index] = type;
        Know(index, initial);
    }

    private void Know(int index, Value value)
    {
        _known[index] = value;
        _knownSince[index] = _stretch;
    }
}
