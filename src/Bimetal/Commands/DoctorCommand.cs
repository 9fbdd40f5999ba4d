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
        var storm = new Option<int?>("--storm") { Description = "stop so many guests by traps, deadlines and stack overflows on many threads, and look at memory (300000: about a minute)" };
        storm.Validators.Add(result => { if (result.GetValueOrDefault<int?>() is < 1 or > 10_000_000) result.AddError("--storm takes a number from 1 to 10000000"); });
        var figures = new Option<FileInfo?>("--figures") { Description = "measure what calls, clones, resets and idle instances cost in this very binary, and write them as JSON (about half a minute)" };
        var hostFault = new Option<bool>("--host-fault") { Hidden = true, Description = "end by a fault in a host function" };
        var command = new ExampleCommand(
            "doctor",
            "Prints versions, what is missing, kernel settings that matter, and the command that mends each.",
            "bimetal doctor",
            "bimetal doctor --self-test",
            "bimetal doctor --storm 300000") { selfTest, storm, figures, hostFault };
        command.SetAction(result =>
        {
            if (result.GetValue(hostFault)) Storm.FaultInHost();
            if (result.GetValue(figures) is { } file) return RuntimeFigures.Write(Console.Out, file.FullName) ? ExitCodes.Success : ExitCodes.Failure;
            bool healthy = DoctorReport.Write(DoctorReport.Examine(), Console.Out);
            if (result.GetValue(selfTest)) healthy &= SelfTest.Run(Console.Out);
            if (result.GetValue(storm) is { } count) healthy &= Storm.Run(Console.Out, count);
            return healthy ? ExitCodes.Success : ExitCodes.Failure;
        });
        return command;
    }
}
