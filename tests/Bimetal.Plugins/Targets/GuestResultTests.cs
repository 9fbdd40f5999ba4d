// Guest code for arm64 under emulation gives what the same module gives on x64, bit for bit: the engine's kernels, and a named part of the
// specification's tests (results and traps; NaNs count as equal, because the specification leaves their payload open).

using System.Globalization;
using System.Text.Json;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Targets;
using Bimetal.Plugins.Tests.Guests;
using Bimetal.Plugins.Tests.Native;
using Bimetal.Testing;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Engine;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Plugins.Tests.Targets;

[Trait("Category", "Slow")]
public sealed class GuestResultTests : IDisposable
{
    private static readonly CallLimits s_limits = new(TimeSpan.FromSeconds(60));
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Kernels => [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, "bench/engine/kernels"), "*.c").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];

    /// <summary>The named part: every instruction on integers and floats, control, calls through tables, memory and its growth, SIMD on integers.</summary>
    public static TheoryData<string> Scripts =>
        ["i32", "i64", "f32", "f64", "f32_cmp", "f64_cmp", "conversions", "endianness", "address", "br_table", "call_indirect", "memory_grow", "memory_init", "simd_i32x4_arith", "simd_bit_shift"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Kernel_OnArm64_GivesTheChecksumOfX64(string name)
    {
        string file = Path.Combine(_folder.Path, name + ".wasm");
        NativeObject.Clang(["-O3", "--target=wasm32", "-mbulk-memory", "-msign-ext", "-mnontrapping-fptoint", "-msimd128", "-nostdlib", "-Wl,--no-entry", Path.Combine(Repository.Root, "bench/engine/kernels", name + ".c"), "-o", file]);
        using var pair = new Pair(_folder, File.ReadAllBytes(file));
        Assert.Equal(0u, pair.Compare("_initialize", []).Trap);
        var result = pair.Compare("run", [3]);
        Assert.Equal((0u, true), (result.Trap, result.Slots[0] != 0));
    }

    [Theory]
    [MemberData(nameof(Scripts))]
    public void Script_OnArm64_GivesWhatX64Gives(string name)
    {
        if (SpecSuite.MissingReason is { } reason) Assert.Skip(reason);
        string json = Path.Combine(_folder.Path, name + ".json");
        using (var convert = System.Diagnostics.Process.Start("wast2json", [Path.Combine(Repository.SpecFolder!, name + ".wast"), "-o", json])) convert.WaitForExit();
        using var document = JsonDocument.Parse(File.ReadAllBytes(json));
        Pair? pair = null;
        int compared = 0;
        try
        {
            foreach (var command in document.RootElement.GetProperty("commands").EnumerateArray())
            {
                string type = command.GetProperty("type").GetString()!;
                if (type == "module")
                {
                    pair?.Dispose();
                    pair = new Pair(_folder, File.ReadAllBytes(Path.Combine(_folder.Path, command.GetProperty("filename").GetString()!)));
                }
                else if (type is "assert_return" or "assert_trap" or "action" && command.GetProperty("action") is var action && action.GetProperty("type").GetString() == "invoke" && !action.TryGetProperty("module", out _))
                {
                    pair!.Compare(action.GetProperty("field").GetString()!, [.. action.GetProperty("args").EnumerateArray().SelectMany(Slots)]);
                    compared++;
                }
            }
        }
        finally
        {
            pair?.Dispose();
        }

        Assert.True(compared >= 10, $"{name} compared only {compared} calls");
    }

    private static IEnumerable<ulong> Slots(JsonElement value)
    {
        if (value.GetProperty("type").GetString() != "v128") return [Bits(value.GetProperty("value").GetString()!)];
        int width = value.GetProperty("lane_type").GetString() switch { "i8" => 8, "i16" => 16, "i32" or "f32" => 32, _ => 64 };
        var slots = new ulong[2];
        int at = 0;
        foreach (var lane in value.GetProperty("value").EnumerateArray())
        {
            ulong bits = width == 64 ? Bits(lane.GetString()!) : Bits(lane.GetString()!) & ((1UL << width) - 1);
            slots[at / 64] |= bits << (at % 64);
            at += width;
        }

        return slots;
    }

    private static ulong Bits(string text) => text.StartsWith("nan", StringComparison.Ordinal)
        ? throw new InvalidDataException("a NaN without bits is no argument")
        : text[0] == '-' ? (ulong)long.Parse(text, CultureInfo.InvariantCulture) : ulong.Parse(text, CultureInfo.InvariantCulture);

    /// <summary>One module, here and on arm64.</summary>
    private sealed class Pair : IDisposable
    {
        private readonly EngineModule _here;
        private readonly Instance _instance;
        private readonly RunnerProcess _there;

        public Pair(TemporaryFolder folder, byte[] module)
        {
            var checkedModule = WasmEngine.Check(module);
            string plan = folder.Write(Path.GetRandomFileName(), TargetPlan.Write(checkedModule, static import => import.Global!.Value.ValueType is ValueType.F32 or ValueType.F64 ? 0UL : 666UL));
            string code = folder.Write(Path.GetRandomFileName(), new ModuleCompiler().Compile([checkedModule], new CompileOptions { Target = TargetPlatform.LinuxArm64 }).Bytes.Span);
            _there = new RunnerProcess(RunnerBuild.Prepare(BuildTarget.LinuxArm64), "guest", plan, code);
            _here = Guest.Engine.Load("module", module);
            _instance = Instance.Create(_here.Loaded, Imports(checkedModule), new InstanceOptions());
            _instance.Initialize(s_limits);
        }

        /// <summary>Calls an export on both, and asserts that trap and results are the same.</summary>
        public (uint Trap, ulong[] Slots) Compare(string export, ulong[] arguments)
        {
            Assert.True(_instance.TryGetFunction(export, out var function), export);
            var slots = new ulong[Math.Max(1, function.BufferSlotCount)];
            arguments.CopyTo(slots, 0);
            var there = _there.Invoke(_here.Module.Exports.First(one => one.Name == export && one.Kind == ExternalKind.Function).Index, slots);
            var trap = _instance.Call(function, slots, s_limits);
            Assert.Equal((export, trap), (export, (TrapCode)there.Trap));
            if (trap != TrapCode.None) return there;
            int at = 0;
            foreach (var type in function.Type.Results)
            {
                int count = type == ValueType.V128 ? 2 : 1;
                for (int slot = at; slot < at + count; slot++)
                    Assert.True(AreSame(type, slots[slot], there.Slots[slot]), $"{export}({string.Join(", ", arguments)}): {slots[slot]:x} here, {there.Slots[slot]:x} on arm64");
                at += count;
            }

            return there;
        }

        public void Dispose()
        {
            _there.Dispose();
            _instance.Dispose();
            _here.Dispose();
        }

        private static ImportSet Imports(WasmModule module)
        {
            var imports = new ImportSet();
            foreach (var import in module.Imports.Where(import => import.Kind == ExternalKind.Global))
                imports.Define(import.Module, import.Name, GuestGlobal.Create(import.Global!.Value, import.Global.Value.ValueType is ValueType.F32 or ValueType.F64 ? 0UL : 666UL));
            return imports;
        }

        private static bool AreSame(ValueType type, ulong here, ulong there) => type switch
        {
            ValueType.I32 => (uint)here == (uint)there,
            ValueType.F32 => (uint)here == (uint)there || (float.IsNaN(BitConverter.UInt32BitsToSingle((uint)here)) && float.IsNaN(BitConverter.UInt32BitsToSingle((uint)there))),
            ValueType.F64 => here == there || (double.IsNaN(BitConverter.UInt64BitsToDouble(here)) && double.IsNaN(BitConverter.UInt64BitsToDouble(there))),
            _ => here == there,
        };
    }
}
