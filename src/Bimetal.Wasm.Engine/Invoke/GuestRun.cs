// One instance of a module with WASI, and the calls into it.

using System.Diagnostics;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Engine.Values;
using Bimetal.Wasm.Engine.Wasi;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine.Invoke;

/// <summary>An instance one of whose exports is called.</summary>
internal sealed class GuestRun : IDisposable
{
    private const string ProgramEntry = "_start";
    private const string LibraryEntry = "_initialize";

    private readonly Instance _instance;
    private readonly WasiState _wasi;
    private readonly CallLimits _limits;
    private readonly TimeSpan[] _callTimes;

    internal GuestRun(LoadedModule module, InvokeRequest request, TextWriter output, TextWriter error)
    {
        _limits = new CallLimits(request.CpuLimit);
        _callTimes = new TimeSpan[request.CallCount];
        _wasi = new WasiState
        {
            Arguments = [Path.GetFileName(request.File), .. request.Export == ProgramEntry ? request.Arguments : []],
            Environment = request.Environment,
            StandardInput = request.StandardInput,
            StandardOutput = WriteTo(request.StandardOutput, output),
            StandardError = WriteTo(request.StandardError, error),
        };
        _instance = Instance.Create(module, new ImportSet().DefineWasi(), request.Limits.Instance);
        _instance.HostState = _wasi;
    }

    /// <summary>What <c>proc_exit</c> was called with.</summary>
    internal int? ExitCode => _wasi.ExitCode;

    /// <summary>What a host function failed with.</summary>
    internal Exception? HostException => _instance.HostException;

    /// <summary>Where the guest trapped; null when it did not.</summary>
    internal GuestTrace? Trace => _instance.LastTrap;

    /// <summary>How long each call took, in the order of the calls.</summary>
    internal ReadOnlySpan<TimeSpan> CallTimes => _callTimes;

    /// <summary>Calls the export as often as was asked for, up to the first trap.</summary>
    internal TrapCode Call(string export, IReadOnlyList<string> arguments, out IReadOnlyList<GuestValue> results)
    {
        results = [];
        if (!_instance.TryGetFunction(export, out var function))
            throw new InvokeException($"no exported function \"{export}\"; {ListExports(_instance.LoadedModule.Module)}", ExitCodes.WrongUsage);
        ulong[] buffer = ArgumentReader.Read(export, function.Type, export == ProgramEntry ? [] : arguments);
        var trap = _instance.Initialize(_limits);
        if (trap == TrapCode.None) trap = InitializeLibrary(export);
        ulong[] slots = new ulong[buffer.Length];
        for (int call = 0; call < _callTimes.Length && trap == TrapCode.None; call++)
        {
            buffer.CopyTo(slots, 0);
            long start = Stopwatch.GetTimestamp();
            trap = _instance.Call(function, slots, _limits);
            _callTimes[call] = Stopwatch.GetElapsedTime(start);
        }

        if (trap == TrapCode.None) results = [.. ArgumentReader.Results(function.Type, slots)];
        return trap;
    }

    public void Dispose() => _instance.Dispose();

    // A WASI library ("reactor") wants its constructors run before anything else.
    private TrapCode InitializeLibrary(string export)
    {
        if (export is ProgramEntry or LibraryEntry || !_instance.TryGetFunction(LibraryEntry, out var function)) return TrapCode.None;
        return function.Type.Parameters.IsEmpty ? _instance.Call(function, new ulong[1], _limits) : TrapCode.None;
    }

    private static string ListExports(WasmModule module)
    {
        string[] names = [.. module.Exports.Where(export => export.Kind == ExternalKind.Function).Select(export => $"{export.Name} {module.TypeOf(export.Index)}")];
        return names.Length == 0 ? "the module exports no functions" : "there are: " + string.Join(", ", names);
    }

    private static WasiOutput WriteTo(Stream? stream, TextWriter writer)
    {
        if (stream is not null) return stream.Write;

        // A character may be split over two writes; the decoder keeps its beginning.
        var decoder = System.Text.Encoding.UTF8.GetDecoder();
        return bytes =>
        {
            char[] characters = new char[bytes.Length + 2];
            int count = decoder.GetChars(bytes, characters, flush: false);
            writer.Write(characters, 0, count);
        };
    }
}
