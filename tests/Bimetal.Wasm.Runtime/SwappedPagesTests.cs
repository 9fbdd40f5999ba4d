// A page that one request wrote and the kernel swapped out is found by the reset like one in memory: nothing of it comes back in the next
// request.

using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Runtime.Tests;

public sealed partial class SwappedPagesTests
{
    private const int PageOut = 21;    // MADV_PAGEOUT
    private const int PageBytes = 4096;
    private const int MemoryBytes = 131_072;
    private const int GrownBytes = 65_536;

    private const string Text = """
        (module
          (memory (export "memory") 2 4)
          (data (i32.const 5000) "first")
          (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
        """;

    [Theory]
    [InlineData(RestoreMethod.Scan)]
    [InlineData(RestoreMethod.Pagemap)]
    public void Return_OfSwappedPages_LeavesNoByte(RestoreMethod method)
    {
        _ = TrapSupport.RestoreMethod;
        if (Shim.ForceRestoreMethod((int)method) != 0) Assert.Skip($"{method} is not available on this kernel");
        try
        {
            using var guest = new Guest(Text);
            using var snapshot = Snapshot.Take(guest.Instance);
            using var pool = new InstancePool(snapshot, 1);
            var instance = pool.TryRent()!;
            Guest.Call(instance, "grow", 1);
            Assert.True(instance.Memory!.TrySlice(0, MemoryBytes + GrownBytes, out var bytes));
            bytes.Fill(0x5A);
            if (SwapOut(bytes) == 0) Assert.Skip("nothing could be swapped out: there is no swap space here");
            pool.Return(instance);

            var next = pool.TryRent()!;
            Assert.Same(instance, next);
            Guest.Call(next, "grow", 1);
            Assert.True(next.Memory!.TrySlice(0, MemoryBytes + GrownBytes, out var after));
            Assert.Equal("first"u8, after.Slice(5000, 5));
            Assert.False(after[..5000].ContainsAnyExcept((byte)0));
            Assert.False(after[5005..].ContainsAnyExcept((byte)0));
        }
        finally
        {
            _ = Shim.ForceRestoreMethod((int)RestoreMethod.Scan);
        }
    }

    // Pages that the kernel has swapped out when asked to.
    private static unsafe int SwapOut(Span<byte> bytes)
    {
        fixed (byte* address = bytes)
        {
            if (Advise(address, (nuint)bytes.Length, PageOut) != 0) return 0;
            using var pagemap = new FileStream("/proc/self/pagemap", FileMode.Open, FileAccess.Read);
            pagemap.Position = (long)((nuint)address / PageBytes * 8);
            byte[] entries = new byte[bytes.Length / PageBytes * 8];
            pagemap.ReadExactly(entries);
            return Enumerable.Range(0, entries.Length / 8).Count(page => (BinaryPrimitives.ReadUInt64LittleEndian(entries.AsSpan(page * 8)) >> 62 & 1) != 0);
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static unsafe partial int Advise(byte* address, nuint lengthBytes, int advice);
}
