// Locals and parameters as values in SSA form: nothing of them is in memory. Where paths join, those that are assigned inside the block
// that ends there, or in the loop that begins, may become phis (Joins.cs).

using Bimetal.Wasm.Compiler.Emit.Numeric;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler.Emit.Control;

/// <summary>The local variables of one function.</summary>
internal sealed class LocalVariables(FunctionBuilder function)
{
    private ValueType[] _types = [];
    private Value[] _values = [];
    private Dictionary<int, uint[]> _assigned = [];

    /// <summary>Gives parameters and locals their first values.</summary>
    public void Declare(FunctionType type, Function body)
    {
        _assigned = AssignedLocals.Find(function.Module, body);
        var types = new List<ValueType>(type.Parameters);
        foreach (var run in body.Locals) types.AddRange(Enumerable.Repeat(run.Type, (int)run.Count));
        _types = [.. types];
        _values = new Value[_types.Length];
        var zeros = new Dictionary<ValueType, Value>();
        for (int index = 0; index < _types.Length; index++)
        {
            if (index < type.Parameters.Length)
            {
                _values[index] = Value.Argument(_types[index], index);
                continue;
            }

            if (!zeros.TryGetValue(_types[index], out var zero)) zeros.Add(_types[index], zero = FirstValue(_types[index]));
            _values[index] = zero;
        }
    }

    /// <summary>The value of a local, to be used by an instruction.</summary>
    public Value Get(uint index)
    {
        function.Joins.Use(_values[index]);
        return _values[index];
    }

    public void Set(uint index, Value value) => _values[index] = value;

    /// <summary>Locals that the block assigns which begins at an offset of the module.</summary>
    public uint[] AssignedIn(int offset) => _assigned[offset];

    public ValueType TypeOf(uint index) => _types[index];

    /// <summary>Adds the values of some locals to <paramref name="values"/>, from <paramref name="start"/> on.</summary>
    public void CopyTo(uint[] locals, Value[] values, int start)
    {
        foreach (uint local in locals) values[start++] = _values[local];
    }

    /// <summary>The reverse of <see cref="CopyTo"/>.</summary>
    public void Restore(uint[] locals, ReadOnlySpan<Value> values)
    {
        for (int i = 0; i < locals.Length; i++) _values[locals[i]] = values[i];
    }

    // See FloatConstants.Leaving; names in the entry block do not count as temporaries.
    private Value FirstValue(ValueType type)
    {
        var zero = LlvmTypes.Zero(type);
        if (type is not (ValueType.F32 or ValueType.F64)) return zero;
        string name = type == ValueType.F32 ? "%zf" : "%zd";
        function.Entry.Append($"  {name} = {OpaqueAssembly.Hidden(function, zero)}\n");
        return Value.Named(type, name);
    }
}
