// Which callbacks a native plugin has, in one word.

using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Native;

/// <summary>A bit for each <see cref="StreamCallback"/>, and some for what belongs to a stream besides.</summary>
internal readonly unsafe record struct NativeCallbacks
{
    private const int Begin = 16;
    private const int End = 17;
    private const int Done = 18;

    private readonly uint _bits;

    private NativeCallbacks(uint bits) => _bits = bits;

    public bool HasBegin => HasBit(Begin);

    public bool HasEnd => HasBit(End);

    public bool HasDone => HasBit(Done);

    /// <summary>Those that are not null.</summary>
    // SAFETY: the caller's table is whole, and only read.
    public static NativeCallbacks Of(NativePluginTable* table) => new(
        Bit((int)StreamCallback.RequestHeaders, table->RequestHeaders is not null)
        | Bit((int)StreamCallback.RequestBody, table->RequestBody is not null)
        | Bit((int)StreamCallback.RequestTrailers, table->RequestTrailers is not null)
        | Bit((int)StreamCallback.ResponseHeaders, table->ResponseHeaders is not null)
        | Bit((int)StreamCallback.ResponseBody, table->ResponseBody is not null)
        | Bit((int)StreamCallback.ResponseTrailers, table->ResponseTrailers is not null)
        | Bit((int)StreamCallback.Log, table->Log is not null)
        | Bit(Begin, table->StreamBegin is not null)
        | Bit(End, table->StreamEnd is not null)
        | Bit(Done, table->Done is not null));

    public bool Has(StreamCallback callback) => HasBit((int)callback);

    private bool HasBit(int bit) => (_bits & (1u << bit)) != 0;

    private static uint Bit(int bit, bool isSet) => isSet ? 1u << bit : 0;
}
