// Guest functions for `perf`: with BIMETAL_PERF_MAP=1 in the environment, /tmp/perf-PID.map tells the name of each piece of guest code, and
// code is mapped from anonymous memory, where perf looks names up in that file. The sealed copy of other runs would hide it.

using System.Globalization;
using System.Text;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Runtime;

/// <summary>Writes perf's map of symbols.</summary>
public static class PerfMap
{
    private const string Variable = "BIMETAL_PERF_MAP";

    private static readonly Lock Gate = new();
    private static StreamWriter? _file;

    /// <summary>Whether symbols are written; set it before the first module is loaded.</summary>
    public static bool IsOn { get; set; } = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } value && value != "0";

    /// <summary>Where perf looks.</summary>
    public static string Location => string.Create(CultureInfo.InvariantCulture, $"/tmp/perf-{Environment.ProcessId}.map");

    internal static void Add(CodeMapping mapping, int ordinal, WasmModule module)
    {
        if (!IsOn) return;
        var text = new StringBuilder();
        var map = mapping.Symbols;
        for (int index = 0; index < map.FunctionCount; index++)
        {
            var function = map.Function(index);
            if (function.Ordinal != ordinal && function.Kind != CodeKind.Routine) continue;
            if (function.Kind == CodeKind.Routine && ordinal != 0) continue;
            string name = function.Kind switch
            {
                CodeKind.Routine => "[guest routine]",
                CodeKind.Import => $"[guest import] {TrapFrame.NameOf(module, function.Index)}",
                _ => TrapFrame.NameOf(module, function.Index) ?? string.Create(CultureInfo.InvariantCulture, $"function {function.Index}"),
            };
            text.Append(CultureInfo.InvariantCulture, $"{mapping.Address + function.Start:x} {function.LengthBytes:x} {name}\n");
        }

        lock (Gate)
        {
            _file ??= Create();
            _file.Write(text);
            _file.Flush();
        }
    }

    // Made anew and never followed through a link: the folder is everybody's.
    private static StreamWriter Create()
    {
        File.Delete(Location);
        return new StreamWriter(new FileStream(Location, FileMode.CreateNew, FileAccess.Write, FileShare.Read), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
    }
}
