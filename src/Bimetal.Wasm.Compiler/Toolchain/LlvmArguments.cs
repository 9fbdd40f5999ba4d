// What clang and lld are told: which of LLVM's passes run, and how.
//
// At full quality clang only turns text into bitcode, and lld runs the passes and the code generator, because it takes a list of passes where
// clang has no more than levels. -O2 was made for code that nobody has optimised yet; guest code was when the module was made. The list below
// leaves out what such code gives nothing to do (promotion, reassociation, propagation between functions, a second and third round of most
// passes): kernels run as fast with it, and LLVM's passes take half of the time.

using Bimetal.Wasm.Compiler.Emit;

namespace Bimetal.Wasm.Compiler.Toolchain;

/// <summary>Arguments of one run of a tool.</summary>
internal static class LlvmArguments
{
    private const string Simplify = "simplifycfg<bonus-inst-threshold=1;switch-range-to-icmp;keep-loops;speculate-blocks;simplify-cond-branch>";

    // Behind the loops that may be vectorised: joins what branches have in common.
    private const string Join = "simplifycfg<bonus-inst-threshold=1;switch-range-to-icmp;keep-loops;hoist-common-insts;sink-common-insts;speculate-blocks;simplify-cond-branch>";
    private const string Finish =
        "simplifycfg<bonus-inst-threshold=1;forward-switch-cond;switch-range-to-icmp;switch-to-lookup;no-keep-loops;hoist-common-insts;sink-common-insts;speculate-blocks;simplify-cond-branch>";

    private const string Combine = "instcombine<max-iterations=1;no-verify-fixpoint>";

    // Callees before their callers, so that what is inlined is in its final form. The order is that of -O2.
    private static readonly string OfFunction = string.Join(
        ',',
        "mem2reg", "early-cse<memssa>", Combine, Simplify,
        "loop-mssa(loop-rotate<header-duplication>,licm<allowspeculation>,simple-loop-unswitch)",
        "loop(indvars,loop-deletion,loop-unroll-full)",
        "gvn", Combine, "adce", Join);

    private static readonly string OfLoops = string.Join(',', "loop-vectorize", Finish, "loop-unroll<O2>", "div-rem-pairs");

    /// <summary>LLVM's passes at full quality, as `opt -passes` spells them.</summary>
    public static string PassList { get; } = $"globaldce,cgscc(inline,function<eager-inv;no-rerun>({OfFunction})),globaldce,function<eager-inv>({OfLoops})";

    /// <summary>clang: from text to bitcode.</summary>
    public static string[] Read(string name, CompileOptions options) =>
        [.. Common(options), "-x", "ir", "-O2", "-Xclang", "-disable-llvm-passes", "-emit-llvm", "-c", name + ".ll", "-o", name + ".bc"];

    /// <summary>lld: from bitcode to an object. What machine code has twice is left to the passes before.</summary>
    /// <param name="name">Name of the partition.</param>
    /// <param name="options">Options of the compilation.</param>
    /// <param name="isMeasured">Whether NAME.trace is to tell how long passes and code generator took.</param>
    public static string[] Optimize(string name, CompileOptions options, bool isMeasured) =>
    [
        "-r", name + ".bc", "-o", name + ".o", "--threads=1", "--lto-O2", "--fatal-warnings", "--lto-newpm-passes=" + PassList,
        .. CodeGenerator(options), .. Scheduler, "-mllvm", "-disable-machine-cse",
        .. isMeasured ? (string[])[$"--time-trace={name}.trace", "--time-trace-granularity=100000000"] : [],
    ];

    /// <summary>clang: from text to an object, by the code generator alone.</summary>
    // What the emitter writes is in SSA form and was optimised when the module was made: the code generator alone makes usable code of it,
    // and does so in little more than half of the time without its slowest parts.
    public static string[] Generate(string name, CompileOptions options, Effort effort) =>
    [
        .. Common(options), .. CodeGenerator(options), "-x", "ir",
        .. effort == Effort.Least
            ? (string[])["-O0"]
            :
            [
                "-O1", "-Xclang", "-disable-llvm-passes",
                "-mllvm", "-fast-isel", "-mllvm", "-enable-misched=false", "-mllvm", "-disable-lsr", "-mllvm", "-disable-cgp", "-mllvm", "-regalloc=basic",
            ],
        "-Werror=frame-larger-than", "-c", name + ".ll", "-o", name + ".o",
    ];

    /// <summary>What every run of clang is told.</summary>
    public static string[] Common(CompileOptions options) =>
        [$"--target={TargetCpu.Triple(options.Target)}", "--no-default-config", $"-march={options.Cpu}", $"-mtune={TargetCpu.Tuning(options)}", "-fPIC", "-ffp-contract=off", "-fno-crash-diagnostics"];

    // The processor decodes a comparison and the branch behind it as one, if nothing stands between them. LLVM puts the copies for the next
    // round of a loop there, and only its scheduler takes them out again. The rest of what the scheduler does (register pressure, memory
    // accesses side by side, cycles through loops) is left to the processor: it costs as much again and buys nothing.
    private static readonly string[] Scheduler = ["-mllvm", "-misched-regpressure=false", "-mllvm", "-misched-cluster=false", "-mllvm", "-misched-cyclicpath=false"];

    // LLVM widens a loop counter to 64 bits for the sake of the counter itself; what is added to it then no longer extends to an
    // address (the sum may wrap in 32 bits), and the loop is not vectorised. Left alone, each address is widened where that is proven.
    // There are no variables for debuggers, so nothing needs to look for them: 4 to 8 % of what LLVM says of its own time.
    // Two conditions of one branch are two branches: joined without a branch, as x86's code generator likes to do, what belongs to the second
    // is computed even when the first already decides, which parsers, all of them chains of such conditions, pay for.
    private static string[] CodeGenerator(CompileOptions options) =>
    [
        "-mllvm", "-indvars-widen-indvars=0", "-mllvm", "-experimental-debug-variable-locations=false",
        .. options.Target == TargetPlatform.LinuxX64 ? (string[])["-mllvm", "-x86-br-merging-base-cost=-1"] : [],
    ];
}
