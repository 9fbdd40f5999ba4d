// Waits until a sender has stopped because nobody takes more from it.

namespace Bimetal.Gateway.Tests.Support;

internal static class Standstill
{
    private const int Samples = 6;

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(200);

    /// <summary>A number that grows, once it has begun to and then stayed the same for more than a second. A machine that is busy can make that longer, never wrong for a sender that goes on to its end.</summary>
    public static async Task<long> OfAsync(Func<long> read)
    {
        long last = 0;
        for (int same = 0; same < Samples;)
        {
            await Task.Delay(s_pause, TestContext.Current.CancellationToken);
            long now = read();
            same = now == last && now > 0 ? same + 1 : 0;
            last = now;
        }

        return last;
    }
}
