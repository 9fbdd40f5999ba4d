// One HTTP/1.1 connection of a client: reads a head, runs the exchange, goes on with the next request; closes when one of the two sides
// wants to, when nothing comes, or when it is not certain where the next request begins.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Http1;
using Bimetal.Gateway.Limits;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Transport;

namespace Bimetal.Gateway.Listeners;

/// <summary>Used by the thread of its loop.</summary>
internal sealed class Http1Connection : IClientConnection, IChannelWatcher
{
    private readonly TrafficServer _server;
    private readonly Http1Exchange _exchange;
    private readonly CallbackDeadline _deadline;
    private bool _isIdle = true;
    private bool _isFirst = true;
    private byte[]? _preface;
    private bool _isLate;

    public Http1Connection(TrafficServer server, Channel channel, ClientArrival arrival)
    {
        _server = server;
        Channel = channel;
        Arrival = arrival;
        Input = new MessageInput(channel);
        Output = new MessageOutput(channel);
        _exchange = new Http1Exchange(this);
        _deadline = new CallbackDeadline(OnLate);
        channel.Watcher = this;
        channel.Loop.Add(_deadline, isCoarse: true);
    }

    public Channel Channel { get; }

    public RequestHead Head { get; } = new();

    public MessageInput Input { get; }

    public MessageOutput Output { get; }

    public ClientArrival Arrival { get; }

    /// <summary>Null: the connection is not encrypted.</summary>
    public TlsFacts? Tls => Arrival.Tls;

    public ListenerLimits Limits => Arrival.Model.Limits;

    /// <summary>Of the exchange that is under way: told when the client goes away.</summary>
    public ExchangeClock? Clock { get; set; }

    /// <summary>The gateway stops: this request is the last one.</summary>
    public bool IsDraining => _server.IsDraining;

    /// <summary>Serves requests until the connection ends. Never throws.</summary>
    /// <returns>Null when it has ended; what came so far when the client speaks HTTP/2 and the listener does as well.</returns>
    public async Task<byte[]?> RunAsync()
    {
        try
        {
            while (await ServeOneAsync())
            {
                Output.Dispose();
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // The client is gone, or came too late.
        }

        _deadline.Leave();
        if (_preface is null) Channel.Close();
        else Channel.Watcher = null;
        Input.Dispose();
        Output.Dispose();
        return _preface;
    }

    /// <summary>Closes the connection if no request is under way.</summary>
    public void CloseIfIdle()
    {
        if (_isIdle) Channel.Close();
    }

    public void Abort()
    {
        Clock?.ClientGone();
        Channel.Abort();
    }

    void IChannelWatcher.OnPeerClosed() => Clock?.ClientGone();

    void IChannelWatcher.OnUnexpectedData()
    {
        // The next request; it waits until this one is answered.
    }

    private async LoopTask<bool> ServeOneAsync()
    {
        if (!await WaitForRequestAsync()) return false;
        var problem = await ReadHeadAsync();
        _deadline.Clear();
        if (problem == ExchangeErrors.ClientGone || _preface is not null) return false;
        _isFirst = false;
        _exchange.Begin(problem);
        if (_server.TryBegin(_exchange) is not { } exchange) return false;
        await exchange.RunAsync();
        exchange.Dispose();
        if (Channel.IsClosed) return false;
        if (Input.IsBodyOver && _exchange.KeepsConnection) return true;
        return await TakeRestAsync();
    }

    private async LoopTask<bool> WaitForRequestAsync()
    {
        if (Input.HasBuffered) return !IsDraining;
        Input.ReleaseIdle();
        _isIdle = true;
        if (IsDraining) return false;
        _deadline.Set(Channel.Loop.NowMs + (long)Limits.IdleTimeout.TotalMilliseconds);
        if (await Channel.WaitReadableAsync() < 0) return false;
        _isIdle = false;
        return true;
    }

    /// <summary>Null when a head came and can be passed on.</summary>
    private async LoopTask<GatewayError?> ReadHeadAsync()
    {
        _deadline.Set(Channel.Loop.NowMs + (long)Limits.HeaderTimeout.TotalMilliseconds);
        try
        {
            var bytes = await Input.ReadHeadAsync(Limits.HeaderBytes);
            if (bytes.IsEmpty) return ExchangeErrors.ClientGone;
            if (_isFirst && IsPreface(bytes.Span)) return null;
            return Head.Parse(bytes, Limits.HeaderCount) is { } problem ? ExchangeErrors.OfHead(problem) : null;
        }
        catch (MessageFormatException exception)
        {
            return ExchangeErrors.OfHead(new HeadProblem(exception.Status, exception.Message));
        }
        catch (OperationCanceledException) when (_isLate)
        {
            return ExchangeErrors.RequestHeadersTimeout;
        }
    }

    // The first half of what a client of HTTP/2 sends first looks like a head (RFC 9113, section 3.4). It counts at the beginning only.
    private bool IsPreface(ReadOnlySpan<byte> head)
    {
        if (Arrival.Model.Http2 is null || !head.SequenceEqual("PRI * HTTP/2.0\r\n\r\n"u8)) return false;
        _preface = [.. head, .. Input.Buffered.Span];
        return true;
    }

    // An answer that came before the end of the request: what is left of the body is dropped, if it is not too much; otherwise the client
    // is given a moment to read the answer before the connection goes, which would take the answer with it.
    private async ValueTask<bool> TakeRestAsync()
    {
        _isLate = false;
        _deadline.Set(Channel.Loop.NowMs + (long)GatewayLimits.Linger.TotalMilliseconds);
        if (_exchange.KeepsConnection && !_exchange.IsBodyInDoubt && await DropBodyAsync()) return !IsDraining;
        await Channel.ShutdownAsync();
        byte[] buffer = Channel.Loop.Buffers.Rent(BufferPool.SmallBytes);
        try
        {
            for (int dropped = 0; dropped < GatewayLimits.DroppedBytes;)
            {
                int count = await Channel.ReadAsync(buffer);
                if (count <= 0) break;
                dropped += count;
            }
        }
        finally
        {
            Channel.Loop.Buffers.Return(buffer);
        }

        return false;
    }

    private async ValueTask<bool> DropBodyAsync()
    {
        try
        {
            long dropped = 0;
            while (!Input.IsBodyOver && dropped < GatewayLimits.DroppedBytes) dropped += (await Input.ReadBodyAsync()).Data.Length;
            _deadline.Clear();
            return Input.IsBodyOver;
        }
        catch (Exception exception) when (exception is MessageFormatException or OperationCanceledException)
        {
            return false;
        }
    }

    private void OnLate()
    {
        _isLate = true;
        if (_isIdle) Channel.Close();
        else Channel.CancelRead();
    }
}
