// Shared data for native plugins: the same store as that of the wasm metal, so that a plugin finds its values whatever it runs on.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Native;

internal static unsafe partial class NativeHost
{
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int SharedGet(nint handle, byte* key, nuint keyLength, byte* value, nuint capacity, nuint* length, uint* cas)
    {
        NativePlugin? plugin = null;
        try
        {
            plugin = NativePlugin.FromHandle(handle);
            if (plugin is null || length is null || (value is null && capacity != 0) || !TryRead(key, keyLength, out var keyBytes)) return BadArgument;
            if (!plugin.State.Data.TryGet(keyBytes, out var found, out uint number)) return NotFound;

            // SAFETY: value has room for capacity bytes, says bimetal.h; at most that many are written.
            var part = found.Span[..(int)Math.Min(capacity, (nuint)found.Length)];
            part.CopyTo(new Span<byte>(value, part.Length));
            *length = (nuint)found.Length;
            if (cas is not null) *cas = number;
            return Ok;
        }
        catch (Exception exception)
        {
            return Caught(plugin, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int SharedSet(nint handle, byte* key, nuint keyLength, byte* value, nuint valueLength, uint cas)
    {
        NativePlugin? plugin = null;
        try
        {
            plugin = NativePlugin.FromHandle(handle);
            if (plugin is null || !TryRead(key, keyLength, out var keyBytes) || !TryRead(value, valueLength, out var valueBytes)) return BadArgument;
            return (int)plugin.State.Data.Set(keyBytes, valueBytes, cas);
        }
        catch (Exception exception)
        {
            return Caught(plugin, exception);
        }
    }
}
