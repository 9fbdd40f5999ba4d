// A global variable, owned by an instance or made by the host; importers share it.

using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Runtime;

/// <summary>A global. Values are raw bits: i32 zero-extended, floats as their bit pattern, references as in <see cref="GuestTable"/>.</summary>
public sealed class GuestGlobal : IDisposable
{
    public GlobalType Type => throw new NotSupportedException();

    /// <summary>The value; only the low half of it unless the type is v128.</summary>
    public UInt128 Value
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>A global of the host's own, for imports.</summary>
    public static GuestGlobal Create(GlobalType type, UInt128 value) => throw new NotSupportedException();

    public void Dispose() => throw new NotSupportedException();
}
