// A compiled image in memory: a sealed copy of it, its segments mapped by the runtime itself, so that no dynamic linker is involved.
// Nothing of it is writable. See Abi/CodeImage.cs for what is in it.

using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Runtime;

/// <summary>The mapped code of one or more modules. Unmapped after <see cref="Dispose"/>, once no instance uses it any more.</summary>
public sealed unsafe class CodeMapping : IDisposable
{
    private readonly CodeModule[] _modules;
    private readonly byte* _base;
    private readonly ulong _spanBytes;
    private readonly List<nuint> _textStarts = [];
    private readonly WasmModule?[] _wasmModules;
    private int _references = 1;    // the owner's, and one for each instance
    private int _isDisposed;
    private int _isUnmapped;

    private CodeMapping(byte* address, ulong spanBytes, CodeModule[] modules, ElfImage image, uint traits, int mapBytes)
    {
        Interrupt = (InterruptMode)(traits & ~CodeImage.Flags);
        MarksWrites = (traits & WriteMarks.RootFlag) != 0;
        NeedsSlots = MarksWrites || (traits & CodeImage.ExplicitBoundsFlag) == 0;
        _base = address;
        _spanBytes = spanBytes;
        _modules = modules;
        _wasmModules = new WasmModule?[modules.Length];
        byte* map = address + image.SpanBytes;
        if (mapBytes != 0) Symbols = new GuestCodeMap(map, mapBytes);
        foreach (var segment in image.Segments)
        {
            if (!segment.IsExecutable) continue;
            nuint start = (nuint)(_base + segment.Address);
            int error = Shim.AddCode(start, start + (nuint)segment.FileBytes, (uint)Interrupt);
            if (error != 0) throw new InstanceLimitException($"Code cannot be registered: {ErrorText.Of(error)}. Too many compiled images are loaded at once.");
            _textStarts.Add(start);
            if (mapBytes != 0) Shim.MapCode(start, (nuint)_base, map, (ulong)mapBytes);
        }

        CodeDirectory.Add((nuint)_base, this);
    }

    ~CodeMapping() => Unmap();

    /// <summary>Modules in the image, numbered in the order in which they were compiled.</summary>
    public int ModuleCount => _modules.Length;

    /// <summary>What stops this code at its CPU limit.</summary>
    public InterruptMode Interrupt { get; }

    /// <summary>Whether the code marks what it writes (WriteMarks.cs).</summary>
    public bool MarksWrites { get; }

    /// <summary>Whether its memories must be surrounded by all that an index can reach; false for code that compares indices itself.</summary>
    public bool NeedsSlots { get; }

    /// <summary>Bytes of address space that the image takes.</summary>
    public long LengthBytes => (long)_spanBytes;

