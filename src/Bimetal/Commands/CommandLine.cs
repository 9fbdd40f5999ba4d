// The tree of commands, the grouped help of the root, and the exit codes: 0 done, 1 what was asked about failed, 2 wrong usage.

using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Bimetal.Meter.Doctor;
using Bimetal.Wasm.Engine;

namespace Bimetal.Commands;

internal static class CommandLine
{
    private static readonly (string Title, Func<ExampleCommand>[] Commands)[] Groups =
    [
        ("Operate", [DemoCommand.Create, RunCommand.Create, CheckCommand.Create, PlanCommand.Create, DoctorCommand.Create]),
        ("Author", [NewCommand.Create, BuildCommand.Create, TestCommand.Create, TryCommand.Create, SignCommand.Create, VerifyCommand.Create, PushCommand.Create, PullCommand.Create]),
        ("Measure", [BenchCommand.Create]),
        ("Engine", [CompileCommand.Create, InvokeCommand.Create, WastCommand.Create]),
    ];

    internal static async Task<int> RunAsync(string[] arguments)
    {
        var root = new RootCommand("A hybrid edge gateway: native code at the core, WebAssembly plugins at the edges, and a meter that shows what the difference costs.");
        var groups = Groups.Select(group => (group.Title, Commands: group.Commands.Select(create => create()).ToArray())).ToArray();
        foreach (var command in groups.SelectMany(group => group.Commands))
        {
            root.Add(command);
            foreach (var argument in command.Arguments.Where(argument => !argument.CaptureRemainingTokens)) argument.Validators.Add(RefuseUnknownOptions);
        }

        root.Add(BenchProcessCommand.Create());
        foreach (var option in root.Options.OfType<HelpOption>()) option.Action = new GroupedHelp(root, groups, (HelpAction)option.Action!);
        foreach (var option in root.Options.OfType<VersionOption>()) option.Action = new VersionAction();
        root.SetAction(result => new GroupedHelp(root, groups, null).Invoke(result));

        // A word that begins with @ is a file's name (those of npm packages do), not a list of words to be read.
        var result = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (result.Errors.Count > 0)
        {
            foreach (var error in result.Errors) await Console.Error.WriteLineAsync($"bimetal: {error.Message}");
            string command = result.CommandResult.Command == root ? "" : $" {result.CommandResult.Command.Name}";
            await Console.Error.WriteLineAsync($"usage: bimetal{command} --help");
            return ExitCodes.WrongUsage;
        }

        return await result.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
    }

    // Otherwise a mistyped option would be taken for a file's name.
    private static void RefuseUnknownOptions(ArgumentResult result)
    {
        foreach (var token in result.Tokens.Where(token => token.Value.Length > 1 && token.Value[0] == '-')) result.AddError($"unknown option {token.Value}");
    }

    private sealed class VersionAction : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            Console.Out.WriteLine(DoctorReport.VersionLine());
            return ExitCodes.Success;
        }
    }

    /// <summary>The root's help by group; a command's own help with its examples below.</summary>
    private sealed class GroupedHelp(RootCommand root, (string Title, ExampleCommand[] Commands)[] groups, HelpAction? standard) : SynchronousCommandLineAction
    {
        // `COMMAND --help` is complete without the command's arguments.
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            if (parseResult.CommandResult.Command is ExampleCommand command && standard is not null)
            {
                standard.Invoke(parseResult);
                Console.Out.WriteLine("Examples:");
                foreach (string example in command.Examples) Console.Out.WriteLine($"  {example}");
                return ExitCodes.Success;
            }

            Console.Out.WriteLine(root.Description);
            foreach (var (title, commands) in groups)
            {
                Console.Out.WriteLine();
                Console.Out.WriteLine(title);
                foreach (var listed in commands) Console.Out.WriteLine($"  {listed.Name,-10} {listed.Description}\n  {"",-10}   e.g. {listed.Examples[0]}");
            }

            Console.Out.WriteLine();
            Console.Out.WriteLine("bimetal COMMAND --help explains a command. Exit codes: 0 done, 1 what was asked about failed, 2 wrong usage or configuration.");
            return ExitCodes.Success;
        }
    }
}
