// One function as it is called on each metal: a loop of calls from managed code, as a host makes them.

using Bimetal.Meter.Workloads;
using Bimetal.Plugins;
using Bimetal.Plugins.Native;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Compiler.Cache;
using Bimetal.Wasm.Engine;
using Bimetal.Wasm.Engine.Values;
using Bimetal.Wasm.Engine.Wasi;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Meter.Functions;

/// <summary>Calls one function with the same arguments again and again.</summary>
internal interface IFunctionContestant : IDisposable
{
    /// <summary>Calls it so often.</summary>
    /// <returns>The bits of the last result; 0 when it has none.</returns>
    ulong Call(int times);
}

/// <summary>The wasm metal.</summary>
internal sealed class WasmFunction : IFunctionContestant
{
    private readonly EngineModule _module;
    private readonly Instance _instance;
    private readonly GuestFunction _function;
    private readonly ulong[] _arguments;
    private readonly ulong[] _slots;
    private readonly CallLimits _limits;

    /// <exception cref="PluginLoadException">The module cannot be loaded, or its export does not fit.</exception>
    public WasmFunction(string path, string export, IReadOnlyList<string> words, CompileOptions options, TimeSpan? cpuLimit)
    {
        _limits = new CallLimits(cpuLimit);
        try
        {
            _module = PluginWorkload.EngineOf(options).Load(path);
            _instance = Instance.Create(_module.Loaded, new ImportSet().DefineWasi(), InstanceOptions.Default);
        }
        catch (WasmModuleException exception)
        {
            throw new PluginLoadException(exception.Error.Describe(path), exception);
        }
        catch (Exception exception) when (exception is ToolchainException or LinkException or CodeImageException or InstanceLimitException or IOException or UnauthorizedAccessException)
        {
            throw new PluginLoadException($"{path}: {exception.Message}", exception);
        }

        _instance.HostState = new WasiState();
        var trap = _instance.Initialize(_limits);
        if (trap == TrapCode.None && _instance.TryGetFunction("_initialize", out var initialize) && initialize.Type.Parameters.IsEmpty)
            trap = _instance.Call(initialize, new ulong[1], _limits);
        if (trap != TrapCode.None) throw new PluginLoadException($"{path}: trapped at its start: {trap.Message()}");
        if (!_instance.TryGetFunction(export, out _function)) throw new PluginLoadException($"{path}: exports no function \"{export}\"");
        Values = Read(path, export, _function.Type, words);
        _arguments = [.. Values.Select(value => (ulong)value.Bits)];
        _slots = new ulong[Math.Max(1, _function.BufferSlotCount)];
    }

    public FunctionType Type => _function.Type;

    public IReadOnlyList<GuestValue> Values { get; }

    public long SizeBytes => _module.Module.Bytes.Length;

    public ulong Call(int times)
    {
        for (int call = 0; call < times; call++)
        {
            _arguments.CopyTo(_slots, 0);
            var trap = _instance.Call(_function, _slots, _limits);
            if (trap != TrapCode.None) throw new PluginLoadException($"{_module.Name}: trapped: {trap.Message()}");
        }

        return Type.Results.IsEmpty ? 0 : (ulong)GuestValue.ReadFrom(_slots, Type.Results[0]).Bits;
    }

    public void Dispose()
    {
        _instance.Dispose();
        _module.Dispose();
    }

    private static GuestValue[] Read(string path, string export, FunctionType type, IReadOnlyList<string> words)
    {
        bool fits = type.Parameters.Concat(type.Results).All(one => one is ValueType.I32 or ValueType.I64 or ValueType.F32 or ValueType.F64) && type.Results.Length <= 1;
        if (!fits) throw new PluginLoadException($"{path}: {export} has the type {type}; integers and floats with at most one result can be compared");
        if (words.Count != type.Parameters.Length) throw new PluginLoadException($"{export} takes {type.Parameters.Length} arguments, --args has {words.Count}: its type is {type}");
        var values = new GuestValue[words.Count];
        for (int index = 0; index < values.Length; index++)
        {
            if (!ValueText.TryParse(words[index], type.Parameters[index], out values[index]))
                throw new PluginLoadException($"argument {index + 1} of {export}: \"{words[index]}\" is not {ValueText.Expectation(type.Parameters[index])}");
        }

        return values;
    }
}

/// <summary>The native metal; its function has the type of the wasm export.</summary>
internal sealed class NativeExport : IFunctionContestant
{
    private readonly NativeFunction _function;
    private readonly ValueType? _result;
    private readonly ulong[] _integers = new ulong[NativeFunction.MaximumIntegers];
    private readonly double[] _floats = new double[NativeFunction.MaximumFloats];
    private readonly bool _hasFloats;

    /// <exception cref="PluginLoadException">The file cannot be loaded, or the function has more arguments than registers.</exception>
    public NativeExport(string path, string export, FunctionType type, IReadOnlyList<GuestValue> values)
    {
        _function = NativeFunction.Library(path)(export);
        _result = type.Results.IsEmpty ? null : type.Results[0];
        int integers = 0, floats = 0;
        foreach (var value in values)
        {
            bool isFloat = value.Type is ValueType.F32 or ValueType.F64;
            if (isFloat ? floats == _floats.Length : integers == _integers.Length)
                throw new PluginLoadException($"{export} has more than {_integers.Length} integers or {_floats.Length} floats as arguments");
            if (isFloat) _floats[floats++] = BitConverter.UInt64BitsToDouble((ulong)value.Bits);
            else _integers[integers++] = (ulong)value.Bits;
        }

        _hasFloats = floats > 0;
    }

    public ulong Call(int times)
    {
        ulong bits = 0;
        if (_result is ValueType.F32 or ValueType.F64)
        {
            for (int call = 0; call < times; call++) bits = BitConverter.DoubleToUInt64Bits(_function.CallForFloat(_integers, _floats));
        }
        else if (_hasFloats)
        {
            for (int call = 0; call < times; call++) bits = _function.CallForInteger(_integers, _floats);
        }
        else
        {
            for (int call = 0; call < times; call++)
                bits = _function.CallIntegers(_integers[0], _integers[1], _integers[2], _integers[3], _integers[4], _integers[5]);
        }

        return _result switch
        {
            null => 0,
            ValueType.I32 or ValueType.F32 => (uint)bits,
            _ => bits,
        };
    }

    public void Dispose()
    {
    }
}
