// The wording of what can be malformed, in one place: the specification's test suite compares the beginning of these texts.

namespace Bimetal.Wasm.Decoding;

internal static class Malformed
{
    internal const string UnexpectedEnd = "unexpected end of section or function";
    internal const string IntegerTooLong = "integer representation too long";
    internal const string IntegerTooLarge = "integer too large";
    internal const string LengthOutOfBounds = "length out of bounds";
    internal const string Utf8 = "malformed UTF-8 encoding";
    internal const string ZeroByte = "zero byte expected";
    internal const string ValueType = "malformed value type";
    internal const string ReferenceType = "malformed reference type";
    internal const string BlockType = "malformed block type";
    internal const string MemoryArgument = "malformed memop flags";
    internal const string EndExpected = "END opcode expected";
    internal const string SectionSize = "section size mismatch";
}
