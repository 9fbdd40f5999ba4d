// Host functions of these tests, written as the engine's own are: managed code that guests call, and that lets no exception out.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Runtime.Tests;

internal static unsafe class HostFunctions
{
    /// <summary>(i32, i32) -> i32.</summary>
    public static HostFunction Add => new(FunctionType.Of([ValueType.I32, ValueType.I32], ValueType.I32), (nint)(delegate* unmanaged[Cdecl]<nint, ulong*, int>)&AddEntry);

    /// <summary>() -> (): calls the delegate in the instance's HostState.</summary>
    public static HostFunction Invoke => new(FunctionType.Of([]), (nint)(delegate* unmanaged[Cdecl]<nint, ulong*, int>)&InvokeEntry);

    /// <summary>Types of the parameters of <see cref="Mix"/>: i = i32, I = i64, f = f32, F = f64, v = v128.</summary>
    public const string MixParameters = "iIfFvIiFfvIIIIIiiiiiFFFFFFffvv";

    /// <summary>The type of <see cref="Mix"/> as text.</summary>
    public static string MixText => $"(param {string.Join(' ', MixParameters.Select(letter => TypeOf(letter).Name()))}) (result v128 i64 f32 i32 f64)";

    /// <summary>Thirty parameters; gives the sum of all of them, as numbers, in five types.</summary>
    public static HostFunction Mix => new(
        FunctionType.Of([.. MixParameters.Select(TypeOf)], ValueType.V128, ValueType.I64, ValueType.F32, ValueType.I32, ValueType.F64),
        (nint)(delegate* unmanaged[Cdecl]<nint, ulong*, int>)&MixEntry);

    /// <summary>What <see cref="Mix"/> gives for parameters of <c>first + their index</c>.</summary>
    public static ulong[] MixOf(ulong first)
    {
        ulong sum = (ulong)MixParameters.Select((letter, index) => (long)first + index).Sum();
        return [sum, ~sum, sum, BitConverter.SingleToUInt32Bits(sum), (uint)sum, BitConverter.DoubleToUInt64Bits(sum)];
    }

    private static ValueType TypeOf(char letter) => letter switch
    {
        'i' => ValueType.I32,
        'I' => ValueType.I64,
        'f' => ValueType.F32,
        'F' => ValueType.F64,
        _ => ValueType.V128,
    };

    // SAFETY: as many slots as the type has; both halves of a vector hold the same number.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int MixEntry(nint context, ulong* buffer)
    {
        ulong sum = 0;
        int slot = 0;
        foreach (char letter in MixParameters)
        {
            sum += letter switch
            {
                'f' => (ulong)BitConverter.UInt32BitsToSingle((uint)buffer[slot]),
                'F' => (ulong)BitConverter.UInt64BitsToDouble(buffer[slot]),
                _ => buffer[slot],
            };
            slot += letter == 'v' ? 2 : 1;
        }

        (buffer[0], buffer[1], buffer[2]) = (sum, ~sum, sum);
        (buffer[3], buffer[4], buffer[5]) = (BitConverter.SingleToUInt32Bits(sum), (uint)sum, BitConverter.DoubleToUInt64Bits(sum));
        return (int)TrapCode.None;
    }

    // SAFETY: two argument slots, one result slot.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int AddEntry(nint context, ulong* buffer)
    {
        buffer[0] = (uint)buffer[0] + (uint)buffer[1];
        return (int)TrapCode.None;
    }

    // SAFETY: the buffer is not touched.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int InvokeEntry(nint context, ulong* buffer)
    {
        var instance = Instance.FromContext(context);
        try
        {
            return (int)((Func<TrapCode>)instance.HostState!)();
        }
        catch (Exception exception)
        {
            instance.HostException = exception;
            return (int)TrapCode.HostError;
        }
    }
}
