// Where a guest stopped: program counters that the shim kept while the guest's frames still stood, resolved when somebody asks.

using System.Globalization;
using System.Text;

namespace Bimetal.Wasm.Runtime;

/// <summary>The backtrace of a trap. Ask while the module is loaded: the names are its own.</summary>
public sealed unsafe class GuestTrace
{
    // MAXIMUM_TRACE_FRAMES of native/shim/internal.h.
    private const int MaximumFrames = 40;

    // Frames that the one-line form tells.
    private const int FramesInLine = 6;

    private readonly nuint[] _counters;
    private readonly Lazy<IReadOnlyList<TrapFrame>> _frames;

    private GuestTrace(nuint[] counters, bool isCut)
    {
        _counters = counters;
        IsCut = isCut;
        _frames = new Lazy<IReadOnlyList<TrapFrame>>(() => [.. _counters.SelectMany(CodeDirectory.Resolve)]);
    }

    /// <summary>Functions from the innermost one to the one that was entered. Empty when the guest was not even entered, or its code has no map.</summary>
    public IReadOnlyList<TrapFrame> Frames => _frames.Value;

    /// <summary>Whether there were more frames than are kept.</summary>
    public bool IsCut { get; }

    /// <summary>The trace of the calling thread's last trap.</summary>
    // SAFETY: the shim writes at most as many counters as the array has.
    internal static GuestTrace Take()
    {
        nuint* counters = stackalloc nuint[MaximumFrames];
        uint isCut;
        uint count = Shim.Trace(counters, MaximumFrames, &isCut);
        return new GuestTrace(new Span<nuint>(counters, (int)count).ToArray(), isCut != 0);
    }

    /// <summary>In one line, such as <c>in parse at 0x1a4, called by handle at 0xf0</c>; empty without frames.</summary>
    public string Describe()
    {
        if (Frames.Count == 0) return "";
        var text = new StringBuilder("in ").Append(Frames[0]);
        for (int index = 1; index < Math.Min(Frames.Count, FramesInLine); index++) text.Append(index == 1 ? ", called by " : ", ").Append(Frames[index]);
        if (Frames.Count > FramesInLine || IsCut) text.Append(", …");
        return text.ToString();
    }

    /// <summary>One line for each frame, indented; empty without frames.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        for (int index = 0; index < Frames.Count; index++)
        {
            var frame = Frames[index];
            string number = frame.Name is null ? "" : string.Create(CultureInfo.InvariantCulture, $" (function {frame.FunctionIndex})");
            text.Append(index == 0 ? "  in " : "  by ").Append(frame).Append(number).Append('\n');
        }

        if (IsCut) text.Append("  …\n");
        return text.ToString();
    }
}
