// Any exported function of a shared object, called by its address: for the meter, which compares functions without a plugin around them.
//
// Arguments go by class, as both System V on x64 and AAPCS64 pass them: integers in integer registers in their order, floats in vector registers
// in theirs, whatever their order among each other. So one call with all registers filled serves every signature that fits into registers.

using System.Runtime.CompilerServices;

namespace Bimetal.Plugins.Native;

/// <summary>An exported function. Its library stays loaded.</summary>
public readonly unsafe struct NativeFunction
{
    /// <summary>Integers that fit into registers.</summary>
    public const int MaximumIntegers = 6;

    /// <summary>Floats that fit into registers.</summary>
    public const int MaximumFloats = 8;

    private readonly void* _address;

    private NativeFunction(void* address) => _address = address;

    /// <summary>Loads a shared object and looks up a function.</summary>
    /// <exception cref="PluginLoadException">The file cannot be loaded, or exports no such function.</exception>
    public static Func<string, NativeFunction> Library(string path)
    {
        var image = NativeImage.Load(new PluginSource(path));
        return name =>
        {
            void* address = image.Export(name);
            return address is not null ? new NativeFunction(address) : throw new PluginLoadException($"{path}: exports no function \"{name}\"");
        };
    }

    /// <summary>Calls a function without float arguments whose result is an integer; unused arguments are ignored by it.</summary>
    // SAFETY: the caller knows the function's type; further registers than it reads do no harm.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong CallIntegers(ulong a = 0, ulong b = 0, ulong c = 0, ulong d = 0, ulong e = 0, ulong f = 0) =>
        ((delegate* unmanaged[Cdecl]<ulong, ulong, ulong, ulong, ulong, ulong, ulong>)_address)(a, b, c, d, e, f);

    /// <summary>Calls a function whose result is an integer.</summary>
    /// <param name="integers">Six, whatever the function takes.</param>
    /// <param name="floats">Eight; a 32-bit float is the low half of its element's bits.</param>
    // SAFETY: as above.
    public ulong CallForInteger(ReadOnlySpan<ulong> integers, ReadOnlySpan<double> floats) =>
        ((delegate* unmanaged[Cdecl]<ulong, ulong, ulong, ulong, ulong, ulong, double, double, double, double, double, double, double, double, ulong>)_address)(
            integers[0], integers[1], integers[2], integers[3], integers[4], integers[5],
            floats[0], floats[1], floats[2], floats[3], floats[4], floats[5], floats[6], floats[7]);

    /// <summary>Calls a function whose result is a float; a 32-bit one is in the low half of the bits.</summary>
    /// <inheritdoc cref="CallForInteger"/>
    // SAFETY: as above.
    public double CallForFloat(ReadOnlySpan<ulong> integers, ReadOnlySpan<double> floats) =>
        ((delegate* unmanaged[Cdecl]<ulong, ulong, ulong, ulong, ulong, ulong, double, double, double, double, double, double, double, double, double>)_address)(
            integers[0], integers[1], integers[2], integers[3], integers[4], integers[5],
            floats[0], floats[1], floats[2], floats[3], floats[4], floats[5], floats[6], floats[7]);
}
