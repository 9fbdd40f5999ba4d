// Runs the published binary through ./bimetal, as a user would: arguments, output, exit code, signals; everything bounded in time.

using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Bimetal.Testing;

/// <summary>What a finished run of the command printed and returned.</summary>
public sealed record CommandResult(int ExitCode, string Output, string Error)
{
    public string All => Output + Error;
}

/// <summary>One run of the command. Dispose kills it when it still runs.</summary>
public sealed partial class BimetalProcess : IDisposable
{
    private const int SigHup = 1;
    private const int SigInt = 2;
    private const int SigTerm = 15;
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();
    private readonly object _gate = new();

    private BimetalProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Append(_output, line.Data);
        process.ErrorDataReceived += (_, line) => Append(_error, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    /// <summary>All that was printed until now, standard output first.</summary>
    public string Printed
    {
        get
        {
            lock (_gate) return _output.ToString() + _error;
        }
    }

    /// <param name="arguments">Arguments of the command.</param>
    /// <param name="workingFolder">Null: the root of the repository.</param>
    /// <param name="environment">Beside what is inherited.</param>
    /// <param name="addressSpaceKib">What `ulimit -v` is set to; null: nothing.</param>
    public static BimetalProcess Start(
        IEnumerable<string> arguments, string? workingFolder = null, IEnumerable<(string Name, string Value)>? environment = null, long? addressSpaceKib = null)
    {
        string[] limited = ["-c", $"ulimit -v {addressSpaceKib} && exec \"$@\"", "bash", Repository.Command, .. arguments];
        var start = new ProcessStartInfo(addressSpaceKib is null ? Repository.Command : "bash", addressSpaceKib is null ? arguments : limited)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = workingFolder ?? Repository.Root,
        };
        foreach (var (name, value) in environment ?? []) start.Environment[name] = value;
        var process = Process.Start(start) ?? throw new InvalidOperationException("cannot start " + Repository.Command);
        process.StandardInput.Close();
        return new BimetalProcess(process);
    }

    /// <summary>Runs to the end; throws when that takes longer than <paramref name="timeout"/> (default one minute).</summary>
    public static async Task<CommandResult> RunAsync(
        IEnumerable<string> arguments, string? workingFolder = null, TimeSpan? timeout = null, IEnumerable<(string Name, string Value)>? environment = null,
        long? addressSpaceKib = null)
    {
        using var process = Start(arguments, workingFolder, environment, addressSpaceKib);
        int exitCode = await process.WaitForExitAsync(timeout ?? TimeSpan.FromMinutes(1));
        lock (process._gate) return new CommandResult(exitCode, process._output.ToString(), process._error.ToString());
    }

    /// <summary>Waits until <paramref name="find"/> sees what it wants in the printed text; throws with that text when it does not come.</summary>
    public async Task<T> WaitForAsync<T>(Func<string, T?> find, TimeSpan? timeout = null)
        where T : class
    {
        var clock = Stopwatch.StartNew();
        var limit = timeout ?? TimeSpan.FromSeconds(30);
        while (clock.Elapsed < limit)
        {
            if (find(Printed) is { } found) return found;
            if (_process.HasExited) break;
            await Task.Delay(10);
        }

        throw new TimeoutException($"did not print what was waited for in {clock.Elapsed}; it printed:\n{Printed}");
    }

    /// <summary>Ends it as Ctrl-C does, and returns the exit code.</summary>
    public Task<int> InterruptAsync(TimeSpan? timeout = null) => SignalAsync(SigInt, timeout);

    public Task<int> TerminateAsync(TimeSpan? timeout = null) => SignalAsync(SigTerm, timeout);

    /// <summary>Asks it to read its configuration again.</summary>
    public void HangUp() => Send(SigHup);

    public async Task<int> WaitForExitAsync(TimeSpan timeout)
    {
        using var cancellation = new CancellationTokenSource(timeout);
        try
        {
            await _process.WaitForExitAsync(cancellation.Token);
        }
        catch (OperationCanceledException cancelled)
        {
            _process.Kill(entireProcessTree: true);
            throw new TimeoutException($"still running after {timeout}; it printed:\n{Printed}", cancelled);
        }

        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private async Task<int> SignalAsync(int signal, TimeSpan? timeout)
    {
        Send(signal);
        return await WaitForExitAsync(timeout ?? TimeSpan.FromSeconds(20));
    }

    private void Send(int signal)
    {
        if (!_process.HasExited && SendSignal(_process.Id, signal) != 0) throw new InvalidOperationException($"kill: errno {Marshal.GetLastPInvokeError()}");
    }

    private void Append(StringBuilder text, string? line)
    {
        if (line is null) return;
        lock (_gate) text.Append(line).Append('\n');
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int processId, int signal);
}
