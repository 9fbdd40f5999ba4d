// Who waits for a stream that a plugin holds: a step of the gateway's chain, or a driver of cases.

namespace Bimetal.Plugins.Streams;

/// <summary>Is told that a stream may go on without a further callback. An interface and not a delegate: it costs a request no object of its own.</summary>
public interface IStreamWaiter
{
    /// <summary>
    /// Something happened to a direction that was held (true for the request): it may go on, or was answered, or failed. Called on any thread;
    /// returns at once and does not call into the plugin.
    /// </summary>
    void Continue(bool isRequest);
}
