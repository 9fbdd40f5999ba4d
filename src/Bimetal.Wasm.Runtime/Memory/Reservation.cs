// The address space of one linear memory: a slot (SlotPool.cs) for code that relies on guard pages, or a region of what the memory may
// grow to, for code that compares each index with the memory's length. A region has no marks of writes in front of it.

namespace Bimetal.Wasm.Runtime;

/// <summary>Where a memory lies. The base never moves.</summary>
internal readonly unsafe struct Reservation
{
    // What one memory may take of a limited address space; threads, heap and other memories want the rest.
    private const ulong LargestShare = 4;

    private readonly ulong _regionBytes;    // 0: a slot

    private Reservation(byte* start, ulong regionBytes)
    {
        Base = start;
        _regionBytes = regionBytes;
    }

    public byte* Base { get; }

    /// <summary>Whether everything that an index and an offset can reach is reserved, and marks of writes are kept.</summary>
    public bool IsSlot => _regionBytes == 0;

    /// <summary>What the memory can grow to.</summary>
    public uint PageCount => IsSlot ? GuestMemory.MaximumPages : (uint)(_regionBytes / GuestMemory.PageBytes);

    public static Reservation OfSlot() => new(SlotPool.Take(), 0);

    /// <summary>A region, smaller than wanted when the address space does not hold that.</summary>
    /// <exception cref="InstanceLimitException">Not even the minimum can be reserved.</exception>
    // SAFETY: a region is as long as the most pages that its memory will commit (GuestMemory's limit is PageCount).
    public static Reservation OfRegion(uint wantedPages, uint minimumPages)
    {
        TrapSupport.EnsureReady();
        ulong least = Math.Max(minimumPages, 1) * (ulong)GuestMemory.PageBytes;
        ulong bytes = Math.Max(wantedPages * (ulong)GuestMemory.PageBytes, least);
        if (AddressSpace.LimitBytes is { } limit) bytes = Math.Max(Math.Min(bytes, limit / LargestShare / GuestMemory.PageBytes * GuestMemory.PageBytes), least);
        while (true)
        {
            void* address;
            int error = Shim.RegionReserve(bytes, &address);
            if (error == 0) return new Reservation((byte*)address, bytes);
            if (bytes == least)
            {
                throw new InstanceLimitException(
                    $"{least} bytes of address space for a linear memory cannot be reserved: {ErrorText.Of(error)}. {AddressSpace.Describe()}: raise that limit, or run fewer instances.");
            }

            bytes = Math.Max(bytes / 2 / GuestMemory.PageBytes * GuestMemory.PageBytes, least);
        }
    }

    /// <summary>Makes bytes readable and writable; returns 0 or an errno, as do the others.</summary>
    public int Commit(ulong from, ulong to) => IsSlot ? Shim.SlotCommit(Base, from, to) : Shim.RegionCommit(Base, from, to);

    /// <param name="isClosed">Whether a slot's sheets are closed until they are written (WriteMarks.cs).</param>
    public int MapImage(int file, ulong lengthBytes, bool isClosed) =>
        IsSlot ? Shim.SlotMapImage(Base, file, lengthBytes, isClosed ? 1U : 0) : Shim.RegionMapImage(Base, file, lengthBytes);

    public int ClearMarks(ulong lengthBytes) => IsSlot ? Shim.SlotClearMarks(Base, lengthBytes) : 0;

    /// <summary>Gives the address space back, the first <paramref name="usedBytes"/> of which may have contents.</summary>
    // SAFETY: the memory that lay here is gone, so nothing reads or writes it any more.
    public void Return(ulong usedBytes)
    {
        if (IsSlot) SlotPool.Return(Base, usedBytes);
        else Shim.RegionRelease(Base, _regionBytes);
    }
}
