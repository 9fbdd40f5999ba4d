// fd_*: the three standard streams. There are no files, so every other descriptor is a bad one.

using System.Buffers.Binary;

namespace Bimetal.Wasm.Engine.Wasi;

internal static class WasiDescriptors
{
    private const uint StandardInput = 0;
    private const uint StandardOutput = 1;
    private const byte CharacterDevice = 2;
    private const ulong RightRead = 1 << 1;
    private const ulong RightWrite = 1 << 6;
    private const int VectorSize = 8;

    // A host call cannot be interrupted, so what one may cost is bounded; a guest's C library goes on after a partial write.
    private const uint MaximumVectors = 1024;
    private const uint MaximumBytesPerCall = 1 << 20;

    /// <summary>[descriptor, address of the vectors, their number, address of the bytes written].</summary>
    internal static WasiErrno Write(in WasiCall call)
    {
        uint descriptor = call.Argument(0);
        if (!call.State.IsOpen(descriptor) || descriptor == StandardInput) return WasiErrno.BadDescriptor;
        var error = Vectors(in call, out var vectors);
        if (error != WasiErrno.Success) return error;
        var output = descriptor == StandardOutput ? call.State.StandardOutput : call.State.StandardError;
        uint writtenCount = 0;
        for (; vectors.Length > 0 && writtenCount < MaximumBytesPerCall; vectors = vectors[VectorSize..])
        {
            if (!TrySliceVector(in call, vectors, MaximumBytesPerCall - writtenCount, out var bytes)) return WasiErrno.Fault;
            output?.Invoke(bytes);
            writtenCount += (uint)bytes.Length;
        }

        return call.TryWrite(call.Argument(3), writtenCount) ? WasiErrno.Success : WasiErrno.Fault;
    }

    /// <summary>[descriptor, address of the vectors, their number, address of the bytes read].</summary>
    internal static WasiErrno Read(in WasiCall call)
    {
        uint descriptor = call.Argument(0);
        if (!call.State.IsOpen(descriptor) || descriptor != StandardInput) return WasiErrno.BadDescriptor;
        var error = Vectors(in call, out var vectors);
        if (error != WasiErrno.Success) return error;
        int readCount = 0;
        for (; vectors.Length > 0 && readCount == 0; vectors = vectors[VectorSize..])
        {
            if (!TrySliceVector(in call, vectors, MaximumBytesPerCall, out var bytes)) return WasiErrno.Fault;
            readCount = bytes.Length == 0 ? 0 : call.State.StandardInput?.Read(bytes) ?? 0;
        }

        return call.TryWrite(call.Argument(3), (uint)readCount) ? WasiErrno.Success : WasiErrno.Fault;
    }

    /// <summary>[descriptor].</summary>
    internal static WasiErrno Close(in WasiCall call)
    {
        if (!call.State.IsOpen(call.Argument(0))) return WasiErrno.BadDescriptor;
        call.State.Close(call.Argument(0));
        return WasiErrno.Success;
    }

    /// <summary>[descriptor, …]: position of a stream.</summary>
    internal static WasiErrno Seek(in WasiCall call) => call.State.IsOpen(call.Argument(0)) ? WasiErrno.InvalidSeek : WasiErrno.BadDescriptor;

    /// <summary>[descriptor, …]: what streams have not, and nothing else is open.</summary>
    internal static WasiErrno FileOperation(in WasiCall call) => call.State.IsOpen(call.Argument(0)) ? WasiErrno.NotSupported : WasiErrno.BadDescriptor;

    /// <summary>[descriptor, …]: no descriptor was opened in advance. A start-up asks from 3 on until it hears so.</summary>
    internal static WasiErrno PreopenedFolder(in WasiCall call) => WasiErrno.BadDescriptor;

    /// <summary>[descriptor, address of 24 bytes]: type u8, flags u16 at 2, rights u64 at 8, inherited rights u64 at 16.</summary>
    internal static WasiErrno Status(in WasiCall call)
    {
        uint descriptor = call.Argument(0);
        if (!call.State.IsOpen(descriptor)) return WasiErrno.BadDescriptor;
        if (!call.TrySlice(call.Argument(1), 24, out var status)) return WasiErrno.Fault;
        status.Clear();
        status[0] = CharacterDevice;
        BinaryPrimitives.WriteUInt64LittleEndian(status[8..], descriptor == StandardInput ? RightRead : RightWrite);
        return WasiErrno.Success;
    }

    /// <summary>[descriptor, address of 64 bytes]: of the file's attributes only the type (u8 at 16) says something.</summary>
    internal static WasiErrno FileStatus(in WasiCall call)
    {
        if (!call.State.IsOpen(call.Argument(0))) return WasiErrno.BadDescriptor;
        if (!call.TrySlice(call.Argument(1), 64, out var status)) return WasiErrno.Fault;
        status.Clear();
        status[16] = CharacterDevice;
        return WasiErrno.Success;
    }

    private static WasiErrno Vectors(in WasiCall call, out ReadOnlySpan<byte> vectors)
    {
        vectors = default;
        uint count = call.Argument(2);
        if (count > MaximumVectors) return WasiErrno.InvalidArgument;
        return call.TryRead(call.Argument(1), count * VectorSize, out vectors) ? WasiErrno.Success : WasiErrno.Fault;
    }

    // The whole vector must be inside, also when only its beginning is used.
    private static bool TrySliceVector(in WasiCall call, ReadOnlySpan<byte> vectors, uint maximumBytes, out Span<byte> bytes)
    {
        uint address = BinaryPrimitives.ReadUInt32LittleEndian(vectors);
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(vectors[sizeof(uint)..]);
        bytes = default;
        if (length == 0) return true;

        // A span cannot be longer than an int: a longer vector is checked at both ends.
        uint usedLength = Math.Min(length, maximumBytes);
        if (!call.TrySlice(address, usedLength, out bytes)) return false;
        return usedLength == length || (address <= uint.MaxValue - (length - 1) && call.TrySlice(address + (length - 1), 1, out _));
    }
}
