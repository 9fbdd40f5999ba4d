// The frozen contents of a memory: a sealed file, mapped privately by each clone, and once read-only for giving pages back.

namespace Bimetal.Wasm.Runtime;

/// <summary>A sealed memory image, shared by a snapshot and its clones; closed with the last of them.</summary>
internal sealed unsafe class MemoryImage
{
    private readonly void* _view;
    private int _references = 1;
    private int _isClosed;

    private MemoryImage(int file, void* view, ulong lengthBytes)
    {
        File = file;
        _view = view;
        LengthBytes = lengthBytes;
    }

    ~MemoryImage() => Close();

    public int File { get; }

    public ulong LengthBytes { get; }

    public void* View => _view;

    /// <param name="memory">The memory to copy; no guest may run in it.</param>
    /// <param name="mapped">The image that the memory itself shows, if it is a clone's.</param>
    // SAFETY: all bytes below the memory's length are readable.
    public static MemoryImage Of(GuestMemory memory, MemoryImage? mapped)
    {
        int file;
        void* view;
        ulong lengthBytes = memory.LengthBytes;
        int error = Shim.ImageCreate(memory.Record->Base, lengthBytes, mapped?.LengthBytes ?? 0, &file, &view);
        if (error == 0) return new MemoryImage(file, view, lengthBytes);
        throw new InstanceLimitException($"A snapshot of {lengthBytes} bytes cannot be kept: {ErrorText.Of(error)}. Check the memory limit and `ulimit -n`.");
    }

    /// <exception cref="ObjectDisposedException">The last holder is gone: the number of the file may be another file's by now.</exception>
    public MemoryImage AddReference()
    {
        int references;
        do
        {
            references = Volatile.Read(ref _references);
            ObjectDisposedException.ThrowIf(references == 0, this);
        }
        while (Interlocked.CompareExchange(ref _references, references + 1, references) != references);
        return this;
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) != 0) return;
        Close();
        GC.SuppressFinalize(this);
    }

    // SAFETY: the last holder is gone, or all became unreachable together, so nothing reads the view. Clones' own mappings do not
    // need the file.
    private void Close()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) == 0) Shim.ImageClose(File, _view, LengthBytes);
    }
}
