// The commands of a script, as wast2json writes them.

using System.Collections.Immutable;

namespace Bimetal.Wasm.Engine.Wast;

/// <summary>One command of a script.</summary>
/// <param name="Type">module, register, action, assert_return, assert_trap, ….</param>
/// <param name="Line">Line in the .wast file.</param>
/// <param name="Name">The name given to a module, or the module to be registered.</param>
/// <param name="RegisterAs">Module name for later imports.</param>
/// <param name="ModulePath">The module's own file.</param>
/// <param name="IsText">Whether that file is in the text format.</param>
/// <param name="Text">The message that is expected.</param>
/// <param name="Action">What is to be called or read.</param>
/// <param name="Expected">Results of <c>assert_return</c>.</param>
internal sealed record WastCommand(
    string Type,
    int Line,
    string? Name,
    string? RegisterAs,
    string? ModulePath,
    bool IsText,
    string Text,
    WastAction? Action,
    ImmutableArray<WastValue> Expected)
{
    internal bool IsAssertion => Type.StartsWith("assert_", StringComparison.Ordinal);

    /// <summary>Whether the module is to be compiled, because the command instantiates it.</summary>
    internal bool Instantiates => Type is "module" or "assert_unlinkable" or "assert_uninstantiable";
}

/// <summary>A call of an export, or a read of an exported global.</summary>
internal sealed record WastAction(bool IsGet, string? Module, string Field, ImmutableArray<WastValue> Arguments)
{
    public override string ToString() => IsGet ? $"get \"{Field}\"" : $"invoke \"{Field}\"";
}

/// <summary>One script.</summary>
/// <param name="Name">The .wast file, for messages.</param>
/// <param name="Commands">Its commands in order.</param>
internal sealed record WastScript(string Name, ImmutableArray<WastCommand> Commands);
