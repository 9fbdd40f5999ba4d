// CPU levels as the project spells them (clang's -march) and as LLVM's function attributes do.

namespace Bimetal.Wasm.Compiler.Emit;

/// <summary>Target facts of an image.</summary>
internal static class TargetCpu
{
    public static string Triple(TargetPlatform target) => target switch
    {
        TargetPlatform.LinuxArm64 => "aarch64-unknown-linux-gnu",
        _ => "x86_64-unknown-linux-gnu",
    };

    /// <summary>Throws <see cref="ArgumentException"/> for a level that is not a plain name; clang judges whether it exists.</summary>
    public static void Check(string cpu)
    {
        bool isName = cpu.Length is > 0 and <= 40 && cpu.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '.' or '_' or '+');
        if (!isName) throw new ArgumentException($"CPU level '{cpu}' is not a name such as x86-64-v3 or armv8.2-a.");
    }

    /// <summary>
    /// The processor that instructions are chosen to be fast on. A level (x86-64-v2) is a set of instructions; LLVM takes it also as the
    /// wish for code that suits the processor that first had them, whose slow rotations halve the speed of SHA-256 on all later ones.
    /// </summary>
    public static string Tuning(CompileOptions options) =>
        options.Cpu.StartsWith("x86-64", StringComparison.Ordinal) || options.Cpu.StartsWith("armv", StringComparison.Ordinal) ? "generic" : options.Cpu;

    /// <summary>Attributes that make a function of IR use a level.</summary>
    public static string Attributes(CompileOptions options)
    {
        if (options.Target == TargetPlatform.LinuxX64) return $"\"target-cpu\"=\"{options.Cpu}\" \"tune-cpu\"=\"{Tuning(options)}\"";
        string version = options.Cpu.StartsWith("armv", StringComparison.Ordinal) ? options.Cpu[3..].Replace("-a", "a", StringComparison.Ordinal) : "v8a";
        return $"\"target-cpu\"=\"generic\" \"target-features\"=\"+neon,+{version}\"";
    }
}
