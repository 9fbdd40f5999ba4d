// What one instance sees of its host through WASI: arguments, environment, three streams, clocks, randomness. No files.

using System.Security.Cryptography;

namespace Bimetal.Wasm.Engine.Wasi;

/// <summary>What the guest writes to a stream; the bytes are valid during the call only.</summary>
public delegate void WasiOutput(ReadOnlySpan<byte> bytes);

/// <summary>Implemented by the <c>HostState</c> of every instance that imports WASI functions.</summary>
public interface IWasiHost
{
    /// <summary>The WASI state of the instance.</summary>
    WasiState Wasi { get; }
}

/// <summary>The WASI state of one instance; used by one thread at a time, as the instance itself.</summary>
public sealed class WasiState : IWasiHost
{
    private readonly bool[] _isClosed = new bool[3];

    /// <summary>Program name and arguments.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Entries of the form NAME=VALUE.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];

    /// <summary>Descriptor 0; null reads as empty.</summary>
    public Stream? StandardInput { get; init; }

    /// <summary>Descriptor 1; null swallows.</summary>
    public WasiOutput? StandardOutput { get; init; }

    /// <summary>Descriptor 2; null swallows.</summary>
    public WasiOutput? StandardError { get; init; }

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>What <c>proc_exit</c> was called with, after the trap code Exit.</summary>
    public int? ExitCode { get; internal set; }

    /// <summary>Whether the guest has drawn random bytes: a snapshot taken afterwards gives every clone the same ones.</summary>
    public bool HasDrawnRandom { get; private set; }

    WasiState IWasiHost.Wasi => this;

    internal bool IsOpen(uint descriptor) => descriptor < (uint)_isClosed.Length && !_isClosed[descriptor];

    internal void Close(uint descriptor) => _isClosed[descriptor] = true;

    internal void FillRandom(Span<byte> bytes)
    {
        HasDrawnRandom = true;

        // By way of the stack: the kernel, which may be asked, must not write to the guest's memory (GuestMemory.TrySlice).
        Span<byte> drawn = stackalloc byte[256];
        for (; !bytes.IsEmpty; bytes = bytes[Math.Min(bytes.Length, drawn.Length)..])
        {
            var part = drawn[..Math.Min(bytes.Length, drawn.Length)];
            RandomNumberGenerator.Fill(part);
            part.CopyTo(bytes);
        }
    }
}
