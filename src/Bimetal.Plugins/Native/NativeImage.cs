// Reads a shared object once, checks what it is, and loads those very bytes from memory: never a path that may be overwritten meanwhile. Images are
// never unmapped. One whose plugin has ended for good serves the next plugin of the same content, with its writable data as it was.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Bimetal.Plugins.Native;

/// <summary>A loaded shared object; it stays mapped for the life of the process.</summary>
internal sealed unsafe partial class NativeImage
{
    private const int ErrorBytes = 512;

    private static readonly Lock s_gate = new();
    private static readonly Dictionary<string, Stack<NativeImage>> s_unused = new(StringComparer.Ordinal);
    private static int s_count;

    private readonly void* _library;
    private readonly void* _data;
    private readonly string _digest;

    // SAFETY: nothing of the library but its constructors has run, so this is its data as it was loaded.
    private NativeImage(void* library, string digest)
    {
        _library = library;
        _digest = digest;
        _data = Freeze(library);
        Interlocked.Increment(ref s_count);
    }

    /// <summary>Images that are mapped in this process, in use or not.</summary>
    public static int Count => Volatile.Read(ref s_count);

    /// <summary>Loads a shared object.</summary>
    /// <exception cref="PluginLoadException">It is missing, not for this machine, or needs symbols that nobody has.</exception>
    // SAFETY: the image is pinned for the call, which copies it; the error buffer's length is passed along.
    public static NativeImage Load(PluginSource source)
    {
        string path = source.Name;
        byte[] file = Read(source);
        string digest = Convert.ToHexString(SHA256.HashData(file));
        if (TakeUnused(digest) is { } unused) return unused;
        byte* error = stackalloc byte[ErrorBytes];
        fixed (byte* image = file)
        {
            void* library = LoadLibrary(image, (ulong)file.Length, Path.GetFileName(path), error, ErrorBytes);
            if (library is not null) return new NativeImage(library, digest);
            string reason = Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(error));
            throw new PluginLoadException($"{path}: cannot be loaded: {reason}");
        }
    }

    /// <summary>Nothing of the plugin runs any more, nor ever will: the image can serve another one.</summary>
    public void Release()
    {
        if (_data is null) return;
        lock (s_gate)
        {
            if (!s_unused.TryGetValue(_digest, out var images)) s_unused.Add(_digest, images = new Stack<NativeImage>());
            images.Push(this);
        }
    }

    /// <summary>The bytes of a shared object for this machine; nothing of it runs.</summary>
    /// <exception cref="PluginLoadException">It is missing, or not for this machine.</exception>
    public static byte[] Read(PluginSource source)
    {
        try
        {
            byte[] file = source.Bytes ?? File.ReadAllBytes(source.Name);
            return ElfHeader.Refusal(file) is { } refusal ? throw new PluginLoadException($"{source.Name}: {refusal}") : file;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PluginLoadException($"{source.Name}: cannot be read: {exception.Message}", exception);
        }
    }

    private static NativeImage? TakeUnused(string digest)
    {
        NativeImage? image = null;
        lock (s_gate)
        {
            if (s_unused.TryGetValue(digest, out var images)) images.TryPop(out image);
        }

        // SAFETY: nothing of it runs, says Release.
        if (image is not null) Restore(image._data);
        return image;
    }

    /// <summary>The address of an exported symbol, or null.</summary>
    // SAFETY: the library is never unloaded.
    public void* Export(string name) => Symbol(_library, name);

    [LibraryImport("bimetal_shim", EntryPoint = "bimetal_library_load", StringMarshalling = StringMarshalling.Utf8)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial void* LoadLibrary(byte* image, ulong bytes, string name, byte* error, ulong errorBytes);

    [LibraryImport("bimetal_shim", EntryPoint = "bimetal_library_freeze")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial void* Freeze(void* library);

    [LibraryImport("bimetal_shim", EntryPoint = "bimetal_library_restore")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial void Restore(void* data);

    [LibraryImport("bimetal_shim", EntryPoint = "bimetal_library_symbol", StringMarshalling = StringMarshalling.Utf8)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial void* Symbol(void* library, string name);
}
