// A waiter that tells a test.

using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Tests.Streams;

internal sealed class Told(Action<bool> told) : IStreamWaiter
{
    public void Continue(bool isRequest) => told(isRequest);
}
