// .NET's own WebSocket on both ends: an upstream that sends every message back, and a client that checks it.

using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;

namespace Bimetal.Gateway.Tests.Support;

internal static class WebSocketEcho
{
    private const int MaximumBytes = 1 << 20;

    /// <summary>The answer to a key.</summary>
    public static string Accept(string key)
    {
#pragma warning disable CA5350 // WebSocket's handshake (RFC 6455) has SHA-1 in it; nothing is protected by it.
        return Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
    }

    /// <summary>Agrees to the upgrade, and answers until the client closes.</summary>
    public static async Task ServeAsync(UpstreamCall call)
    {
        await call.WriteAsync($"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: {Accept(call.Head["sec-websocket-key"]!)}\r\n\r\n");
        using var socket = WebSocket.CreateFromStream(call.Connection, new WebSocketCreationOptions { IsServer = true });
        byte[] buffer = new byte[MaximumBytes];
        while (true)
        {
            var result = await socket.ReceiveAsync(buffer.AsMemory(), call.Cancellation);
            if (result.MessageType == WebSocketMessageType.Close) break;
            await socket.SendAsync(buffer.AsMemory(0, result.Count), result.MessageType, result.EndOfMessage, call.Cancellation);
        }

        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "done", call.Cancellation);
    }

    /// <summary>Sends messages of several lengths, checks what comes back, and closes.</summary>
    public static async Task TryAsync(ClientWebSocket client, CancellationToken cancellation)
    {
        byte[] buffer = new byte[MaximumBytes];
        foreach (int length in (int[])[1, 5, 70_000, 300_000])
        {
            byte[] message = RandomNumberGenerator.GetBytes(length);
            await client.SendAsync(message.AsMemory(), WebSocketMessageType.Binary, endOfMessage: true, cancellation);
            int received = 0;
            ValueWebSocketReceiveResult result;
            do
            {
                result = await client.ReceiveAsync(buffer.AsMemory(received), cancellation);
                received += result.Count;
            }
            while (!result.EndOfMessage);
            Assert.Equal(message, buffer.AsSpan(0, received).ToArray());
        }

        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", cancellation);
    }
}
