// Short pieces of inline assembly, for what LLVM must not see through: index masks that it would prove needless, values that must be
// computed although nobody uses them, and operands whose folding would break a NaN rule. Without "sideeffect" such a piece is a
// pure function to LLVM, which may move, merge or drop it.

namespace Bimetal.Wasm.Compiler.Emit.Numeric;

/// <summary>Emits opaque operations.</summary>
internal static class OpaqueAssembly
{
    private const string Pure = "#3";

    // "Touches memory that nobody else sees": is never dropped, yet loads and stores of the guest may move past it.
    private const string Keeper = "#4";

    private const string Reader = "#5";

    /// <summary>The attribute groups that calls of these pieces name.</summary>
    public const string AttributeGroups = """
        attributes #3 = { nounwind willreturn memory(none) }
        attributes #4 = { nounwind willreturn memory(inaccessiblemem: readwrite) }
        attributes #5 = { nounwind willreturn }

        """;

    /// <summary>The smaller of an i32 index and a limit, without a branch.</summary>
    public static Value ClampIndex(FunctionBuilder function, Value index, int limit) => IsArm64(function)
        ? function.Define(
            ValueType.I32,
            $$"""call i32 asm "cmp ${1:w}, ${2:w}\0Acsel ${0:w}, ${1:w}, ${2:w}, lo\0Acsdb", "=r,r,r,~{cc}"(i32 {{index}}, i32 {{limit}}) {{Pure}}""")
        : function.Define(
            ValueType.I32,
            $$"""call i32 asm "cmpl $2, $0\0Acmovael $2, $0", "=r,0,r,~{flags}"(i32 {{index}}, i32 {{limit}}) {{Pure}}""");

    /// <summary>All ones as an i64 when an i32 index is below a length (unsigned), otherwise zero.</summary>
    public static Value IndexMask(FunctionBuilder function, Value index, Value length) => IsArm64(function)
        ? function.Define(
            ValueType.I64,
            $$"""call i64 asm "cmp ${1:w}, ${2:w}\0Asbc $0, xzr, xzr\0Acsdb", "=r,r,r,~{cc}"(i32 {{index}}, i32 {{length}}) {{Pure}}""")
        : function.Define(
            ValueType.I64,
            $$"""call i64 asm "cmpl $2, $1\0Asbbq $0, $0", "=r,r,r,~{flags}"(i32 {{index}}, i32 {{length}}) {{Pure}}""");

    /// <summary>A pointer when two i32 are equal, otherwise null, without a branch.</summary>
    public static Value PointerWhenEqual(FunctionBuilder function, Value pointer, Value left, Value right) => IsArm64(function)
        ? function.DefinePointer(
            $$"""call ptr asm "cmp ${2:w}, ${3:w}\0Acsel $0, $1, xzr, eq\0Acsdb", "=r,r,r,r,~{cc}"(ptr {{pointer}}, i32 {{left}}, i32 {{right}}) {{Pure}}""")
        : function.DefinePointer(
            $$"""call ptr asm "cmpl $3, $2\0Acmovneq $4, $0", "=r,0,r,r,r,~{flags}"(ptr {{pointer}}, i32 {{left}}, i32 {{right}}, i64 0) {{Pure}}""");

    /// <summary>A pointer when an i64 is at most a length (unsigned), otherwise null, without a branch.</summary>
    public static Value PointerWhenInside(FunctionBuilder function, Value pointer, Value end, Value length) => IsArm64(function)
        ? function.DefinePointer(
            $$"""call ptr asm "cmp $2, $3\0Acsel $0, $1, xzr, ls\0Acsdb", "=r,r,r,r,~{cc}"(ptr {{pointer}}, i64 {{end}}, i64 {{length}}) {{Pure}}""")
        : function.DefinePointer(
            $$"""call ptr asm "cmpq $3, $2\0Acmovaq $4, $0", "=r,0,r,r,r,~{flags}"(ptr {{pointer}}, i64 {{end}}, i64 {{length}}, i64 0) {{Pure}}""");

    /// <summary>Forces a loaded value to exist, so that a load out of bounds traps although nothing uses what it brings.</summary>
    public static void Keep(FunctionBuilder function, string llvmType, Value value, bool isFloat)
    {
        string register = !isFloat ? "r" : IsArm64(function) ? "w" : "x";
        function.Line($"call void asm sideeffect \"\", \"{register}\"({llvmType} {value}) {Keeper}");
    }

    /// <summary>Counts as reading all of memory, so that no store before it is dropped because of one behind it.</summary>
    public static void ReadMemory(FunctionBuilder function) => function.Line($$"""call void asm sideeffect "", "~{memory}"() {{Reader}}""");

    /// <summary>The same value, its origin hidden from LLVM.</summary>
    public static Value Hide(FunctionBuilder function, Value value)
    {
        string hidden = Hidden(function, value);
        return function.Define(value.Type, $"{hidden}", value.Shape);
    }

    /// <summary>The instruction that <see cref="Hide"/> defines a temporary by.</summary>
    public static string Hidden(FunctionBuilder function, Value value)
    {
        string type = LlvmTypes.Of(value);
        bool isInteger = value.Type is ValueType.I32 or ValueType.I64 or ValueType.FuncRef or ValueType.ExternRef;
        string register = isInteger ? "r" : IsArm64(function) ? "w" : "x";
        return $"call {type} asm \"\", \"={register},0\"({type} {value}) {Pure}";
    }

    private static bool IsArm64(FunctionBuilder function) => function.Options.Target == TargetPlatform.LinuxArm64;
}
