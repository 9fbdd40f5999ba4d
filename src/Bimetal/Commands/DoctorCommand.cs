// bimetal doctor

using System.CommandLine;
using Bimetal.Meter.Doctor;
using Bimetal.Wasm.Engine;

namespace Bimetal.Commands;

internal static class DoctorCommand
{
    internal static ExampleCommand Create()
    {
        var command = new ExampleCommand(
            "doctor",
            "Prints versions, what is missing, kernel settings that matter, and the command that mends each.",
            "bimetal doctor");
        command.SetAction(_ =>
        {
            bool healthy = DoctorReport.Write(DoctorReport.Examine(), Console.Out);
            return healthy ? ExitCodes.Success : ExitCodes.Failure;
        });
        return command;
    }
}
