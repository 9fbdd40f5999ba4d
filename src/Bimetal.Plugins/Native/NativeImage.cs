// Reads a shared object once, checks what it is, and loads those very bytes from memory: never a path that may be overwritten meanwhile.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Bimetal.Plugins.Native;

/// <summary>A loaded shared object; it stays mapped for the life of the process.</summary>
internal readonly unsafe partial struct NativeImage
{
    private const int ErrorBytes = 512;

    private readonly void* _library;

    private NativeImage(void* library) => _library = library;

    /// <summary>Loads a shared object.</summary>
    /// <exception cref="PluginLoadException">It is missing, not for this machine, or needs symbols that nobody has.</exception>
    // SAFETY: the image is pinned for the call, which copies it; the error buffer's length is passed along.
    public static NativeImage Load(PluginSource source)
    {
        string path = source.Name;
        byte[] file = Read(source);
        byte* error = stackalloc byte[ErrorBytes];
        fixed (byte* image = file)
        {
            void* library = LoadLibrary(image, (ulong)file.Length, Path.GetFileName(path), error, ErrorBytes);
            if (library is not null) return new NativeImage(library);
            string reason = Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(error));
            throw new PluginLoadException($"{path}: cannot be loaded: {reason}");
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

    /// <summary>The address of an exported symbol, or null.</summary>
    // SAFETY: the library is never unloaded.
    public void* Export(string name) => Symbol(_library, name);

    [LibraryImport("bimetal_shim", EntryPoint = "bimetal_library_load", StringMarshalling = StringMarshalling.Utf8)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial void* LoadLibrary(byte* image, ulong bytes, string name, byte* error, ulong errorBytes);

    [LibraryImport("bimetal_shim", EntryPoint = "bimetal_library_symbol", StringMarshalling = StringMarshalling.Utf8)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial void* Symbol(void* library, string name);
}
