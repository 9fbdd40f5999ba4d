// How compiled code can be stopped while it runs. The root of an image says which of these it was compiled for (CodeImage.cs).

namespace Bimetal.Wasm.Abi;

/// <summary>What stops a guest at its CPU limit. The numbers are part of the runtime ABI.</summary>
public enum InterruptMode
{
    /// <summary>The watchdog's signal, wherever the guest is: nothing is in the code for it. What the guest was about is left half done.</summary>
    Signal = 0,

    /// <summary>The code itself, which looks at <see cref="ContextHeader.Interrupt"/> in each iteration and at the start of functions that call.</summary>
    Poll = 1,

    /// <summary>Nothing but its way back from a host call. Limits on CPU time do not hold: for measuring what the others cost.</summary>
    None = 2,
}
