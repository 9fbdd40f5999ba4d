// The command for long runs: modules of a seed, batch after batch, until a count or a time is reached.

using Bimetal.Fuzz.Running;

return FuzzCommand.Run(args, Console.Out, Console.Error);
