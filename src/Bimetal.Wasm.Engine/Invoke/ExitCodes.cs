// Exit codes of the engine's commands.

namespace Bimetal.Wasm.Engine;

public static class ExitCodes
{
    public const int Success = 0;

    /// <summary>What was asked about failed: a trap, a bad module, a missing import, a failed assertion.</summary>
    public const int Failure = 1;

    public const int WrongUsage = 2;
}
