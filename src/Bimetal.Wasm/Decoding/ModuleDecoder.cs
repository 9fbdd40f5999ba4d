// From bytes to a WasmModule (core specification 5.5): the header and the sequence of sections. The content of each section is read
// in Sections*.cs; instructions of function bodies are read by the validator, in the same pass that checks them.

using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Decoding;

/// <summary>Decodes the binary format of WebAssembly 2.0.</summary>
public static class ModuleDecoder
{
    private const int HeaderSize = 8;

    // The order in which sections must appear, by section id; custom sections (0) may appear anywhere.
    private static ReadOnlySpan<byte> PositionOfSection => [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 10];

    /// <summary>Decodes a module. Its structure is then sound; function bodies are not looked at before <c>ModuleValidator</c>.</summary>
    /// <param name="bytes">The binary; the module keeps and shares it, so it must not change afterwards.</param>
    /// <param name="limits">What is too much.</param>
    /// <param name="error">Null, or what is malformed or over a limit.</param>
    /// <returns>The module, or null with <paramref name="error"/> set.</returns>
    public static WasmModule? Decode(ReadOnlyMemory<byte> bytes, DecodeLimits limits, out WasmError? error)
    {
        ArgumentNullException.ThrowIfNull(limits);
        var draft = new ModuleDraft(bytes, limits);
        var reader = new ByteReader(bytes.Span, 0, bytes.Length);
        reader.Require(0, bytes.Length, limits.ModuleBytes);
        ReadHeader(ref reader);
        ReadSections(ref reader, bytes.Span, draft);
        CheckCounts(ref reader, draft);
        error = reader.Error;
        return error is null ? draft.Finish() : null;
    }

    private static void ReadHeader(ref ByteReader reader)
    {
        if (reader.HasFailed) return;
        if (reader.Remaining < 4)
        {
            reader.Fail(reader.End, Malformed.UnexpectedEnd);
            return;
        }

        if (!reader.ReadBytes(4).SequenceEqual("\0asm"u8)) reader.Fail(0, "magic header not detected");
        if (reader.ReadFixed32() != 1) reader.Fail(4, reader.End < HeaderSize ? Malformed.UnexpectedEnd : "unknown binary version");
    }

    private static void ReadSections(ref ByteReader reader, ReadOnlySpan<byte> moduleBytes, ModuleDraft draft)
    {
        int lastPosition = 0;
        while (!reader.IsAtEnd)
        {
            int start = reader.Offset;
            byte id = reader.ReadByte();
            if (id >= PositionOfSection.Length)
            {
                reader.Fail(start, $"malformed section id {id}");
                return;
            }

            int position = PositionOfSection[id];
            if (position != 0 && position <= lastPosition)
            {
                reader.Fail(start, $"unexpected content after last section: section {id} is repeated or out of order");
                return;
            }

            lastPosition = Math.Max(lastPosition, position);
            ReadSection(ref reader, id, moduleBytes, draft);
        }
    }

    private static void ReadSection(ref ByteReader reader, byte id, ReadOnlySpan<byte> moduleBytes, ModuleDraft draft)
    {
        int size = reader.ReadCount();
        var section = new ByteReader(moduleBytes, reader.Offset, size);
        switch (id)
        {
            case 0: CustomSections.Read(ref section, moduleBytes, draft); break;
            case 1: DeclarationSections.ReadTypes(ref section, draft); break;
            case 2: ImportSection.Read(ref section, draft); break;
            case 3: DeclarationSections.ReadFunctions(ref section, draft); break;
            case 4: DeclarationSections.ReadTables(ref section, draft); break;
            case 5: DeclarationSections.ReadMemories(ref section, draft); break;
            case 6: DeclarationSections.ReadGlobals(ref section, moduleBytes, draft); break;
            case 7: DeclarationSections.ReadExports(ref section, draft); break;
            case 8: DeclarationSections.ReadStart(ref section, draft); break;
            case 9: ElementSection.Read(ref section, moduleBytes, draft); break;
            case 10: CodeSection.Read(ref section, moduleBytes, draft); break;
            case 11: DataSections.ReadSegments(ref section, moduleBytes, draft); break;
            case 12: DataSections.ReadCount(ref section, draft); break;
        }

        if (section.Error is { } error) reader.Fail((int)error.Offset, error.Message);
        else if (!section.IsAtEnd) reader.Fail(section.Offset, Malformed.SectionSize);
        reader.Skip(size);
    }

    private static void CheckCounts(ref ByteReader reader, ModuleDraft draft)
    {
        if (draft.FunctionTypes.Count != draft.Functions.Count)
            reader.Fail(reader.End, "function and code section have inconsistent lengths");
        if (draft.DataCount is { } count && count != draft.DataSegments.Count)
            reader.Fail(reader.End, "data count and data section have inconsistent lengths");
    }
}
