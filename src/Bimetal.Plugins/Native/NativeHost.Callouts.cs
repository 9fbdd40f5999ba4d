// HTTP callouts, foreign functions, and the way into a stream from outside of its callbacks.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Bimetal.Plugins.Callouts;
using Bimetal.Plugins.ProxyWasm;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Native;

internal static unsafe partial class NativeHost
{
    // SAFETY: as said in NativeHost.cs.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int HttpCall(nint handle, ulong streamHandle, NativeHttpRequest* request, uint* call)
    {
        NativePlugin? plugin = null;
        try
        {
            plugin = NativePlugin.FromHandle(handle);
            if (plugin is null || request is null || call is null) return BadArgument;
            var stream = streamHandle == 0 ? null : StreamSlot.Find(streamHandle);
            if (streamHandle != 0 && stream is null) return NotFound;
            var headers = new HeaderMap();
            var trailers = new HeaderMap();
            bool isSound = TryRead(request->Upstream.Data, request->Upstream.Length, out var upstream)
                & TryRead(request->Body.Data, request->Body.Length, out var body)
                & TryRead(request->Fields, request->FieldCount, headers) & TryRead(request->Trailers, request->TrailerCount, trailers);
            if (!isSound || !plugin.TakesAnswers) return BadArgument;
            var checkedRequest = CalloutRules.Check(plugin.Services.HttpCaller, plugin.BodyLimitBytes, upstream, headers, body, trailers, request->TimeoutMs);
            if (checkedRequest is null) return BadArgument;
            if (plugin.Callouts.TryStart(checkedRequest, stream) is not { } id) return Internal;
            *call = id;
            return Ok;
        }
        catch (Exception exception)
        {
            return Caught(plugin, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ForeignCall(nint handle, byte* name, nuint nameLength, byte* argument, nuint argumentLength, byte* result, nuint capacity, nuint* length)
    {
        NativePlugin? plugin = null;
        try
        {
            plugin = NativePlugin.FromHandle(handle);
            bool isSound = TryRead(name, nameLength, out var nameBytes) & TryRead(argument, argumentLength, out var bytes);
            if (plugin is null || !isSound || length is null || (result is null && capacity != 0)) return BadArgument;
            var status = plugin.Services.ForeignFunctions.Call(nameBytes, bytes, out byte[] given);
            if (status != HostStatus.Ok) return (int)status;

            // SAFETY: result has room for capacity bytes, says bimetal.h; at most that many are written.
            var part = given.AsSpan(0, (int)Math.Min(capacity, (nuint)given.Length));
            part.CopyTo(new Span<byte>(result, part.Length));
            *length = (nuint)given.Length;
            return Ok;
        }
        catch (Exception exception)
        {
            return Caught(plugin, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int StreamEnter(ulong handle)
    {
        try
        {
            if (!NativeRootEntry.MayEnterStream) return BadArgument;
            return StreamSlot.Find(handle) is { } stream && NativeRootEntry.TryEnter(stream, handle) ? Ok : NotFound;
        }
        catch (Exception exception)
        {
            return Caught(plugin: null, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int StreamLeave(ulong handle)
    {
        try
        {
            return NativeRootEntry.TryLeave(handle) ? Ok : BadArgument;
        }
        catch (Exception exception)
        {
            return Caught(plugin: null, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int StreamDone(ulong handle)
    {
        try
        {
            return StreamSlot.Find(handle)?.TryFinish() == true ? Ok : NotFound;
        }
        catch (Exception exception)
        {
            return Caught(plugin: null, exception);
        }
    }
}
