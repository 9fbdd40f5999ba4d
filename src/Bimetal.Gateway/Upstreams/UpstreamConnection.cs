// One HTTP/1.1 connection to an upstream.

using Bimetal.Gateway.Http1;
using Bimetal.Gateway.Transport;

namespace Bimetal.Gateway.Upstreams;

/// <summary>Used by the thread of its loop; one request at a time.</summary>
internal sealed class UpstreamConnection : IChannelWatcher
{
    public UpstreamConnection(Channel channel)
    {
        Channel = channel;
        Input = new MessageInput(channel);
        Output = new MessageOutput(channel);
        CreatedAtMs = channel.Loop.NowMs;
        channel.Watcher = this;
    }

    public Channel Channel { get; }

    public MessageInput Input { get; }

    public MessageOutput Output { get; }

    public ResponseHead Head { get; } = new();

    public long CreatedAtMs { get; }

    public long IdleSinceMs { get; set; }

    /// <summary>Where it waits for a request; null while it has one.</summary>
    public ConnectionPool? Pool { get; set; }

    public void Close()
    {
        Pool = null;
        Channel.Close();
        Input.Dispose();
        Output.Dispose();
    }

    void IChannelWatcher.OnPeerClosed() => Pool?.Drop(this);

    void IChannelWatcher.OnUnexpectedData() => Pool?.Drop(this);
}
