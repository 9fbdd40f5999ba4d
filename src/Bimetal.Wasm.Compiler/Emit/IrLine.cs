// Interpolated strings that write straight into a function's IR text: `f.Line($"…")` and `f.Define(type, $"add i32 {a}, {b}")`.

using System.Runtime.CompilerServices;
using System.Text;

namespace Bimetal.Wasm.Compiler.Emit;

/// <summary>One IR line that defines nothing; the line end is appended by <see cref="FunctionBuilder.Line"/>.</summary>
[InterpolatedStringHandler]
internal readonly ref struct IrLine
{
    private readonly StringBuilder _text;

    public IrLine(int literalLength, int formattedCount, FunctionBuilder function)
    {
        _ = literalLength + formattedCount;
        _text = function.Body;
        _text.Append("  ");
    }

    public void AppendLiteral(string text) => _text.Append(text);

    public void AppendFormatted(string text) => _text.Append(text);

    public void AppendFormatted(Value value) => _text.Append($"{value}");

    public void AppendFormatted(int number) => _text.Append(number);

    public void AppendFormatted(uint number) => _text.Append(number);

    public void AppendFormatted(long number) => _text.Append(number);
}

/// <summary>The right-hand side of a definition: begins with <c>%N = </c>.</summary>
[InterpolatedStringHandler]
internal readonly ref struct IrDefinition
{
    private readonly StringBuilder _text;

    public IrDefinition(int literalLength, int formattedCount, FunctionBuilder function)
    {
        _ = literalLength + formattedCount;
        _text = function.Body;
        _text.Append("  %").Append(function.NextTemporary).Append(" = ");
    }

    public void AppendLiteral(string text) => _text.Append(text);

    public void AppendFormatted(string text) => _text.Append(text);

    public void AppendFormatted(Value value) => _text.Append($"{value}");

    public void AppendFormatted(int number) => _text.Append(number);

    public void AppendFormatted(uint number) => _text.Append(number);

    public void AppendFormatted(long number) => _text.Append(number);
}
