// The command line. Each command is one file in Commands/ that parses and calls into the library that does the work.

using Bimetal.Commands;

return await CommandLine.RunAsync(args);
