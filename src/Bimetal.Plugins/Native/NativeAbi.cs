// The structs and numbers of native/include/bimetal.h, version 1, field by field. A test compares sizes and offsets with what clang says.

using System.Runtime.InteropServices;

namespace Bimetal.Plugins.Native;

/// <summary>Constants of the ABI.</summary>
internal static class NativeAbi
{
    public const uint Version = 1;

    public const string EntryPoint = "bimetal_plugin_init";

    /// <summary>Most state that a plugin may ask for per stream.</summary>
    public const uint MaximumStreamStateBytes = 1 << 20;
}

/// <summary><c>bimetal_slice</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeSlice
{
    public byte* Data;
    public nuint Length;
}

/// <summary><c>bimetal_field</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NativeField
{
    public NativeSlice Name;
    public NativeSlice Value;
}

/// <summary><c>bimetal_http_request</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeHttpRequest
{
    public NativeSlice Upstream;
    public NativeField* Fields;
    public nuint FieldCount;
    public NativeSlice Body;
    public NativeField* Trailers;
    public nuint TrailerCount;
    public uint TimeoutMs;
    public uint Reserved;
}

/// <summary><c>bimetal_http_response</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeHttpResponse
{
    public NativeField* Fields;
    public nuint FieldCount;
    public NativeSlice Body;
    public NativeField* Trailers;
    public nuint TrailerCount;
}

/// <summary><c>bimetal_host</c>: functions are those of <see cref="NativeHost"/>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeHostTable
{
    public uint AbiVersion;
    public uint StructSize;
    public nint Handle;
    public delegate* unmanaged[Cdecl]<ulong, uint, byte*, nuint, NativeSlice*, int> HeaderGet;
    public delegate* unmanaged[Cdecl]<ulong, uint, byte*, nuint, byte*, nuint, int> HeaderSet;
    public delegate* unmanaged[Cdecl]<ulong, uint, byte*, nuint, byte*, nuint, int> HeaderAdd;
    public delegate* unmanaged[Cdecl]<ulong, uint, byte*, nuint, int> HeaderRemove;
    public delegate* unmanaged[Cdecl]<ulong, uint, nuint*, int> HeaderCount;
    public delegate* unmanaged[Cdecl]<ulong, uint, nuint, NativeField*, int> HeaderAt;
    public delegate* unmanaged[Cdecl]<ulong, uint, nuint, nuint, NativeSlice*, int> BufferGet;
    public delegate* unmanaged[Cdecl]<ulong, uint, nuint, nuint, byte*, nuint, int> BufferReplace;
    public delegate* unmanaged[Cdecl]<ulong, uint, NativeField*, nuint, byte*, nuint, int> SendLocalResponse;
    public delegate* unmanaged[Cdecl]<ulong, uint, int> ContinueStream;
    public delegate* unmanaged[Cdecl]<ulong, byte*, nuint, NativeSlice*, int> PropertyGet;
    public delegate* unmanaged[Cdecl]<nint, uint, byte*, nuint, int> Log;
    public delegate* unmanaged[Cdecl]<nint, uint*, int> LogLevel;
    public delegate* unmanaged[Cdecl]<nint, uint, ulong*, int> Clock;
    public delegate* unmanaged[Cdecl]<nint, byte*, nuint, byte*, nuint, nuint*, uint*, int> SharedGet;
    public delegate* unmanaged[Cdecl]<nint, byte*, nuint, byte*, nuint, uint, int> SharedSet;
    public delegate* unmanaged[Cdecl]<nint, uint, byte*, nuint, uint*, int> MetricDefine;
    public delegate* unmanaged[Cdecl]<nint, uint, long, int> MetricIncrement;
    public delegate* unmanaged[Cdecl]<nint, uint, ulong, int> MetricRecord;
    public delegate* unmanaged[Cdecl]<nint, uint, ulong*, int> MetricGet;
    public delegate* unmanaged[Cdecl]<nint, byte*, nuint, uint*, int> QueueOpen;
    public delegate* unmanaged[Cdecl]<nint, uint, byte*, nuint, int> QueuePush;
    public delegate* unmanaged[Cdecl]<nint, uint, byte*, nuint, nuint*, int> QueuePop;
    public delegate* unmanaged[Cdecl]<nint, uint, int> TickEvery;
    public delegate* unmanaged[Cdecl]<ulong, int> CloseStream;
    public delegate* unmanaged[Cdecl]<ulong, byte*, nuint, byte*, nuint, int> PropertySet;
    public delegate* unmanaged[Cdecl]<nint, byte*, nuint, byte*, nuint, byte*, nuint, nuint*, int> ForeignCall;
    public delegate* unmanaged[Cdecl]<nint, ulong, NativeHttpRequest*, uint*, int> HttpCall;
    public delegate* unmanaged[Cdecl]<ulong, int> StreamEnter;
    public delegate* unmanaged[Cdecl]<ulong, int> StreamLeave;
    public delegate* unmanaged[Cdecl]<ulong, int> StreamDone;
}

/// <summary><c>bimetal_plugin</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativePluginTable
{
    public uint AbiVersion;
    public uint StructSize;
    public void* Plugin;
    public uint StreamStateBytes;
    public uint Reserved;
    public delegate* unmanaged[Cdecl]<void*, byte*, nuint, int> Configure;
    public delegate* unmanaged[Cdecl]<void*, ulong, void*, void> StreamBegin;
    public delegate* unmanaged[Cdecl]<void*, ulong, void*, void> StreamEnd;
    public delegate* unmanaged[Cdecl]<void*, ulong, void*, uint, int> RequestHeaders;
    public delegate* unmanaged[Cdecl]<void*, ulong, void*, nuint, uint, int> RequestBody;
    public delegate* unmanaged[Cdecl]<void*, ulong, void*, int> RequestTrailers;
    public delegate* unmanaged[Cdecl]<void*, ulong, void*, uint, int> ResponseHeaders;
    public delegate* unmanaged[Cdecl]<void*, ulong, void*, nuint, uint, int> ResponseBody;
    public delegate* unmanaged[Cdecl]<void*, ulong, void*, int> ResponseTrailers;
    public delegate* unmanaged[Cdecl]<void*, ulong, void*, void> Log;

    /// <summary>The first field that came later: plugins that were built before it have a table that ends here.</summary>
    public delegate* unmanaged[Cdecl]<void*, void> Tick;
    public delegate* unmanaged[Cdecl]<void*, uint, void> QueueReady;
    public delegate* unmanaged[Cdecl]<void*, ulong, void*, uint, NativeHttpResponse*, void> HttpResponse;
    public delegate* unmanaged[Cdecl]<void*, void> Retire;
    public delegate* unmanaged[Cdecl]<void*, byte*, nuint, int> Start;
    public delegate* unmanaged[Cdecl]<void*, ulong, void*, int> Done;
}
