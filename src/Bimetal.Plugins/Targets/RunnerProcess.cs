// A running runner: commands go in, answers come out, and in between the runner asks for host functions.

using System.Buffers.Binary;
using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Bimetal.Plugins.Targets;

/// <summary>Answers a host function: reads its arguments, gives the reply.</summary>
internal delegate RunnerMessage RunnerHostCall(RunnerCall call, ref RunnerReader arguments);

/// <summary>What a command came to.</summary>
/// <param name="Trap">The guest's trap code, or 0.</param>
internal sealed record RunnerResult(int Value, uint Trap, byte[] Rest);

/// <summary>One process. Used by one thread at a time; dispose ends it.</summary>
internal sealed class RunnerProcess : IDisposable
{
    private const int MaximumMessageBytes = 64 << 20;

    // A plugin that never returns under emulation must not hang a test.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly Stream _input;
    private readonly Stream _output;
    private readonly StringBuilder _errors = new();
    private readonly Timer _alarm;

    public RunnerProcess(RunnerProgram program, params IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(program.File, [.. program.Prefix, .. arguments]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            _process = Process.Start(start) ?? throw new PluginLoadException($"{program.File} cannot be started");
        }
        catch (Win32Exception exception)
        {
            throw new PluginLoadException($"{program.File} cannot be started: {exception.Message}", exception);
        }

        _input = _process.StandardInput.BaseStream;
        _output = _process.StandardOutput.BaseStream;
        _process.ErrorDataReceived += (_, line) => Note(line.Data);
        _process.BeginErrorReadLine();
        _alarm = new Timer(_ => Kill());
    }

    /// <summary>Sends a command and serves host functions until it is done.</summary>
    /// <exception cref="PluginLoadException">The runner refused, or ended.</exception>
    public RunnerResult Send(RunnerMessage command, RunnerHostCall host)
    {
        _alarm.Change(s_patience, Timeout.InfiniteTimeSpan);
        try
        {
            Write(command);
            while (true)
            {
                byte[] message = Read();
                var reader = new RunnerReader(message);
                switch ((RunnerAnswer)reader.Byte())
                {
                    case RunnerAnswer.Host:
                        var call = (RunnerCall)reader.Number();
                        Write(host(call, ref reader));
                        break;
                    case RunnerAnswer.Done:
                        return new RunnerResult((int)reader.Number(), 0, message[5..]);
                    case RunnerAnswer.Trap:
                        return new RunnerResult(0, reader.Number(), []);
                    default:
                        throw new PluginLoadException(Encoding.UTF8.GetString(reader.Bytes()));
                }
            }
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            // Nobody could say any more where the next message begins.
            Kill();
            throw new PluginLoadException($"the runner ended: {Errors()}", exception);
        }
        finally
        {
            _alarm.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Calls a function of a guest by its index: kernels, and the specification's tests.</summary>
    /// <param name="slots">Arguments; as many slots as arguments and results need.</param>
    public (uint Trap, ulong[] Slots) Invoke(uint function, params ReadOnlySpan<ulong> slots)
    {
        var command = new RunnerMessage(RunnerCommand.Invoke).Number(function).Number((uint)slots.Length);
        foreach (ulong slot in slots) command.Long(slot);
        var result = Send(command, static (RunnerCall call, ref RunnerReader _) => throw new InvalidDataException($"the runner asks for {call}"));
        ulong[] results = new ulong[slots.Length];
        var reader = new RunnerReader(result.Rest);
        for (int index = 0; index < results.Length; index++) results[index] = reader.Long();
        return ((uint)result.Value, results);
    }

    public void Dispose()
    {
        _alarm.Dispose();
        Kill();
        _process.Dispose();
    }

    private void Write(RunnerMessage message)
    {
        byte[] bytes = message.ToArray();
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        _input.Write([.. length, .. bytes]);
        _input.Flush();
    }

    private byte[] Read()
    {
        Span<byte> head = stackalloc byte[sizeof(int)];
        _output.ReadExactly(head);
        int length = BinaryPrimitives.ReadInt32LittleEndian(head);
        if (length is < 1 or > MaximumMessageBytes) throw new InvalidDataException("a message of the runner has an impossible length");
        byte[] message = new byte[length];
        _output.ReadExactly(message);
        return message;
    }

    private void Note(string? line)
    {
        if (line is null) return;
        lock (_errors)
        {
            if (_errors.Length < 4096) _errors.Append(line).Append(' ');
        }
    }

    private string Errors()
    {
        // The second wait is for the last lines of what it wrote.
        if (_process.WaitForExit(TimeSpan.FromSeconds(5))) _process.WaitForExit();
        string code = _process.HasExited ? $"exit code {_process.ExitCode}" : "no answer";
        lock (_errors) return _errors.Length == 0 ? code : $"{code}: {_errors.ToString().TrimEnd()}";
    }

    private void Kill()
    {
        try
        {
            if (!_process.HasExited) _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended already.
        }
    }
}
