// Where a trap happened: function, offset in the module, and the way there. Offsets are checked against the module's own bytes.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Runtime.Tests;

public sealed class TraceTests
{
    private const string Text = """
        (module
          (import "env" "invoke" (func $host))
          (type $number (func (param i32) (result i32)))
          (memory 1)
          (table 2 funcref)
          (elem (i32.const 0) $divide)
          (func $divide (param i32) (result i32) (i32.div_u (i32.const 100) (local.get 0)))
          (func $peek (param i32) (result i32) (i32.add (i32.load offset=4 (local.get 0)) (i32.load (local.get 0))))
          (func $fill (param i32) (memory.fill (local.get 0) (i32.const 1) (i32.const 70000)))
          (func $even (export "even") (param i32) (result i32)
            (if (result i32) (i32.eqz (local.get 0)) (then (unreachable)) (else (i32.add (i32.const 1) (call $odd (i32.sub (local.get 0) (i32.const 1)))))))
          (func $odd (param i32) (result i32)
            (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 1)) (else (i32.add (i32.const 2) (call $even (i32.sub (local.get 0) (i32.const 1)))))))
          (func $deep (export "deep") (param i32) (result i32) (i32.add (i32.const 1) (call $deep (i32.add (local.get 0) (i32.const 1)))))
          (func $indirect (export "indirect") (param i32 i32) (result i32) (i32.add (i32.const 1) (call_indirect (type $number) (local.get 0) (local.get 1))))
          (func (export "peek") (param i32) (result i32) (i32.mul (i32.const 3) (call $peek (local.get 0))))
          (func (export "fill") (param i32) (call $fill (local.get 0)) (call $host))
          (func $spin (export "spin") (loop $again (br $again)))
          (func $ask (export "ask") (call $host) (call $host)))
        """;

    [Theory]
    [InlineData("peek", new ulong[] { 0xFFFF_0000 }, TrapCode.MemoryOutOfBounds, Opcode.I32Load, "peek")]
    [InlineData("fill", new ulong[] { 0 }, TrapCode.MemoryOutOfBounds, Opcode.MemoryFill, "fill")]
    [InlineData("indirect", new ulong[] { 0, 0 }, TrapCode.IntegerDivideByZero, Opcode.I32DivU, "divide")]
    [InlineData("indirect", new ulong[] { 0, 1 }, TrapCode.UninitializedElement, Opcode.CallIndirect, "indirect")]
    [InlineData("indirect", new ulong[] { 0, 7 }, TrapCode.UndefinedElement, Opcode.CallIndirect, "indirect")]
    [InlineData("even", new ulong[] { 0 }, TrapCode.Unreachable, Opcode.Unreachable, "even")]
    public void Trap_NamesFunctionAndInstruction(string export, ulong[] arguments, TrapCode trap, Opcode opcode, string function)
    {
        using var guest = NewGuest();
        Assert.Equal(trap, guest.Run(export, arguments));
        var frame = guest.Instance.LastTrap!.Frames[0];
        Assert.Equal(function, frame.Name);
        Assert.Equal(opcode, OpcodeAt(guest, frame.Offset!.Value));
    }

    [Fact]
    public void Trap_InRecursion_HasEachCall()
    {
        using var guest = NewGuest();
        Assert.Equal(TrapCode.Unreachable, guest.Run("even", 6));
        var frames = guest.Instance.LastTrap!.Frames;
        Assert.False(guest.Instance.LastTrap.IsCut);
        Assert.Equal(["even", "odd", "even", "odd", "even", "odd", "even"], frames.Select(frame => frame.Name));
        // LLVM inlines one into the other: the offset is told of the inner one.
        Assert.All(frames.Skip(1).Where(frame => frame.Offset is not null), frame => Assert.Equal(Opcode.Call, OpcodeAt(guest, frame.Offset!.Value)));
        Assert.Contains(frames.Skip(1), frame => frame.Offset is not null);
        Assert.StartsWith("in even at 0x", guest.Instance.LastTrap.Describe(), StringComparison.Ordinal);
    }

    [Fact]
    public void StackOverflow_IsCut()
    {
        using var guest = NewGuest();
        Assert.Equal(TrapCode.StackOverflow, guest.Run("deep", 0));
        var trace = guest.Instance.LastTrap!;
        Assert.True(trace.IsCut);
        Assert.True(trace.Frames.Count >= 30);
        Assert.All(trace.Frames, frame => Assert.Equal("deep", frame.Name));
    }

    [Fact]
    public void Deadline_SaysWhereTheGuestWas()
    {
        using var guest = NewGuest();
        Assert.Equal(TrapCode.DeadlineExceeded, Guest.Run(guest.Instance, new CallLimits(TimeSpan.FromMilliseconds(2)), "spin").Trap);
        Assert.Equal("spin", guest.Instance.LastTrap!.Frames[^1].Name);
    }

    [Fact]
    public void FailureOfAHostFunction_NamesImportAndCaller()
    {
        using var guest = NewGuest();
        guest.Instance.HostState = new Func<TrapCode>(() => TrapCode.HostError);
        Assert.Equal(TrapCode.HostError, guest.Run("ask"));
        Assert.Equal(["host", "ask"], guest.Instance.LastTrap!.Frames.Select(frame => frame.Name));
    }

    [Fact]
    public void NestedGuest_HasATraceOfItsOwn()
    {
        using var inner = NewGuest();
        using var outer = NewGuest();
        outer.Instance.HostState = new Func<TrapCode>(() => inner.Run("peek", 0xFFFF_0000));
        Assert.Equal(TrapCode.MemoryOutOfBounds, outer.Run("ask"));
        Assert.Equal("peek", inner.Instance.LastTrap!.Frames[0].Name);
        Assert.Equal(["host", "ask"], outer.Instance.LastTrap!.Frames.Select(frame => frame.Name));
    }

    [Fact]
    public void NamesOfTheGuest_CannotForgeLogLines()
    {
        using var guest = new Guest("""(module (func (export "a\nb\u{1b}[2J\u{202e}c") (unreachable)))""");
        Assert.Equal(TrapCode.Unreachable, guest.Run("a\nb\u001b[2J\u202ec"));
        Assert.Equal("a?b?[2J?c", guest.Instance.LastTrap!.Frames[0].Name);
    }

    private static Guest NewGuest() => new(Text, new ImportSet().Define("env", "invoke", HostFunctions.Invoke));

    private static Opcode OpcodeAt(Guest guest, uint offset)
    {
        var bytes = guest.Loaded.Module.Bytes.Span;
        var reader = new InstructionReader(bytes, (int)offset, bytes.Length - (int)offset);
        var instruction = default(Instruction);
        Assert.Null(reader.Read(ref instruction));
        return instruction.Opcode;
    }
}
