// The body of a response on an HTTP/2 stream, between the connection that reads frames and the exchange that takes bytes. What waits here is
// bounded by the window: it opens only as bytes are taken.

using Bimetal.Gateway.Http1;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Upstreams.Http2;

/// <summary>Used by one loop; one read at a time.</summary>
internal sealed class ResponseInput(Http2UpstreamConnection connection, int stream)
{
    private byte[] _waiting = [];
    private byte[] _taken = [];
    private int _waitingBytes;
    private int _owed;
    private long? _announced;
    private long _received;
    private bool _isCancelled;
    private bool _hasBody;
    private Exception? _error;
    private List<HeaderField> _trailers = [];
    private TaskCompletionSource? _arrival;

    /// <summary>The whole response has come.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Known length of the body, or null.</summary>
    public long? Length => _hasBody ? _announced : 0;

    /// <summary>The headers have come; gives what is wrong with them, or null.</summary>
    public string? Begin(List<HeaderField> fields, bool hasNoBody)
    {
        _hasBody = !hasNoBody;
        foreach (var field in fields)
        {
            if (FieldKinds.Of(field.Name.Span) != FieldKind.ContentLength) continue;
            var digits = field.Value.Span;
            if (_announced is not null || digits.Length is 0 or > 18 || digits.ContainsAnyExceptInRange((byte)'0', (byte)'9')) return "a content-length that is not one number";
            _announced = long.Parse(digits, System.Globalization.NumberStyles.None, null);
        }

        return null;
    }

    /// <summary>Takes bytes in; gives what is wrong with them, or null.</summary>
    public string? Add(ReadOnlySpan<byte> data)
    {
        if (IsOver) return "data behind the end";
        if (data.IsEmpty) return null;
        _received += data.Length;
        if (!_hasBody || _received > _announced) return "a body that is longer than announced";
        if (_waitingBytes + data.Length > Http2UpstreamConnection.StreamWindowBytes) return "more data than we allowed";
        if (_waiting.Length < _waitingBytes + data.Length) Array.Resize(ref _waiting, Math.Max(_waitingBytes + data.Length, Math.Max(4096, _waiting.Length * 2)));
        data.CopyTo(_waiting.AsSpan(_waitingBytes));
        _waitingBytes += data.Length;
        Wake();
        return null;
    }

    public void End(List<HeaderField> trailers)
    {
        if (IsOver) return;
        if (_hasBody && _announced is { } announced && announced != _received) _error ??= new IOException("the body is shorter than announced");
        _trailers = trailers;
        IsOver = true;
        Wake();
    }

    public void Fail(Exception reason)
    {
        if (IsOver) return;
        _error ??= reason;
        Wake();
    }

    public async ValueTask<BodyPiece> ReadAsync()
    {
        CreditTaken();
        while (true)
        {
            if (_isCancelled) throw new OperationCanceledException();

            // The last announced byte waits for the end of the stream, so that trailers come with it.
            if (_waitingBytes > 0 && (IsOver || _error is not null || _received != _announced)) return Take();
            if (_error is not null) throw _error is IOException ? _error : new IOException(_error.Message, _error);
            if (IsOver) return BodyPiece.End;
            _arrival = new TaskCompletionSource();
            await _arrival.Task;
        }
    }

    public void CancelRead()
    {
        _isCancelled = true;
        Wake();
    }

    public bool ReadTrailers(HeaderMap trailers)
    {
        foreach (var field in _trailers)
        {
            if (FieldKinds.Of(field.Name.Span) == FieldKind.Ordinary) trailers.Add(field.Name, field.Value);
        }

        return _trailers.Count > 0;
    }

    /// <summary>Nobody reads any more: what waits here is given back to the connection.</summary>
    public void Drop()
    {
        if (_owed + _waitingBytes > 0) connection.Credit(stream, _owed + _waitingBytes, 0);
        _owed = _waitingBytes = 0;
        _waiting = _taken = [];
    }

    // Two buffers in turn: the bytes of a piece stay until the next read, while new ones arrive.
    private BodyPiece Take()
    {
        (_waiting, _taken) = (_taken, _waiting);
        _owed = _waitingBytes;
        _waitingBytes = 0;
        return new BodyPiece(_taken.AsMemory(0, _owed), IsEnd: IsOver && _error is null);
    }

    private void CreditTaken()
    {
        if (_owed == 0) return;
        connection.Credit(stream, _owed, IsOver ? 0 : _owed);
        _owed = 0;
    }

    private void Wake()
    {
        var arrival = _arrival;
        _arrival = null;
        arrival?.TrySetResult();
    }
}
