// The host functions that a native plugin calls (bimetal_host in native/include/bimetal.h). Each is a thin, total function: it checks its
// pointers and lengths, acts through StreamView, where the rules of both metals are, and never lets an exception out.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Native;

/// <summary>Fills in the host table.</summary>
internal static unsafe partial class NativeHost
{
    private const int Ok = (int)HostStatus.Ok;
    private const int NotFound = (int)HostStatus.NotFound;
    private const int BadArgument = (int)HostStatus.BadArgument;
    private const int Internal = (int)HostStatus.InternalFailure;

    /// <summary>Fields that an answer, or a request of the plugin's own, may have.</summary>
    private const nuint MaximumFields = HeaderRules.MaximumFieldCount;

    // SAFETY: host points to memory for a whole table; the functions are static and live as long as the process.
    public static void Fill(NativeHostTable* host, nint handle)
    {
        host->AbiVersion = NativeAbi.Version;
        host->StructSize = (uint)sizeof(NativeHostTable);
        host->Handle = handle;
        host->HeaderGet = &HeaderGet;
        host->HeaderSet = &HeaderSet;
        host->HeaderAdd = &HeaderAdd;
        host->HeaderRemove = &HeaderRemove;
        host->HeaderCount = &HeaderCount;
        host->HeaderAt = &HeaderAt;
        host->BufferGet = &BufferGet;
        host->BufferReplace = &BufferReplace;
        host->SendLocalResponse = &SendLocalResponse;
        host->ContinueStream = &ContinueStream;
        host->PropertyGet = &PropertyGet;
        host->Log = &Log;
        host->LogLevel = &LogLevel;
        host->Clock = &Clock;
        host->SharedGet = &SharedGet;
        host->SharedSet = &SharedSet;
        host->MetricDefine = &MetricDefine;
        host->MetricIncrement = &MetricIncrement;
        host->MetricRecord = &MetricRecord;
        host->MetricGet = &MetricGet;
        host->QueueOpen = &QueueOpen;
        host->QueuePush = &QueuePush;
        host->QueuePop = &QueuePop;
        host->TickEvery = &TickEvery;
        host->CloseStream = &CloseStream;
        host->PropertySet = &PropertySet;
        host->ForeignCall = &ForeignCall;
        host->HttpCall = &HttpCall;
        host->StreamEnter = &StreamEnter;
        host->StreamLeave = &StreamLeave;
        host->StreamDone = &StreamDone;
    }

    // SAFETY (all host functions): pointers are the plugin's, which shares our address space and is trusted to pass what bimetal.h says;
    // null and absurd lengths are refused. Spans made from them do not outlive the call.
    private static bool TryRead(byte* data, nuint length, out ReadOnlySpan<byte> bytes)
    {
        bool isSound = length <= int.MaxValue && (data is not null || length == 0);
        bytes = isSound ? new ReadOnlySpan<byte>(data, (int)length) : default;
        return isSound;
    }

    private static bool TryRead(NativeField* fields, nuint count, HeaderMap into)
    {
        if (count > MaximumFields || (fields is null && count != 0)) return false;
        for (nuint index = 0; index < count; index++)
        {
            if (!TryRead(fields[index].Name.Data, fields[index].Name.Length, out var name)) return false;
            if (!TryRead(fields[index].Value.Data, fields[index].Value.Length, out var value)) return false;
            into.AddCopy(name, value);
        }

        return true;
    }

    private static int Lend(NativePluginStream stream, ReadOnlySpan<byte> bytes, NativeSlice* lent)
    {
        stream.LentSlices++;
        return stream.Arena.TryLend(bytes, lent) ? Ok : Internal;
    }

