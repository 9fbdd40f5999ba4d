// Tables, element segments and references.

using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Validation;

internal sealed partial class FunctionValidator
{
    private void CheckTableGet(uint table)
    {
        if (!RequireTable(table)) return;
        _stack.Pop(ValueType.I32);
        _stack.Push(ElementTypeOf(table));
    }

    private void CheckTableSet(uint table)
    {
        if (!RequireTable(table)) return;
        _stack.Pop(ElementTypeOf(table));
        _stack.Pop(ValueType.I32);
    }

    private void CheckTableGrow(uint table)
    {
        if (!RequireTable(table)) return;
        _stack.Pop(ValueType.I32);
        _stack.Pop(ElementTypeOf(table));
        _stack.Push(ValueType.I32);
    }

    private void CheckTableFill(uint table)
    {
        if (!RequireTable(table)) return;
        _stack.Pop(ValueType.I32);
        _stack.Pop(ElementTypeOf(table));
        _stack.Pop(ValueType.I32);
    }

    private void CheckTableCopy(uint destination, uint source)
    {
        if (!RequireTable(destination) || !RequireTable(source)) return;
        if (ElementTypeOf(destination) != ElementTypeOf(source)) _stack.Fail(Invalid.Mismatch(ElementTypeOf(destination), ElementTypeOf(source)));
    }

    private void CheckTableInit(uint segment, uint table)
    {
        if (!RequireTable(table) || !RequireElements(segment)) return;
        var segmentType = Module.Elements[(int)segment].ElementType;
        if (ElementTypeOf(table) != segmentType) _stack.Fail(Invalid.Mismatch(ElementTypeOf(table), segmentType));
    }

    private void CheckRefIsNull()
    {
        var found = _stack.Pop();
        if (!found.IsReference() && found != OperandStack.Unknown) _stack.Fail($"{Invalid.TypeMismatch}: expected a reference, found {found.Name()}");
        _stack.Push(ValueType.I32);
    }

    private void CheckRefFunc(uint function)
    {
        if (!RequireFunction(function)) return;
        if (!scope.IsDeclared(function)) _stack.Fail($"{Invalid.UndeclaredReference}: function {function}");
        _stack.Push(ValueType.FuncRef);
    }

    private ValueType ElementTypeOf(uint table) => Module.Tables[(int)table].ElementType;

    private bool RequireTable(uint index) => scope.HasTable(index) || FailUnknown("table", index);

    private bool RequireElements(uint index) => scope.HasElements(index) || FailUnknown("elem segment", index);
}