    /// <summary>Checks and maps an image.</summary>
    /// <exception cref="CodeImageException">The image is malformed or has another ABI version.</exception>
    public static CodeMapping Map(ReadOnlySpan<byte> elfImage)
    {
        TrapSupport.EnsureReady();
        var image = ElfImage.Parse(elfImage);
        int[] moduleOffsets = ReadRoot(image, out uint traits);
        var tables = new ModuleTables[moduleOffsets.Length];
        for (int ordinal = 0; ordinal < tables.Length; ordinal++) tables[ordinal] = ReadModule(image, moduleOffsets[ordinal]);

        var (mapOffset, mapBytes) = GuestCodeMap.Find(elfImage);
        ulong spanBytes = image.SpanBytes + ElfImage.PageEnd((ulong)mapBytes);
        byte* address = MapSegments(elfImage, image, mapOffset, mapBytes);
        var modules = new CodeModule[tables.Length];
        for (int ordinal = 0; ordinal < modules.Length; ordinal++) modules[ordinal] = new CodeModule(address + image.Entry, address, tables[ordinal]);
        return new CodeMapping(address, spanBytes, modules, image, traits, mapBytes);
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0) Release();
    }

    internal nuint Address => (nuint)_base;

    /// <summary>What traps and profilers find functions by; empty when the image has none.</summary>
    internal GuestCodeMap Symbols { get; }

    internal CodeModule Module(int ordinal) => _modules[ordinal];

    /// <summary>Tells whose code the module of a number is.</summary>
    internal void Attach(int ordinal, WasmModule module)
    {
        if (Interlocked.CompareExchange(ref _wasmModules[ordinal], module, null) is null) PerfMap.Add(this, ordinal, module);
    }

    internal WasmModule? ModuleAt(int ordinal) => (uint)ordinal < (uint)_wasmModules.Length ? _wasmModules[ordinal] : null;

    /// <summary>The address in the image of a program counter in this code.</summary>
    internal uint AddressOf(nuint pc) => (uint)(pc - (nuint)_base);

    /// <summary>Keeps the code mapped until <see cref="Release"/>.</summary>
    internal void AddReference()
    {
        ObjectDisposedException.ThrowIf(_isDisposed != 0 || !TryAddReference(), this);
    }

    /// <summary>As <see cref="AddReference"/>, also after the owner has let go; false once the code is gone.</summary>
    internal bool TryAddReference()
    {
        int references;
        do
        {
            references = Volatile.Read(ref _references);
            if (references == 0) return false;
        }
        while (Interlocked.CompareExchange(ref _references, references + 1, references) != references);
        return true;
    }

    internal void Release()
    {
        if (Interlocked.Decrement(ref _references) != 0) return;
        Unmap();
        GC.SuppressFinalize(this);
    }

    // SAFETY: runs when the last instance is gone or nothing can reach the mapping any more; no thread is in its code then. When
    // instances and mapping become unreachable together, finalizers come here in any order.
    private void Unmap()
    {
        if (Interlocked.Exchange(ref _isUnmapped, 1) != 0) return;
        CodeDirectory.Remove((nuint)_base);
        foreach (nuint start in _textStarts) Shim.RemoveCode(start);
        _textStarts.Clear();
        Shim.CodeUnmap(_base, _spanBytes);
    }

    private static int[] ReadRoot(ElfImage image, out uint traits)
    {
        if (image.Entry % 4 != 0) throw ElfImage.Malformed("its root is not aligned");
        var header = image.At(image.Entry, CodeImage.RootHeaderSize);
        uint magic = U32(header, 0), version = U32(header, 4), moduleCount = U32(header, 8);
        if (magic != CodeImage.Magic) throw ElfImage.Malformed("it is no image of this compiler");
        if (version != AbiVersion.Current)
            throw new CodeImageException($"The compiled image has ABI version {version}, this runtime has {AbiVersion.Current}. Compile the module again.");
        traits = U32(header, 12);
        if ((InterruptMode)(traits & ~CodeImage.Flags) > InterruptMode.None) throw ElfImage.Malformed("what stops it is unknown");
        return ReadOffsets(image, image.Entry + CodeImage.RootHeaderSize, moduleCount);
    }

    private static ModuleTables ReadModule(ElfImage image, int moduleOffset)
    {
        ulong address = image.Entry + (ulong)(long)moduleOffset;
        if (address % 4 != 0) throw ElfImage.Malformed("a module table is not aligned");
        var header = image.At(address, CodeImage.ModuleHeaderSize);
        var tables = new ModuleTables(address, U32(header, 0), U32(header, 4), U32(header, 8), U32(header, 12));
        if (tables.TailCount != 0 && tables.TailCount != tables.FunctionCount) throw ElfImage.Malformed("its tail entries are not those of its functions");
        ulong firstTail = (ulong)tables.FunctionCount + tables.TypeCount + tables.ImportCount;
        ulong count = firstTail + tables.TailCount;
        int[] offsets = ReadOffsets(image, address + CodeImage.ModuleHeaderSize, count);
        for (uint index = 0; index < offsets.Length; index++)
        {
            // A function that only its own module's code can reach has no offset, one without tail calls no tail entry.
            bool isAbsent = offsets[index] == 0 && (index < tables.FunctionCount || index >= firstTail);
            if (!isAbsent && !image.IsExecutable(image.Entry + (ulong)(long)offsets[index])) throw ElfImage.Malformed("a function lies outside of the code");
        }

        return tables;
    }

    private static int[] ReadOffsets(ElfImage image, ulong address, ulong count)
    {
        if (count > int.MaxValue / 4) throw ElfImage.Malformed("a count is too large");
        return MemoryMarshal.Cast<byte, int>(image.At(address, count * 4)).ToArray();
    }

    // SAFETY: the span stays pinned while the shim copies it; the segments were checked to lie inside of it and of the reservation.
    private static byte* MapSegments(ReadOnlySpan<byte> elfImage, ElfImage image, ulong mapOffset, int mapBytes)
    {
        // The map comes behind the last segment, like another one.
        var segments = new CodeSegment[image.Segments.Count + (mapBytes == 0 ? 0 : 1)];
        if (mapBytes != 0) segments[^1] = new CodeSegment { Address = image.SpanBytes, FileOffset = mapOffset, LengthBytes = (ulong)mapBytes };
        for (int index = 0; index < image.Segments.Count; index++)
        {
            var segment = image.Segments[index];
            ulong start = ElfImage.PageStart(segment.Address);
            segments[index] = new CodeSegment
            {
                Address = start,
                FileOffset = ElfImage.PageStart(segment.FileOffset),
                LengthBytes = segment.Address - start + segment.FileBytes,
                IsExecutable = segment.IsExecutable ? 1u : 0u,
            };
        }

        void* address;
        fixed (byte* bytes = elfImage)
        fixed (CodeSegment* first = segments)
        {
            int error = Shim.CodeMap(bytes, (ulong)elfImage.Length, first, (uint)segments.Length, image.SpanBytes + ElfImage.PageEnd((ulong)mapBytes), PerfMap.IsOn ? 1u : 0u, &address);
            if (error != 0) throw new InstanceLimitException($"Code cannot be mapped: {ErrorText.Of(error)}. Check the memory limits and vm.max_map_count.");
        }

        return (byte*)address;
    }

    private static uint U32(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);
}