    /// <summary>Reports a bug of ours; the plugin sees an internal failure.</summary>
    private static int Caught(NativePlugin? plugin, Exception exception)
    {
        plugin?.Services.Report(PluginLogLevel.Critical, plugin.Name, "a host function failed: " + exception);
        return Internal;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int BufferGet(ulong handle, uint buffer, nuint start, nuint maximumLength, NativeSlice* bytes)
    {
        var stream = StreamSlot.Find(handle);
        if (stream is null) return NotFound;
        try
        {
            if (buffer > 1 || bytes is null) return BadArgument;
            var body = stream.View.Body(isRequest: buffer == 0);
            if (body is null) return NotFound;
            start = Math.Min(start, (nuint)body.Length);
            bytes->Data = stream.Pin(isRequest: buffer == 0, body) + start;
            bytes->Length = Math.Min(maximumLength, (nuint)body.Length - start);
            stream.LentSlices++;
            return Ok;
        }
        catch (Exception exception)
        {
            return Caught(stream.Plugin, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int BufferReplace(ulong handle, uint buffer, nuint start, nuint length, byte* bytes, nuint bytesLength)
    {
        var stream = StreamSlot.Find(handle);
        if (stream is null) return NotFound;
        try
        {
            if (buffer > 1 || !TryRead(bytes, bytesLength, out var replacement)) return BadArgument;
            return (int)stream.ReplaceBody(isRequest: buffer == 0, start, length, replacement);
        }
        catch (Exception exception)
        {
            return Caught(stream.Plugin, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int SendLocalResponse(ulong handle, uint status, NativeField* fields, nuint fieldCount, byte* body, nuint bodyLength)
    {
        var stream = StreamSlot.Find(handle);
        if (stream is null) return NotFound;
        try
        {
            var headers = new HeaderMap();
            if (status > 599 || !TryRead(body, bodyLength, out var bodyBytes) || !TryRead(fields, fieldCount, headers)) return BadArgument;
            return (int)stream.View.SendLocalResponse((int)status, headers, bodyBytes.ToArray(), grpcStatus: -1);
        }
        catch (Exception exception)
        {
            return Caught(stream.Plugin, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ContinueStream(ulong handle, uint direction)
    {
        var stream = StreamSlot.Find(handle);
        if (stream is null) return NotFound;
        try
        {
            return direction > 1 ? BadArgument : (int)stream.View.Continue(isRequest: direction == 0);
        }
        catch (Exception exception)
        {
            return Caught(stream.Plugin, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int CloseStream(ulong handle)
    {
        var stream = StreamSlot.Find(handle);
        if (stream is null) return NotFound;
        try
        {
            return (int)stream.View.Reset();
        }
        catch (Exception exception)
        {
            return Caught(stream.Plugin, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int PropertySet(ulong handle, byte* path, nuint pathLength, byte* value, nuint valueLength)
    {
        var stream = StreamSlot.Find(handle);
        if (stream is null) return NotFound;
        try
        {
            bool isSound = TryRead(path, pathLength, out var pathBytes) & TryRead(value, valueLength, out var valueBytes);
            return isSound ? (int)stream.View.SetProperty(pathBytes, valueBytes) : BadArgument;
        }
        catch (Exception exception)
        {
            return Caught(stream.Plugin, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int PropertyGet(ulong handle, byte* path, nuint pathLength, NativeSlice* value)
    {
        var stream = StreamSlot.Find(handle);
        if (stream is null) return NotFound;
        try
        {
            if (value is null || !TryRead(path, pathLength, out var pathBytes)) return BadArgument;
            Span<byte> scratch = stackalloc byte[PropertyLookup.ScratchBytes];
            bool isFound = PropertyLookup.TryGet(stream.View, stream.Plugin.Identity, pathBytes, scratch, out var found);
            return isFound ? Lend(stream, found, value) : NotFound;
        }
        catch (Exception exception)
        {
            return Caught(stream.Plugin, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Log(nint handle, uint level, byte* message, nuint messageLength)
    {
        NativePlugin? plugin = null;
        try
        {
            plugin = NativePlugin.FromHandle(handle);
            if (plugin is null || level > (uint)PluginLogLevel.Critical || !TryRead(message, messageLength, out var bytes)) return BadArgument;
            plugin.WriteLog((PluginLogLevel)level, bytes);
            return Ok;
        }
        catch (Exception exception)
        {
            return Caught(plugin, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int LogLevel(nint handle, uint* level)
    {
        NativePlugin? plugin = null;
        try
        {
            plugin = NativePlugin.FromHandle(handle);
            if (plugin is null || level is null) return BadArgument;
            *level = (uint)plugin.Services.Log.MinimumLevel;
            return Ok;
        }
        catch (Exception exception)
        {
            return Caught(plugin, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Clock(nint handle, uint clock, ulong* nanoseconds)
    {
        NativePlugin? plugin = null;
        try
        {
            plugin = NativePlugin.FromHandle(handle);
            if (plugin is null || clock > 1 || nanoseconds is null) return BadArgument;
            *nanoseconds = clock == 0 ? plugin.RealtimeNanoseconds() : plugin.MonotonicNanoseconds();
            return Ok;
        }
        catch (Exception exception)
        {
            return Caught(plugin, exception);
        }
    }
}
