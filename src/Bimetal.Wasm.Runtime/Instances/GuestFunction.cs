// What an exported function is called through: everything looked up once, so that a call is one indirect jump.

using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Runtime;

/// <summary>An exported function of an instance, ready to be called with <see cref="Instance.Call"/>.</summary>
public readonly struct GuestFunction
{
    internal GuestFunction(Instance owner, FunctionType type, nint entry, nint code, nint context)
    {
        Owner = owner;
        Type = type;
        Entry = entry;
        Code = code;
        Context = context;
        BufferSlotCount = type.BufferSlotCount;
    }

    /// <summary>False for the default value, which is no function.</summary>
    public bool Exists => Owner is not null;

    public FunctionType Type { get; }

    /// <summary>Slots that the buffer of a call must have at least.</summary>
    public int BufferSlotCount { get; }

    /// <summary>The instance that it was looked up in, whose <see cref="Instance.Call"/> takes it.</summary>
    internal Instance Owner { get; }

    internal nint Entry { get; }

    internal nint Code { get; }

    internal nint Context { get; }
}