/// <summary>Where the tables of a module stand in an image, and their lengths.</summary>
internal readonly record struct ModuleTables(ulong Address, uint FunctionCount, uint TypeCount, uint ImportCount, uint TailCount);

/// <summary>The mapped tables of one module.</summary>
internal readonly unsafe struct CodeModule(byte* root, byte* mapping, ModuleTables tables)
{
    private readonly byte* _root = root;
    private readonly int* _offsets = (int*)(mapping + tables.Address + CodeImage.ModuleHeaderSize);

    public uint FunctionCount { get; } = tables.FunctionCount;

    public uint TypeCount { get; } = tables.TypeCount;

    public uint ImportCount { get; } = tables.ImportCount;

    /// <summary>Code of a function defined in the module; <paramref name="index"/> counts without the imported ones.</summary>
    public nint Function(uint index) => Address(index, FunctionCount, 0);

    /// <summary>Trampoline of a function type.</summary>
    public nint Entry(uint typeIndex) => Address(typeIndex, TypeCount, FunctionCount);

    /// <summary>Thunk of an imported function.</summary>
    public nint Thunk(uint importIndex) => Address(importIndex, ImportCount, FunctionCount + TypeCount);

    /// <summary>Distance from <see cref="Function"/> to the same function's entry for tail calls; 0 when it has none.</summary>
    public int TailOffset(uint index)
    {
        if (index >= tables.TailCount) return 0;
        nint tail = _offsets[FunctionCount + TypeCount + ImportCount + index];
        return tail == 0 ? 0 : (int)((nint)_root + tail - Function(index));
    }

    // SAFETY: the mapping checked that all tables lie in it and that every offset leads into its code; the index is checked here.
    private nint Address(uint index, uint count, uint first)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, count);
        ArgumentOutOfRangeException.ThrowIfZero(_offsets[first + index]);
        return (nint)(_root + _offsets[first + index]);
    }
}
