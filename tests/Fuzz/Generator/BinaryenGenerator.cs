// The second generator: binaryen's wasm-opt --translate-to-fuzz, from the npm package. Its modules are made observable: their memory and
// their variables are exported, and imports that JavaScript cannot serve become small modules.

using System.Diagnostics;
using Bimetal.Fuzz.Model;
using Bimetal.Fuzz.Running;
using Bimetal.Testing;
using Bimetal.Wasm.Engine;
using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Fuzz.Generator;

/// <param name="package">Folder of the installed package.</param>
internal sealed class BinaryenGenerator(string package)
{
    private const int MostCalls = 40;
    private const int TimeLimitMs = 120_000;
    private const int MostAttempts = 8;

    // ref.as_non_null: binaryen 132 writes it now and then although its feature is off.
    private const string UnwantedInstruction = "illegal opcode 0xd4";

    // What Bimetal knows; NaNs become zeros, because their bits are an engine's choice.
    private static readonly string[] Flags =
    [
        "--translate-to-fuzz", "--denan", "--mvp-features", "--enable-mutable-globals", "--enable-nontrapping-float-to-int", "--enable-simd", "--enable-bulk-memory",
        "--enable-sign-ext", "--enable-reference-types", "--enable-multivalue", "--enable-tail-call", "--enable-extended-const",
    ];

    /// <summary>The module of a number in a run.</summary>
    /// <exception cref="InvalidOperationException">wasm-opt failed.</exception>
    internal Candidate Generate(string name, int seed, int index)
    {
        var dice = new Dice(seed, index);
        using var folder = new TemporaryFolder();
        string target = Path.Combine(folder.Path, "module.wasm");
        byte[] bytes = [];
        WasmModule? module = null;
        for (int attempt = 1; module is null; attempt++)
        {
            WasmOpt([folder.Write("seed", dice.Bytes(dice.Between(800, 8000))), .. Flags, "-o", target]);
            bytes = File.ReadAllBytes(target);
            try
            {
                module = WasmEngine.Check(bytes);
            }
            catch (WasmModuleException exception) when (attempt < MostAttempts && exception.Error.Message == UnwantedInstruction)
            {
                // The next bytes make another module.
            }
        }

        var stubs = module.Imports.Where(import => import.Kind == ExternalKind.Function && import.Name is not ("log-i32" or "log-i64" or "log-f32" or "log-f64"))
            .ToDictionary(import => $"{import.Module}.{import.Name}", import => Stub(module.Types[(int)import.TypeIndex]));
        return new Candidate(name, ExportState(bytes, module), [.. Calls(module, dice)]) { Stubs = stubs };
    }

    private void WasmOpt(string[] arguments)
    {
        var start = new ProcessStartInfo("node", [Path.Combine(package, "bin", "wasm-opt"), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(TimeLimitMs))
        {
            process.Kill(entireProcessTree: true);
            throw new InvalidOperationException("wasm-opt did not end");
        }

        if (process.ExitCode != 0) throw new InvalidOperationException($"wasm-opt failed: {output.Result}{error.Result}");
    }

    // Exports that JavaScript can call, each with two sets of arguments.
    private static IEnumerable<FuzzCall> Calls(WasmModule module, Dice dice)
    {
        var calls = new List<FuzzCall>();
        foreach (var export in module.Exports.Where(export => export.Kind == ExternalKind.Function))
        {
            var type = module.TypeOf(export.Index);
            if (type.Parameters.Contains(ValueType.V128) || type.Results.Contains(ValueType.V128)) continue;
            for (int count = 0; count < (type.Parameters.IsEmpty ? 1 : 2); count++)
                calls.Add(new FuzzCall(export.Name, [.. type.Parameters.Select(parameter => Argument(parameter, dice))], type.Results));
        }

        return calls.Take(MostCalls);
    }

    private static FuzzValue Argument(ValueType type, Dice dice) => new(type, type switch
    {
        ValueType.F32 => BitConverter.SingleToUInt32Bits(dice.Between(-1000, 1000) / 4f),
        ValueType.F64 => BitConverter.DoubleToUInt64Bits((long)dice.Bits() / 4.0),
        ValueType.FuncRef or ValueType.ExternRef => 0,
        _ => dice.Bits(type),
    });

    // Adds to the export section.
    private static byte[] ExportState(byte[] bytes, WasmModule module)
    {
        const byte ExportSection = 7;
        var added = new List<(string Name, ExternalKind Kind, uint Index)>();
        if (module.Memories.Length > 0 && !module.Exports.Any(export => export.Name == "memory")) added.Add(("memory", ExternalKind.Memory, 0));
        for (int index = 0; index < module.GlobalTypes.Length; index++)
        {
            bool isPlain = !module.GlobalTypes[index].ValueType.IsReference() && module.GlobalTypes[index].ValueType != ValueType.V128;
            if (isPlain && module.GlobalTypes[index].IsMutable) added.Add(($"variable {index}", ExternalKind.Global, (uint)index));
        }

        var writer = new WasmWriter().Bytes(bytes.AsSpan(0, 8));
        for (int at = 8; at < bytes.Length;)
        {
            byte id = bytes[at++];
            int length = (int)Unsigned(bytes, ref at);
            var content = bytes.AsSpan(at, length);
            at += length;
            if (id == ExportSection)
            {
                int skip = 0;
                uint count = Unsigned(content, ref skip);
                var section = new WasmWriter().Unsigned(count + (uint)added.Count).Bytes(content[skip..]);
                foreach (var (name, kind, index) in added) section.Name(name).Byte((byte)kind).Unsigned(index);
                writer.Section(id, section);
            }
            else
            {
                writer.Section(id, new WasmWriter().Bytes(content));
            }
        }

        return writer.ToArray();
    }

    private static uint Unsigned(ReadOnlySpan<byte> bytes, ref int at)
    {
        uint value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte part = bytes[at++];
            value |= (uint)(part & 0x7F) << shift;
            if (part < 0x80) return value;
        }
    }

    // A module whose function "f" returns zeros.
    private static byte[] Stub(FunctionType type)
    {
        var module = new FuzzModule();
        var function = new FuzzFunction(type) { Export = "f" };
        function.Body.AddRange(type.Results.Select(result => new Node(result, Code.Zero(result))));
        module.Functions.Add(function);
        return module.Encode();
    }
}
