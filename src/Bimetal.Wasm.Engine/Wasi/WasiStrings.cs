// args_* and environ_*: two lists of strings that end with a zero byte.

using System.Text;

namespace Bimetal.Wasm.Engine.Wasi;

internal static class WasiStrings
{
    /// <summary>[count address, size address].</summary>
    internal static WasiErrno Sizes(in WasiCall call, IReadOnlyList<string> strings)
    {
        uint sizeBytes = 0;
        foreach (string text in strings) sizeBytes += (uint)Encoding.UTF8.GetByteCount(text) + 1;
        return call.TryWrite(call.Argument(0), (uint)strings.Count) && call.TryWrite(call.Argument(1), sizeBytes) ? WasiErrno.Success : WasiErrno.Fault;
    }

    /// <summary>[address of the array of pointers, address of the bytes]. The guest has made room for what Sizes said.</summary>
    internal static WasiErrno Get(in WasiCall call, IReadOnlyList<string> strings)
    {
        uint pointer = call.Argument(0);
        uint text = call.Argument(1);
        foreach (string entry in strings)
        {
            byte[] bytes = [.. Encoding.UTF8.GetBytes(entry), 0];
            if (!call.TryWrite(pointer, text) || !call.TrySlice(text, (uint)bytes.Length, out var target)) return WasiErrno.Fault;
            bytes.CopyTo(target);
            pointer = unchecked(pointer + sizeof(uint));
            text = unchecked(text + (uint)bytes.Length);
        }

        return WasiErrno.Success;
    }
}
