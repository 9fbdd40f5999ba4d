// A temporary folder that only this user can read and that is gone afterwards.

namespace Bimetal.Wasm.Compiler.Toolchain;

/// <summary>A private temporary folder, removed when disposed.</summary>
internal sealed class PrivateFolder : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    public PrivateFolder()
    {
        Location = Path.Combine(Path.GetTempPath(), "bimetal-" + Path.GetRandomFileName());
        if (OperatingSystem.IsWindows()) throw new PlatformNotSupportedException("Guest code is compiled on Linux only.");
        Directory.CreateDirectory(Location, OwnerOnly);
    }

    public string Location { get; }

    public string File(string name) => Path.Combine(Location, name);

    public void Dispose()
    {
        try
        {
            Directory.Delete(Location, recursive: true);
        }
        catch (IOException)
        {
            // Somebody cleaned up before us, or a dying child still writes: nothing depends on it.
        }
    }
}
