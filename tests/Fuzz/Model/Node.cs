// A piece of a function body: code with other nodes in between. What generator and minimiser work on; encoding is concatenation.

namespace Bimetal.Fuzz.Model;

/// <summary>A piece of code that leaves one value (an expression) or none (a statement) on the stack.</summary>
internal sealed class Node
{
    private readonly List<object> _pieces;

    internal Node(ValueType? result, params IEnumerable<object> pieces)
    {
        Result = result;
        _pieces = [.. pieces];
    }

    /// <summary>Type of the value; null for a statement.</summary>
    internal ValueType? Result { get; }

    /// <summary>Code as <c>byte[]</c>, children as <see cref="Node"/>, in the order of the binary.</summary>
    internal IReadOnlyList<object> Pieces => _pieces;

    internal IEnumerable<Node> Children => _pieces.OfType<Node>();

    /// <summary>This node and all below it.</summary>
    internal IEnumerable<Node> All => Children.SelectMany(child => child.All).Prepend(this);

    internal void WriteTo(WasmWriter writer)
    {
        foreach (object piece in _pieces)
        {
            if (piece is Node child) child.WriteTo(writer);
            else writer.Bytes((byte[])piece);
        }
    }

    /// <summary>Takes over what another node consists of, and returns what this one did: the minimiser's step and its way back.</summary>
    internal List<object> Become(IEnumerable<object> pieces)
    {
        List<object> before = [.. _pieces];
        _pieces.Clear();
        _pieces.AddRange(pieces);
        return before;
    }
}
