// bimetal doctor

using System.CommandLine;
using Bimetal.Meter.Doctor;
using Bimetal.Wasm.Engine;

namespace Bimetal.Commands;

internal static class DoctorCommand
{
    internal static ExampleCommand Create()
    {
        var selfTest = new Option<bool>("--self-test") { Description = "also run traps, stack overflows, deadlines and instance resets in this very binary (about 20 s)" };
        var command = new ExampleCommand(
            "doctor",
            "Prints versions, what is missing, kernel settings that matter, and the command that mends each.",
            "bimetal doctor",
            "bimetal doctor --self-test") { selfTest };
        command.SetAction(result =>
        {
            bool healthy = DoctorReport.Write(DoctorReport.Examine(), Console.Out);
            if (result.GetValue(selfTest)) healthy &= SelfTest.Run(Console.Out);
            return healthy ? ExitCodes.Success : ExitCodes.Failure;
        });
        return command;
    }
}
