// The answer to a callout in the shape of bimetal.h, in memory that stays where it is until the callback has returned.

using System.Buffers;
using System.Runtime.InteropServices;
using Bimetal.Plugins.Callouts;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Native;

/// <summary>One answer. Names and values are copied, the body is pinned.</summary>
internal sealed unsafe class LentResponse : IDisposable
{
    private readonly CallArena _arena = new();
    private readonly NativeHttpResponse* _value;
    private readonly MemoryHandle _body;

    // SAFETY: what the struct points at is owned by this object and freed in Dispose.
    public LentResponse(HttpCalloutResponse? response)
    {
        _value = (NativeHttpResponse*)NativeMemory.AllocZeroed((nuint)sizeof(NativeHttpResponse));
        if (response is null) return;
        _value->Fields = Lend(response.Headers);
        _value->FieldCount = (nuint)response.Headers.Count;
        _value->Trailers = Lend(response.Trailers);
        _value->TrailerCount = (nuint)response.Trailers.Count;
        _body = response.Body.Pin();
        _value->Body = new NativeSlice { Data = (byte*)_body.Pointer, Length = (nuint)response.Body.Length };
    }

    public NativeHttpResponse* Value => _value;

    public void Dispose()
    {
        _body.Dispose();
        NativeMemory.Free(_value->Fields);
        NativeMemory.Free(_value->Trailers);
        NativeMemory.Free(_value);
        _arena.Free();
    }

    // SAFETY: the array has an element for each field; a field that the arena has no room for stays empty.
    private NativeField* Lend(HeaderMap map)
    {
        var fields = (NativeField*)NativeMemory.AllocZeroed((nuint)map.Count, (nuint)sizeof(NativeField));
        for (int index = 0; index < map.Count; index++)
        {
            var (name, value) = map[index];
            _arena.TryLend(name.Span, &fields[index].Name);
            _arena.TryLend(value.Span, &fields[index].Value);
        }

        return fields;
    }
}
