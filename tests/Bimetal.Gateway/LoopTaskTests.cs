// Asynchronous methods of a loop: results, failures, where they go on, and that what is used again belongs to one call at a time.

using Bimetal.Gateway.Transport;
using Xunit;

namespace Bimetal.Gateway.Tests;

public sealed class LoopTaskTests : IDisposable
{
    private static readonly AsyncLocal<string?> s_ambient = new();
    private readonly EventLoop _loop = new(0);

    public void Dispose() => _loop.Dispose();

    [Fact]
    public Task Method_ThatDoesNotWait_HasItsResult() => _loop.RunAsync(async () =>
    {
        Assert.Equal(8, await DoubleAsync(default, 4));
        Assert.Equal("negative", (await Assert.ThrowsAsync<InvalidDataException>(async () => await DoubleAsync(default, -1))).Message);
    });

    [Fact]
    public Task Method_ThatWaits_GoesOnWhereTheSignalCame() => _loop.RunAsync(async () =>
    {
        for (int count = 0; count < 3; count++)
        {
            var signal = new LoopSignal();
            int result = 0;
            var running = RunAsync(async () => result = await DoubleAsync(signal.Wait(), 4));
            Assert.False(running.IsCompleted);
            signal.Complete(1);

            // At once: nothing was posted to the loop.
            Assert.Equal(9, result);
            await running;
            Assert.True(_loop.IsCurrent);
        }
    });

    [Fact]
    public Task Method_ThatWaitsElsewhere_ComesBackToTheLoop() => _loop.RunAsync(async () =>
    {
        var elsewhere = Task.Run(async () =>
        {
            await Task.Delay(1);
            return 1;
        });
        Assert.Equal(9, await DoubleAsync(new ValueTask<int>(elsewhere), 4));
        Assert.True(_loop.IsCurrent);
    });

    [Fact]
    public Task Failure_AfterWaiting_ReachesTheAwaiter() => _loop.RunAsync(async () =>
    {
        var signal = new LoopSignal();
        var running = RunAsync(async () => await DoubleAsync(signal.Wait(), 4));
        signal.Fail(new IOException("broken"));
        Assert.Equal("broken", (await Assert.ThrowsAsync<IOException>(() => running)).Message);
    });

    [Fact]
    public Task Methods_AtTheSameTime_DoNotShareTheirVariables() => _loop.RunAsync(async () =>
    {
        LoopSignal[] signals = [.. Enumerable.Range(0, 200).Select(_ => new LoopSignal())];
        for (int round = 0; round < 3; round++)
        {
            int[] results = new int[signals.Length];
            Task[] running = [.. signals.Select((signal, index) => RunAsync(async () => results[index] = await DoubleAsync(signal.Wait(), index)))];
            for (int index = signals.Length - 1; index >= 0; index--) signals[index].Complete(1);
            await Task.WhenAll(running);
            Assert.Equal(Enumerable.Range(0, signals.Length).Select(index => (index * 2) + 1), results);
        }
    });

    [Fact]
    public Task AmbientValues_StayWithTheirMethod() => _loop.RunAsync(async () =>
    {
        var (one, other) = (new LoopSignal(), new LoopSignal());
        string? ofOne = null, ofOther = null;
        var running = Task.WhenAll(RunAsync(async () => ofOne = await AmbientAsync("one", one)), RunAsync(async () => ofOther = await AmbientAsync("other", other)));
        Assert.Null(s_ambient.Value);
        one.Complete(0);
        Assert.Null(s_ambient.Value);
        other.Complete(0);
        await running;
        Assert.Equal(("one", "other"), (ofOne, ofOther));
    });

    [Fact]
    public Task Task_AwaitedTwice_IsRefused() => _loop.RunAsync(async () =>
    {
        var signal = new LoopSignal();
        var task = DoubleAsync(signal.Wait(), 1);
        signal.Complete(0);
        Assert.Equal(2, await task);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await task);
    });

    [Fact]
    public Task Method_ThatWaitsAgainAndAgain_AllocatesNothing() => _loop.RunAsync(() =>
    {
        var signal = new LoopSignal();
        for (int warmUp = 0; warmUp < 2; warmUp++) Turn(signal);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int count = 0; count < 1000; count++) Turn(signal);

        // Debug builds make the variables of an asynchronous method an object: two of them here.
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 1000, 0, 150);
        return Task.CompletedTask;

        static void Turn(LoopSignal signal)
        {
            var awaiter = OuterAsync(signal).GetAwaiter();
            signal.Complete(1);
            awaiter.GetResult();
        }
    });

    private static async LoopTask<int> DoubleAsync(ValueTask<int> more, int number)
    {
        if (number < 0) throw new InvalidDataException("negative");
        return (number * 2) + await more;
    }

    private static async LoopTask OuterAsync(LoopSignal signal) => await DoubleAsync(signal.Wait(), 3);

    private static async LoopTask<string?> AmbientAsync(string value, LoopSignal signal)
    {
        s_ambient.Value = value;
        await signal.Wait();
        return s_ambient.Value;
    }

    private static Task RunAsync(Func<Task> function) => function();
}
