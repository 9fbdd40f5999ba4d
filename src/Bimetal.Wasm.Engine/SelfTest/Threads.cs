// Threads of the self-test whose failures reach the check that started them.

using System.Runtime.ExceptionServices;

namespace Bimetal.Wasm.Engine;

internal static class Threads
{
    /// <summary>Runs work on a thread of its own; <paramref name="stackBytes"/> 0 is the system's default.</summary>
    public static void Run(int stackBytes, Action work)
    {
        var failure = Start(stackBytes, work);
        failure().Join();
    }

    /// <summary>Runs the same work on several threads and waits for all.</summary>
    public static void RunAll(int threadCount, Action work)
    {
        var running = Enumerable.Range(0, threadCount).Select(_ => Start(0, work)).ToList();
        foreach (var thread in running) thread().Join();
    }

    // The result waits for the thread and hands out its failure.
    private static Func<Waiter> Start(int stackBytes, Action work)
    {
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(
            () =>
            {
                try
                {
                    work();
                }
                catch (Exception exception)
                {
                    failure = ExceptionDispatchInfo.Capture(exception);
                }
            },
            stackBytes);
        thread.Start();
        return () => new Waiter(thread, () => failure?.Throw());
    }

    private sealed record Waiter(Thread Thread, Action ThrowFailure)
    {
        public void Join()
        {
            Thread.Join();
            ThrowFailure();
        }
    }
}
