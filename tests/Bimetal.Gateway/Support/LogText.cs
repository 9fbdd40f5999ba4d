// Takes a gateway's log lines and can be read while more come.

using System.Text;

namespace Bimetal.Gateway.Tests.Support;

internal sealed class LogText : TextWriter
{
    private readonly Lock _gate = new();
    private readonly StringBuilder _text = new();

    public override Encoding Encoding => Encoding.UTF8;

    public override void Write(char value)
    {
        lock (_gate) _text.Append(value);
    }

    public override void WriteLine(string? value)
    {
        lock (_gate) _text.Append(value).Append('\n');
    }

    public override string ToString()
    {
        lock (_gate) return _text.ToString();
    }
}
