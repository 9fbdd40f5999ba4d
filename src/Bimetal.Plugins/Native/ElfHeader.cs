// The first 20 bytes of a shared object: enough to say in plain words why it cannot be loaded here.

using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Bimetal.Plugins.Native;

/// <summary>Looks at ELF headers (System V ABI, chapter 4).</summary>
internal static class ElfHeader
{
    private const int SharedObject = 3;
    private const int MachineX64 = 62;
    private const int MachineArm64 = 183;

    /// <summary>Why these bytes are no shared object for this process, or null when they may be one.</summary>
    public static string? Refusal(ReadOnlySpan<byte> file)
    {
        if (file.Length < 20 || !file.StartsWith("\u007fELF"u8)) return "is not an ELF shared object";
        if (file[4] != 2 || file[5] != 1) return "is not a 64-bit little-endian shared object";
        int machine = BinaryPrimitives.ReadUInt16LittleEndian(file[18..]);
        if (BinaryPrimitives.ReadUInt16LittleEndian(file[16..]) != SharedObject) return "is an ELF file, but not a shared object";
        string built = machine switch { MachineX64 => "x64", MachineArm64 => "arm64", _ => $"machine {machine}" };
        string here = RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
        return built == here ? null : $"is built for {built}, and this gateway runs on {here}";
    }
}
