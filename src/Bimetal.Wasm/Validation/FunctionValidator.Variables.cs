// Locals, globals and select.

using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Validation;

internal sealed partial class FunctionValidator
{
    private void CheckLocalGet(uint index)
    {
        if (RequireLocal(index)) _stack.Push(_locals[index]);
    }

    private void CheckLocalSet(uint index)
    {
        if (RequireLocal(index)) _stack.Pop(_locals[index]);
    }

    private void CheckLocalTee(uint index)
    {
        if (!RequireLocal(index)) return;
        _stack.Pop(_locals[index]);
        _stack.Push(_locals[index]);
    }

    private void CheckGlobalGet(uint index)
    {
        if (RequireGlobal(index)) _stack.Push(Module.GlobalTypes[(int)index].ValueType);
    }

    private void CheckGlobalSet(uint index)
    {
        if (!RequireGlobal(index)) return;
        var type = Module.GlobalTypes[(int)index];
        if (!type.IsMutable) _stack.Fail(Invalid.ImmutableGlobal);
        _stack.Pop(type.ValueType);
    }

    // Without a written type the operands must be numbers or vectors of the same type.
    private void CheckSelect()
    {
        _stack.Pop(ValueType.I32);
        var second = _stack.Pop();
        var first = _stack.Pop();
        if (first.IsReference() || second.IsReference()) _stack.Fail($"{Invalid.TypeMismatch}: select of references needs a written type");
        if (first != second && first != OperandStack.Unknown && second != OperandStack.Unknown) _stack.Fail(Invalid.Mismatch(first, second));
        _stack.Push(first == OperandStack.Unknown ? second : first);
    }

    private void CheckSelectTyped(ValueType[] types)
    {
        if (types.Length != 1)
        {
            _stack.Fail($"{Invalid.ResultArity}: {types.Length}");
            return;
        }

        _stack.Pop(ValueType.I32);
        _stack.Pop(types[0]);
        _stack.Pop(types[0]);
        _stack.Push(types[0]);
    }

    private bool RequireLocal(uint index) => index < _locals.Count || FailUnknown("local", index);

    private bool RequireGlobal(uint index) => scope.HasGlobal(index) || FailUnknown("global", index);
}
