// Whether code that marks its writes has marked them all: what a memory holds is compared with what it held, behind each call that ended well.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Fuzz.Running;

/// <summary>Follows the marks of one memory.</summary>
internal sealed class MarkCheck(GuestMemory memory)
{
    // A write of up to 16 bytes is marked where it begins.
    private const int Spill = WriteMarks.ReachBytes + 15;

    private byte[] _before = [];

    /// <summary>Takes all marks away; what changes from now on must be marked.</summary>
    internal unsafe void Begin()
    {
        memory.TryRead(0, (uint)memory.LengthBytes, out var bytes);
        _before = bytes.ToArray();
        if (bytes.IsEmpty) return;
        fixed (byte* start = bytes) MarksAt(start, bytes.Length).Clear();
    }

    /// <summary>The first address that was written and not marked; -1 without one.</summary>
    internal unsafe long FindUnmarked()
    {
        memory.TryRead(0, (uint)memory.LengthBytes, out var bytes);
        if (bytes.IsEmpty) return -1;
        fixed (byte* start = bytes)
        {
            var marks = MarksAt(start, bytes.Length);
            for (int granule = 0; granule < marks.Length; granule++)
            {
                if (marks[granule] != 0) continue;
                int from = granule << WriteMarks.GranuleShift, to = from + WriteMarks.GranuleBytes;
                if (granule > 0 && marks[granule - 1] != 0) from += Spill;
                for (int address = from; address < to; address++)
                {
                    if (bytes[address] != (address < _before.Length ? _before[address] : 0)) return address;
                }
            }
        }

        return -1;
    }

    // SAFETY: a memory has a mark for each granule, in front of its base.
    private static unsafe Span<byte> MarksAt(byte* start, int lengthBytes) => new(start - WriteMarks.SizeBytes, lengthBytes >> WriteMarks.GranuleShift);
}
