// The functions of native/shim, as declared in bimetal_shim.h. Nothing else in the runtime calls native code or the kernel.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Bimetal.Wasm.Runtime;

/// <summary>The native trap shim. Functions that return an int return 0 or an errno unless they say otherwise.</summary>
internal static unsafe partial class Shim
{
    /// <summary>Another thread is in the instance, or in one linked with it.</summary>
    public const int RefusedBusy = -1;

    /// <summary>The guest was stopped at an arbitrary instruction and not reset since.</summary>
    public const int RefusedAbandoned = -2;

    private const string Library = "bimetal_shim";

    // SAFETY (all members): the arguments are those of the C declarations; callers own the memory behind the pointers for the whole
    // call. Guest entry is an ordinary P/Invoke, never SuppressGCTransition: the guest runs as long as it likes, and calls back.
    [LibraryImport(Library, EntryPoint = "bimetal_initialize")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int Initialize();

    [LibraryImport(Library, EntryPoint = "bimetal_deadline_signal")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int DeadlineSignal();

    /// <summary>Enters a guest. Returns a <see cref="Abi.TrapCode"/> or one of the refusals above.</summary>
    [LibraryImport(Library, EntryPoint = "bimetal_enter")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int Enter(LinkGroupRecord* group, void* context, void* code, ulong* buffer, void* entry, ulong cpuLimitNs);

    [LibraryImport(Library, EntryPoint = "bimetal_raise_address")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial void* RaiseAddress();

    [LibraryImport(Library, EntryPoint = "bimetal_thread_cpu_ns")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial ulong ThreadCpuNs();

    [LibraryImport(Library, EntryPoint = "bimetal_add_code")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int AddCode(nuint start, nuint end, uint interrupt);

    [LibraryImport(Library, EntryPoint = "bimetal_remove_code")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial void RemoveCode(nuint start);

    [LibraryImport(Library, EntryPoint = "bimetal_map_code")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial void MapCode(nuint start, nuint address, void* map, ulong mapBytes);

    /// <summary>Program counters of this thread's last trap; returns how many.</summary>
    [LibraryImport(Library, EntryPoint = "bimetal_trace")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial uint Trace(nuint* frames, uint capacity, uint* isCut);

    [LibraryImport(Library, EntryPoint = "bimetal_slot_reserve")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int SlotReserve(void** address);

    [LibraryImport(Library, EntryPoint = "bimetal_slot_release")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial void SlotRelease(void* address);

    [LibraryImport(Library, EntryPoint = "bimetal_slot_commit")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int SlotCommit(void* address, ulong from, ulong to);

    [LibraryImport(Library, EntryPoint = "bimetal_slot_decommit")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int SlotDecommit(void* address, ulong from, ulong to);

    [LibraryImport(Library, EntryPoint = "bimetal_slot_map_image")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int SlotMapImage(void* address, int image, ulong lengthBytes, uint isClosed);

    [LibraryImport(Library, EntryPoint = "bimetal_slot_clear")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int SlotClear(void* address, ulong lengthBytes);

    [LibraryImport(Library, EntryPoint = "bimetal_slots_fit")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int SlotsFit(uint count);

    [LibraryImport(Library, EntryPoint = "bimetal_region_reserve")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int RegionReserve(ulong lengthBytes, void** address);

    [LibraryImport(Library, EntryPoint = "bimetal_region_release")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial void RegionRelease(void* address, ulong lengthBytes);

    [LibraryImport(Library, EntryPoint = "bimetal_region_commit")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int RegionCommit(void* address, ulong from, ulong to);

    [LibraryImport(Library, EntryPoint = "bimetal_region_map_image")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int RegionMapImage(void* address, int image, ulong lengthBytes);

    [LibraryImport(Library, EntryPoint = "bimetal_slot_restore")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int SlotRestore(void* address, void* view, ulong lengthBytes, ulong maximumWarmPages, ulong* pageCount);

    [LibraryImport(Library, EntryPoint = "bimetal_slot_restore_marked")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial ulong SlotRestoreMarked(void* address, void* view, ulong imageBytes, ulong lengthBytes);

    /// <summary>At most some 128 KiB are copied, which the collector can wait for; <see cref="ulong.MaxValue"/>: it would be more, and nothing was done.</summary>
    [LibraryImport(Library, EntryPoint = "bimetal_clone_restore")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    [SuppressGCTransition]
    public static partial ulong CloneRestore(CloneRecord* clone);

    /// <summary>The same, however much it is.</summary>
    [LibraryImport(Library, EntryPoint = "bimetal_clone_restore_all")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial ulong CloneRestoreAll(CloneRecord* clone);

    [LibraryImport(Library, EntryPoint = "bimetal_slot_clear_marks")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int SlotClearMarks(void* address, ulong lengthBytes);

    /// <summary>The <see cref="RestoreMethod"/> in use.</summary>
    [LibraryImport(Library, EntryPoint = "bimetal_restore_method")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int CurrentRestoreMethod();

    [LibraryImport(Library, EntryPoint = "bimetal_restore_force")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int ForceRestoreMethod(int method);

    [LibraryImport(Library, EntryPoint = "bimetal_image_create")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int ImageCreate(void* memory, ulong lengthBytes, ulong mappedBytes, int* file, void** view);

    [LibraryImport(Library, EntryPoint = "bimetal_image_close")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial void ImageClose(int file, void* view, ulong lengthBytes);

    [LibraryImport(Library, EntryPoint = "bimetal_code_map")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int CodeMap(void* image, ulong imageBytes, CodeSegment* segments, uint segmentCount, ulong spanBytes, uint isAnonymous, void** address);

    [LibraryImport(Library, EntryPoint = "bimetal_code_unmap")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial void CodeUnmap(void* address, ulong spanBytes);
}

/// <summary><c>struct bimetal_segment</c>: page-aligned parts of a code image.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CodeSegment
{
    public ulong Address;
    public ulong FileOffset;
    public ulong LengthBytes;
    public ulong IsExecutable;
}

/// <summary><c>struct bimetal_clone</c>; the values of the globals follow.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct CloneRecord
{
    public void* Memory;
    public void* View;
    public ulong LengthBytes;
    public ulong* Globals;
    public ulong GlobalsWordCount;
}

/// <summary><c>struct bimetal_group</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LinkGroupRecord
{
    public ContextList* List;
    public void* Owner;
    public uint IsAbandoned;
    public uint IsLinked;
}

/// <summary><c>struct bimetal_context_list</c>; the addresses of the contexts follow.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ContextList
{
    public ulong Count;
}

/// <summary>How the pages that a guest has written are found when an instance is reset.</summary>
public enum RestoreMethod
{
    /// <summary>The PAGEMAP_SCAN request (Linux 6.7).</summary>
    Scan = 0,

    /// <summary>/proc/self/pagemap.</summary>
    Pagemap = 1,

    /// <summary>Not at all: every page goes back to the image, and the next write to it costs a page fault again.</summary>
    Drop = 2,
}
