// bimetal new plugin NAME

using System.CommandLine;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Languages;

namespace Bimetal.Commands;

internal static class NewCommand
{
    internal static ExampleCommand Create()
    {
        var kind = new Argument<string>("plugin") { Description = "what to make" }.AcceptOnlyFromAmong("plugin");
        var name = new Argument<string>("NAME") { Description = "the new folder; its last part is the plugin's name: a-z, 0-9 and '-'" };
        var language = new Option<string>("--lang")
        {
            Description = $"what it is written in: {string.Join(", ", PluginLanguages.Names)}", DefaultValueFactory = _ => PluginLanguages.Names[0], HelpName = "L",
        };
        var command = new ExampleCommand(
            "new",
            "Makes a plugin folder with a source, a manifest and cases, whose test passes at once.",
            "bimetal new plugin device-tag --lang c",
            "bimetal new plugin work/device-tag --lang assemblyscript") { kind, name, language };
        command.SetAction((result, _) => NewCommandRunner.RunAsync(result.GetRequiredValue(name), result.GetRequiredValue(language), Console.Out, Console.Error));
        return command;
    }
}
