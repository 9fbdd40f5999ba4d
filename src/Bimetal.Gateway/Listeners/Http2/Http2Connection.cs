// A client's connection that speaks HTTP/2, between our channel and Kestrel: two pumps on the connection's loop, with pipes in between that
// make each side wait for the other.

using System.IO.Pipelines;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Bimetal.Gateway.Limits;
using Bimetal.Gateway.Transport;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Bimetal.Gateway.Listeners.Http2;

/// <summary>What Kestrel calls comes on its threads; everything else is used by the thread of the loop.</summary>
internal sealed class Http2Connection : DefaultConnectionContext, IClientConnection
{
    private const int ReadBytes = 16 << 10;

    private static readonly PipeOptions s_inbound = new(pauseWriterThreshold: GatewayLimits.RequestReadAheadBytes, resumeWriterThreshold: GatewayLimits.RequestReadAheadBytes / 2);
    private static readonly PipeOptions s_outbound = new(pauseWriterThreshold: GatewayLimits.ResponseWriteBehindBytes, resumeWriterThreshold: GatewayLimits.ResponseWriteBehindBytes / 2);

    private readonly Bimetal.Gateway.Transport.Channel _channel;
    private readonly Pipe _in = new(s_inbound);
    private readonly Pipe _out = new(s_outbound);
    private readonly CallbackDeadline _writeLimit;
    private readonly long _writeLimitMs;

    public Http2Connection(Bimetal.Gateway.Transport.Channel channel, ClientArrival arrival)
        : base(arrival.ConnectionId.ToString())
    {
        _channel = channel;
        _writeLimit = new CallbackDeadline(End);
        _writeLimitMs = (long)arrival.Model.Limits.IdleTimeout.TotalMilliseconds;
        Transport = new Ends(_in.Reader, _out.Writer);
        LocalEndPoint = arrival.Destination;
        RemoteEndPoint = arrival.Source;
        Features.Set(arrival);
        if (arrival.Tls is { } tls) SetTls(tls);
    }

    /// <summary>Moves bytes until the connection ends on one side. Never throws.</summary>
    public async Task RunAsync(ReadOnlyMemory<byte> begun)
    {
        _channel.Loop.Add(_writeLimit, isCoarse: true);
        var receiving = ReceiveAsync(begun);
        await SendAsync();
        _writeLimit.Leave();
        _channel.Close();

        // Kestrel may have stopped to read.
        _in.Writer.CancelPendingFlush();
        await receiving;
    }

    /// <summary>Says GOAWAY; streams that are open end as they would have.</summary>
    public void CloseIfIdle()
    {
        if (Features.Get<IConnectionLifetimeNotificationFeature>() is { } lifetime) lifetime.RequestClose();
        else _channel.Close();
    }

    void IClientConnection.Abort() => _channel.Abort();

    public override void Abort(ConnectionAbortedException abortReason)
    {
        // Not the base's way: it cancels on another thread, maybe after the connection was disposed.
        _channel.Loop.Post(static connection => ((Http2Connection)connection!).End(), this);
    }

    public override async ValueTask DisposeAsync()
    {
        await Transport.Input.CompleteAsync();
        await Transport.Output.CompleteAsync();
        await base.DisposeAsync();
    }

    // Both pumps end, whether Kestrel says another word or not: having given up a connection, it can wait for streams of it that never end.
    private void End()
    {
        _channel.Abort();
        _out.Reader.CancelPendingRead();
    }

    private async Task ReceiveAsync(ReadOnlyMemory<byte> begun)
    {
        var writer = _in.Writer;
        Exception? error = null;
        try
        {
            var flushed = await writer.WriteAsync(begun);
            while (!flushed.IsCompleted && !flushed.IsCanceled)
            {
                // An idle connection holds no buffer.
                await _channel.WaitReadableAsync();
                int count = await _channel.ReadAsync(writer.GetMemory(ReadBytes));
                if (count <= 0) break;
                writer.Advance(count);
                flushed = await writer.FlushAsync();
            }
        }
        catch (IOException exception)
        {
            error = new ConnectionResetException(exception.Message, exception);
        }

        await writer.CompleteAsync(error);
    }

    private async Task SendAsync()
    {
        var reader = _out.Reader;
        try
        {
            while (true)
            {
                var read = await reader.ReadAsync();
                foreach (var piece in read.Buffer) await WriteAsync(piece);
                _writeLimit.Clear();
                reader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted || read.IsCanceled) break;
            }

            await _channel.ShutdownAsync();
        }
        catch (IOException)
        {
            // The client is gone, which the other pump tells Kestrel.
        }

        await reader.CompleteAsync();
    }

    // A client that asks, and takes no byte of an answer, would keep its connection for ever otherwise: Kestrel waits for it, and does not look at the time.
    private ValueTask WriteAsync(ReadOnlyMemory<byte> piece)
    {
        _writeLimit.Clear();
        var writing = _channel.WriteAsync(piece);
        if (!writing.IsCompleted) _writeLimit.Set(_channel.Loop.NowMs + _writeLimitMs);
        return writing;
    }

    private void SetTls(TlsFacts tls)
    {
        var feature = new TlsFeature(tls);
        Features.Set<ITlsConnectionFeature>(feature);
        Features.Set<ITlsHandshakeFeature>(feature);
        Features.Set<ITlsApplicationProtocolFeature>(feature);
    }

    private sealed class Ends(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }

    /// <summary>That there is TLS, in the words in which Kestrel asks for it.</summary>
    private sealed class TlsFeature(TlsFacts tls) : ITlsConnectionFeature, ITlsHandshakeFeature, ITlsApplicationProtocolFeature
    {
        public X509Certificate2? ClientCertificate { get; set; }

        public SslProtocols Protocol => tls.Version == "TLSv1.3" ? SslProtocols.Tls13 : SslProtocols.Tls12;

        public ReadOnlyMemory<byte> ApplicationProtocol { get; } = "h2"u8.ToArray();

#pragma warning disable SYSLIB0058 // The interface still has them; nobody asks.
        public CipherAlgorithmType CipherAlgorithm => CipherAlgorithmType.None;

        public int CipherStrength => 0;

        public HashAlgorithmType HashAlgorithm => HashAlgorithmType.None;

        public int HashStrength => 0;

        public ExchangeAlgorithmType KeyExchangeAlgorithm => ExchangeAlgorithmType.None;

        public int KeyExchangeStrength => 0;
#pragma warning restore SYSLIB0058

        public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult<X509Certificate2?>(null);
    }
}
