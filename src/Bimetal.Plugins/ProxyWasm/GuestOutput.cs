// What a guest prints (WASI fd_write) becomes log lines, as the ABI says: standard output at level info, standard error at error.

using Bimetal.Plugins.ProxyWasm.Functions;

namespace Bimetal.Plugins.ProxyWasm;

/// <summary>Puts printed bytes together to lines. One per stream and instance.</summary>
internal sealed class GuestOutput(WasmPlugin plugin, PluginLogLevel level)
{
    /// <summary>A line that is longer is cut into several.</summary>
    private const int MaximumLineBytes = 8192;

    /// <summary>
    /// After so many lines in one callback a line end no longer begins a new one: a write of a million line ends is one host call, which
    /// cannot be interrupted.
    /// </summary>
    private const int MaximumLinesPerCallback = 1024;

    private byte[] _line = [];
    private int _length;
    private int _lineCount;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int end = _lineCount < MaximumLinesPerCallback ? bytes.IndexOf((byte)'\n') : -1;
            var part = end < 0 ? bytes : bytes[..end];
            bytes = end < 0 ? default : bytes[(end + 1)..];
            Append(part);
            if (end >= 0) Flush();
        }
    }

    /// <summary>Writes what was printed without an end of line.</summary>
    public void FlushRest()
    {
        if (_length > 0) Flush();
        _lineCount = 0;
    }

    private void Append(ReadOnlySpan<byte> part)
    {
        if (_line.Length == 0) _line = new byte[MaximumLineBytes];
        while (part.Length > MaximumLineBytes - _length)
        {
            int room = MaximumLineBytes - _length;
            part[..room].CopyTo(_line.AsSpan(_length));
            _length = MaximumLineBytes;
            Flush();
            part = part[room..];
        }

        part.CopyTo(_line.AsSpan(_length));
        _length += part.Length;
    }

    private void Flush()
    {
        LogFunctions.Write(plugin, level, _line.AsSpan(0, _length));
        _length = 0;
        _lineCount++;
    }
}
