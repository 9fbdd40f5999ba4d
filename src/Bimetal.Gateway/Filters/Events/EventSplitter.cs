// Cuts a body that comes in chunks into events: lines of NDJSON, or the data of server-sent events (HTML standard, section 9.2.6). It keeps one
// unfinished line and one unfinished event, both bounded.

using System.Buffers;

namespace Bimetal.Gateway.Filters.Events;

/// <summary>Takes what was cut out.</summary>
internal interface IEventTaker
{
    void TakeEvent(ReadOnlySpan<byte> json);

    /// <summary>An event that was longer than allowed.</summary>
    void TakeOverlong();

    /// <summary>A comment, which keeps connections alive.</summary>
    void TakeComment();
}

/// <summary>Of one body. What it gives does not depend on how the body is cut into chunks.</summary>
internal sealed class EventSplitter(bool isSse, int maximumBytes, IEventTaker taker)
{
    private static readonly SearchValues<byte> LineEnds = SearchValues.Create("\r\n"u8);

    private readonly ArrayBufferWriter<byte> _line = new(256);
    private readonly ArrayBufferWriter<byte> _data = new(256);
    private bool _isLineOverlong;
    private bool _isDataOverlong;
    private bool _hasData;
    private bool _wasReturn;
    private bool _isFirstLine = true;

    public void Take(ReadOnlySpan<byte> chunk)
    {
        while (!chunk.IsEmpty)
        {
            // The second half of a line end whose first half was the last byte of a line.
            if (_wasReturn && chunk[0] == '\n')
            {
                _wasReturn = false;
                chunk = chunk[1..];
                continue;
            }

            _wasReturn = false;
            int end = isSse ? chunk.IndexOfAny(LineEnds) : chunk.IndexOf((byte)'\n');
            if (end < 0)
            {
                Keep(chunk);
                return;
            }

            Keep(chunk[..end]);
            _wasReturn = isSse && chunk[end] == '\r';
            chunk = chunk[(end + 1)..];
            EndLine();
        }
    }

    /// <summary>The body is over. A last line of NDJSON needs no line end; an event that no empty line ended is dropped, as the standard says.</summary>
    public void End()
    {
        if (!isSse && (_line.WrittenCount > 0 || _isLineOverlong)) EndLine();
    }

    private void Keep(ReadOnlySpan<byte> part)
    {
        if (_isLineOverlong || part.IsEmpty) return;
        if (part.Length > maximumBytes - _line.WrittenCount)
        {
            _isLineOverlong = true;
            _line.ResetWrittenCount();
            return;
        }

        _line.Write(part);
    }

    private void EndLine()
    {
        var line = _line.WrittenSpan;
        if (_isFirstLine && line.StartsWith("\uFEFF"u8)) line = line[3..];
        _isFirstLine = false;
        if (isSse) TakeField(line);
        else if (_isLineOverlong) taker.TakeOverlong();
        else if (!line.Trim(" \t\r"u8).IsEmpty) taker.TakeEvent(line);
        _line.ResetWrittenCount();
        _isLineOverlong = false;
    }

    private void TakeField(ReadOnlySpan<byte> line)
    {
        if (_isLineOverlong)
        {
            // Whatever field it was: nobody reads so long a one but as data.
            (_hasData, _isDataOverlong) = (true, true);
            return;
        }

        if (line.IsEmpty)
        {
            if (_hasData && _isDataOverlong) taker.TakeOverlong();
            else if (_hasData) taker.TakeEvent(_data.WrittenSpan);
            (_hasData, _isDataOverlong) = (false, false);
            _data.ResetWrittenCount();
            return;
        }

        if (line[0] == ':')
        {
            taker.TakeComment();
            return;
        }

        int colon = line.IndexOf((byte)':');
        var name = colon < 0 ? line : line[..colon];
        if (!name.SequenceEqual("data"u8)) return;
        var value = colon < 0 ? [] : line[(colon + 1)..];
        if (value.StartsWith(" "u8)) value = value[1..];
        if (_hasData) AddData("\n"u8);
        _hasData = true;
        AddData(value);
    }

    private void AddData(ReadOnlySpan<byte> part)
    {
        _isDataOverlong |= part.Length > maximumBytes - _data.WrittenCount;
        if (!_isDataOverlong) _data.Write(part);
    }
}
