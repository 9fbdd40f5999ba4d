// The key of a WebSocket handshake (RFC 6455, section 4). Over HTTP/2 there is none, so the gateway makes one for an upstream that speaks HTTP/1.1,
// and checks the answer to it in place of the client.

using System.Security.Cryptography;
using System.Text;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Listeners.Http2;

internal sealed class WebSocketKey
{
    private readonly string _key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));

    /// <summary>In place of whatever the client sent in this field.</summary>
    public void AddTo(HeaderMap request)
    {
        request.Remove("sec-websocket-key"u8);
        request.Add("sec-websocket-key"u8.ToArray(), FieldText.ValueBytes(_key));
    }

    /// <summary>Takes the upstream's answer out of its fields.</summary>
    /// <exception cref="GatewayException">It is not the answer to this key: somebody agreed to what it did not understand.</exception>
    public void TakeFrom(HeaderMap response)
    {
#pragma warning disable CA5350 // The handshake has SHA-1 in it; nothing is protected by it.
        byte[] hash = SHA1.HashData(Encoding.ASCII.GetBytes(_key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
#pragma warning restore CA5350
        bool isAnswered = response.TryGet("sec-websocket-accept"u8, out var accept) && FieldText.Text(accept) == Convert.ToBase64String(hash);
        if (!isAnswered) throw new GatewayException(new GatewayError(ErrorPhase.ResponseHeaders, ErrorSide.Upstream, ErrorCause.Malformed, Retryable: false, "sec-websocket-accept does not fit the key"));
        response.Remove("sec-websocket-accept"u8);
    }
}
