// A command that carries its examples, which its help and the root's help print.

using System.CommandLine;

namespace Bimetal.Commands;

/// <param name="name">The word on the command line.</param>
/// <param name="description">One sentence.</param>
/// <param name="examples">Whole command lines, the most useful first.</param>
internal sealed class ExampleCommand(string name, string description, params string[] examples) : Command(name, description)
{
    internal IReadOnlyList<string> Examples { get; } = examples;
}
