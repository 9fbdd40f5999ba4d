// bimetal plan CONFIG

using System.CommandLine;
using Bimetal.Meter.Plan;

namespace Bimetal.Commands;

internal static class PlanCommand
{
    internal static ExampleCommand Create()
    {
        var config = new Argument<string>("CONFIG") { Description = "the gateway's configuration (YAML)" };
        var rps = new Option<double>("--rps") { Description = $"requests per second to plan for (default: {PlanRequest.DefaultRps})", HelpName = "N", DefaultValueFactory = _ => PlanRequest.DefaultRps };
        var price = new Option<double?>("--core-hour-price") { Description = "shows what the tax costs, at that price of a core for an hour", HelpName = "P" };
        var apply = new Option<bool>("--apply") { Description = "writes the profile that metal: auto obeys" };
        var json = new Option<bool>("--json") { Description = "writes the plan as JSON (schema bimetal.plan/1)" };
        rps.Validators.Add(result => Positive(result.GetValueOrDefault<double>(), "--rps", result.AddError));
        price.Validators.Add(result => Positive(result.GetValueOrDefault<double?>() ?? 1, "--core-hour-price", result.AddError));
        var command = new ExampleCommand(
            "plan",
            "Says what each plugin costs on each metal, which one metal: auto takes, and why; measures what the profile does not have.",
            "bimetal plan gateway.yaml --rps 2000 --core-hour-price 0.04 --apply") { config, rps, price, apply, json };
        command.SetAction((result, cancellation) => PlanCommandRunner.RunAsync(
            new PlanRequest(result.GetRequiredValue(config), result.GetValue(rps), result.GetValue(price), result.GetValue(apply), result.GetValue(json)), Console.Out, Console.Error, cancellation));
        return command;
    }

    private static void Positive(double value, string option, Action<string> refuse)
    {
        if (!(value > 0) || double.IsInfinity(value)) refuse($"{option} needs a number above 0");
    }
}
