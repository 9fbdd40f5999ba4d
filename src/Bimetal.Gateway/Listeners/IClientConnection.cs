// A client's connection as its listener sees it, whatever protocol it speaks.

namespace Bimetal.Gateway.Listeners;

/// <summary>Used by the thread of its loop.</summary>
internal interface IClientConnection
{
    /// <summary>Closes the connection if no request is under way; otherwise it ends with what is under way.</summary>
    void CloseIfIdle();

    /// <summary>Breaks it off now.</summary>
    void Abort();
}
