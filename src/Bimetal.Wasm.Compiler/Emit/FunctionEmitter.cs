// Walks one function body and writes its IR definition. Which family an opcode belongs to is decided here, by its number; what it
// does, in the families' folders.

using System.Text;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler.Emit.Call;
using Bimetal.Wasm.Compiler.Emit.Control;
using Bimetal.Wasm.Compiler.Emit.Convert;
using Bimetal.Wasm.Compiler.Emit.Memory;
using Bimetal.Wasm.Compiler.Emit.Numeric;
using Bimetal.Wasm.Compiler.Emit.Simd;
using Bimetal.Wasm.Compiler.Emit.Table;
using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Compiler.Emit;

/// <summary>Emits functions of a module.</summary>
internal static class FunctionEmitter
{
    /// <summary>Appends the definition of a function to <paramref name="text"/>.</summary>
    /// <param name="module">The module.</param>
    /// <param name="definedIndex">Index among the functions that the module defines.</param>
    /// <param name="text">Receives the IR.</param>
    /// <param name="isShared">Whether another partition of the image, or the root there, refers to the function.</param>
    public static void Emit(ModuleScope module, int definedIndex, StringBuilder text, bool isShared)
    {
        var body = module.Module.Functions[definedIndex];
        var type = module.Module.Types[(int)body.TypeIndex];
        uint index = (uint)(definedIndex + module.Module.ImportedFunctionCount);
        int locationsBefore = module.Partition.Locations.Text.Length;
        int scope = module.Options.Locations ? module.Partition.Locations.AddFunction(module.FunctionName(index)) : 0;
        var function = new FunctionBuilder(module, type, module.Facts.Functions[definedIndex]) { Scope = scope };
        function.StartAt(body.BodyOffset);
        function.Locals.Declare(type, body);
        Prologue(function);
        if (function.Facts.Calls || function.Facts.TailCalls) function.Poll();
        function.Control.EnterFunction();
        var reader = new InstructionReader(module.Module.Bytes.Span, body.BodyOffset, body.BodyLength);
        var instruction = default(Instruction);
        while (!function.Control.IsFinished)
        {
            if (reader.Read(ref instruction) is { } error) throw new ArgumentException($"The module was not validated: {error.Message}", nameof(module));
            function.MoveTo(instruction.Offset);
            if (function.Control.IsReachable) Dispatch(function, in instruction);
            else function.Control.Skip(instruction.Opcode);
            module.Budget.RequireForFunction(function.Characters);
        }

        function.WriteTrapBlocks();
        function.WriteSharedSlots();
        module.Budget.Spend(function.Characters + module.Partition.Locations.Text.Length - locationsBefore);
        bool isTailFunction = module.Facts.IsTailFunction(index);
        string convention = isTailFunction ? GuestSignature.TailConvention : "";
        text.Append($"define {(isShared ? "hidden" : "internal")} {convention}{GuestSignature.Returned(type)} @{module.FunctionName(index)}(");
        text.Append($"ptr noundef nonnull align 64 dereferenceable({module.Layout.SizeBytes}) %c{GuestSignature.Parameters(type, isTailFunction)}");
        text.Append(scope == 0 ? ") #0 {\ne:\n" : $") #0 !dbg !{scope} {{\ne:\n").Append(isTailFunction ? GuestSignature.JoinHalves(type) : "").Append(function.Slots).Append(function.Entry);
        function.Joins.AppendBody(text);
        text.Append("}\n");
        if (isTailFunction && module.ReachableFromOutside.Contains(index)) TailCalls.WriteWrapper(text, module.OuterName(index), module.FunctionName(index), type);
    }

    private static void Prologue(FunctionBuilder function)
    {
        if (function.Facts.UsesMemory) function.Entry.Append($"  %mb = load ptr, ptr %c, align 8, {Metadata.Invariant}\n");
        if (!function.Facts.ChecksStack || !function.Options.CheckStack) return;
        string start = function.NewLabel();
        function.Entry.Append($"""
              %sp = call i64 @llvm.read_register.i64(metadata {Metadata.StackPointerRegister})
              %sl = getelementptr i8, ptr %c, i64 {ContextHeader.StackLimit}
              %sm = load i64, ptr %sl, align 8, {Metadata.Header}
              %so = icmp ult i64 %sp, %sm
              br i1 %so, label %{function.TrapLabel(TrapCode.StackOverflow)}, label %{start}

            """);
        function.ContinueIn(start);
    }

    private static void Dispatch(FunctionBuilder function, ref readonly Instruction instruction)
    {
        switch ((int)instruction.Opcode)
        {
            case <= 0x24: ControlInstructions.Emit(function, in instruction); break;
            case <= 0x26: TableInstructions.Emit(function, in instruction); break;
            case <= 0x40: MemoryInstructions.Emit(function, in instruction); break;
            case <= 0x44: Constants.Emit(function, in instruction); break;
            case <= 0x5A: IntegerInstructions.Emit(function, in instruction); break;
            case <= 0x66: FloatInstructions.Emit(function, in instruction); break;
            case <= 0x8A: IntegerInstructions.Emit(function, in instruction); break;
            case <= 0xA6: FloatInstructions.Emit(function, in instruction); break;
            case <= 0xC4: ConversionInstructions.Emit(function, in instruction); break;
            case <= 0xD2: TableInstructions.Emit(function, in instruction); break;
            case <= 0xFC07: ConversionInstructions.Emit(function, in instruction); break;
            case <= 0xFC0B: MemoryInstructions.Emit(function, in instruction); break;
            case <= 0xFCFF: TableInstructions.Emit(function, in instruction); break;
            default: SimdInstructions.Emit(function, in instruction); break;
        }
    }
}
