// YAML events with a limit on nesting: YamlStream builds its nodes recursively, and a file of brackets would overflow the stack.

using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Bimetal.Plugins.Bundles;

/// <summary>For YamlStream.Load, wherever a file is read that somebody else may have written.</summary>
public sealed class DepthLimitedParser(TextReader text) : IParser
{
    /// <summary>Deeper than any configuration, <c>plugins.NAME.config</c> included.</summary>
    public const int MaximumDepth = 100;

    private readonly Parser _parser = new(text);
    private int _depth;

    public ParsingEvent? Current => _parser.Current;

    /// <exception cref="YamlException">The text is not YAML, or is nested too deeply.</exception>
    public bool MoveNext()
    {
        if (!TryMoveNext()) return false;
        if (_parser.Current is not { } current) return true;
        _depth += current.NestingIncrease;
        if (_depth > MaximumDepth) throw new YamlException(current.Start, current.End, $"nested deeper than {MaximumDepth}");
        return true;
    }

    // The scanner gives up on some texts, such as a brace that closes in the first column, with an exception that says nothing.
    private bool TryMoveNext()
    {
        try
        {
            return _parser.MoveNext();
        }
        catch (InvalidOperationException exception)
        {
            var at = _parser.Current?.End ?? Mark.Empty;
            throw new YamlException(at, at, "something after this place is not closed, or not indented", exception);
        }
    }
}
