// Our side of the comparison: compiles a batch into one image and makes the calls.

using Bimetal.Fuzz.Generator;
using Bimetal.Fuzz.Model;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Engine;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Fuzz.Running;

internal sealed class OurEngine(CompileOptions options)
{
    private const int StackBytes = 8 * 1024 * 1024;

    // Far more than any call needs: who comes here hangs.
    private static readonly CallLimits Limits = new(TimeSpan.FromSeconds(30));

    private readonly ModuleCompiler _compiler = new();

    /// <summary>What our engine does with each module.</summary>
    internal Observation[][] Run(IReadOnlyList<Candidate> candidates)
    {
        var observations = new Observation[candidates.Count][];
        var accepted = new List<(int Index, WasmModule Module)>();
        for (int index = 0; index < candidates.Count; index++)
        {
            try
            {
                accepted.Add((index, WasmEngine.Check(candidates[index].Bytes)));
            }
            catch (WasmModuleException exception)
            {
                observations[index] = [new Observation(Observation.Compile, exception.Error.ToString(), "", "")];
            }
        }

        // Guests run on the thread's stack.
        Exception? failure = null;
        var thread = new Thread(() => failure = Catch(() => RunBatch(candidates, accepted, observations)), StackBytes);
        thread.Start();
        thread.Join();
        return failure is null ? observations : throw new InvalidOperationException(failure.Message, failure);
    }

    private static Exception? Catch(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (Exception exception)
        {
            return exception;
        }
    }

    // A batch that does not compile is halved until the module at fault stands alone.
    private void RunBatch(IReadOnlyList<Candidate> candidates, List<(int Index, WasmModule Module)> accepted, Observation[][] observations)
    {
        if (accepted.Count == 0) return;
        CompiledImage image;
        try
        {
            image = _compiler.Compile([.. accepted.Select(item => item.Module)], options);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            if (accepted.Count == 1)
            {
                observations[accepted[0].Index] = [new Observation(Observation.Compile, exception.Message, "", "")];
                return;
            }

            RunBatch(candidates, [.. accepted.Take(accepted.Count / 2)], observations);
            RunBatch(candidates, [.. accepted.Skip(accepted.Count / 2)], observations);
            return;
        }

        using var code = CodeMapping.Map(image.Bytes.Span);
        for (int ordinal = 0; ordinal < accepted.Count; ordinal++)
        {
            var (index, module) = accepted[ordinal];
            observations[index] = [.. RunModule(new LoadedModule(module, code, ordinal), candidates[index].Calls)];
        }
    }

    // The same steps as run() in oracle.cjs.
    private static List<Observation> RunModule(LoadedModule module, IReadOnlyList<FuzzCall> calls)
    {
        var observations = new List<Observation>();
        Guest? current = null;
        try
        {
            foreach (var call in calls)
            {
                current ??= new Guest(module);
                if (current.StartTrap != TrapCode.None)
                {
                    observations.Add(new Observation(Observation.Start, current.StartTrap.ToString(), "", ""));
                    break;
                }

                var observation = current.Call(call);
                observations.Add(observation);
                if (observation.Trap.Length == 0) continue;
                current.Dispose();
                current = null;
            }
        }
        finally
        {
            current?.Dispose();
        }

        return observations;
    }

    // One instance and its host.
    private sealed class Guest : IDisposable
    {
        private readonly FuzzHost _host = new();
        private readonly Instance _instance;
        private readonly MarkCheck? _marks;

        internal Guest(LoadedModule module)
        {
            _instance = Instance.Create(module, _host.ImportsOf(module.Module), InstanceOptions.Default);
            _instance.HostState = _host;
            StartTrap = _instance.Initialize(Limits);
            _host.IsStarted = true;
            if (module.Code.MarksWrites && _instance.Memory is { } memory) _marks = new MarkCheck(memory);
        }

        internal TrapCode StartTrap { get; }

        internal Observation Call(FuzzCall call)
        {
            _marks?.Begin();
            var trap = Call(call.Export, call.Arguments, out string values);
            if (trap == TrapCode.None && _marks?.FindUnmarked() is { } address and >= 0) return new Observation($"{call}", $"unmarked write at {address}", "", "");
            return trap == TrapCode.None ? new Observation($"{call}", "", values, State()) : new Observation($"{call}", trap.ToString(), "", State());
        }

        public void Dispose()
        {
            _instance.Dispose();
            _host.Dispose();
        }

        private TrapCode Call(string export, IReadOnlyList<FuzzValue> arguments, out string values)
        {
            if (!_instance.TryGetFunction(export, out var function)) throw new InvalidOperationException($"There is no export {export}.");
            ulong[] slots = new ulong[Math.Max(function.BufferSlotCount, 1)];
            for (int index = 0; index < arguments.Count; index++) slots[index] = arguments[index].Bits;
            var trap = _instance.Call(function, slots, Limits);
            values = string.Join(' ', function.Type.Results.Select((type, index) => FuzzCall.Show(type, slots[index])));
            return trap;
        }

        // Memory, then what the module says itself or else its exported globals, then what the host was told.
        private string State()
        {
            if (!_instance.TryGetFunction(EntryPoints.Digest, out _)) return $"{MemoryHash()} {Globals()} {_host.Sum:x}";
            var trap = Call(EntryPoints.Digest, [], out string digest);
            return trap == TrapCode.None ? $"{MemoryHash()} {digest} {_host.Sum:x}" : $"digest: trap {trap}";
        }

        private string Globals()
        {
            var values = new List<string>();
            foreach (var export in _instance.LoadedModule.Module.Exports)
            {
                if (!_instance.TryGetGlobal(export.Name, out var global)) continue;
                ulong bits = (ulong)global.Value;
                string? value = global.Type.ValueType switch
                {
                    ValueType.I32 => FuzzCall.Show((int)bits),
                    ValueType.I64 or ValueType.F32 or ValueType.F64 => FuzzCall.Show(global.Type.ValueType, bits),
                    _ => null,
                };
                if (value is not null) values.Add(value);
            }

            return string.Join(',', values);
        }

        private string MemoryHash()
        {
            if (_instance.Memory is not { } memory || !memory.TryRead(0, (uint)memory.LengthBytes, out var bytes)) return "-";
            var words = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, int>(bytes);
            int hash = 0;
            foreach (int word in words) hash = unchecked((hash * 31) + word);
            return $"{words.Length}:{hash:x}";
        }
    }
}
