// The code section: local declarations and the range of each body.

using System.Collections.Immutable;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Decoding;

internal static class CodeSection
{
    internal static void Read(ref ByteReader reader, ReadOnlySpan<byte> moduleBytes, ModuleDraft draft)
    {
        int offset = reader.Offset;
        int count = reader.ReadCount(draft.Limits.Functions);
        if (count != draft.FunctionTypes.Count) reader.Fail(offset, "function and code section have inconsistent lengths");
        for (int i = 0; i < count && !reader.HasFailed; i++)
        {
            int size = reader.ReadCount(draft.Limits.BodyBytes);
            var body = new ByteReader(moduleBytes, reader.Offset, size);
            var locals = ReadLocals(ref body, draft);
            if (body.Error is { } error) reader.Fail((int)error.Offset, error.Message);
            draft.Functions.Add(new Function(draft.FunctionTypes[i], locals, body.Offset, body.Remaining));
            reader.Skip(size);
        }
    }

    private static ImmutableArray<LocalRun> ReadLocals(ref ByteReader body, ModuleDraft draft)
    {
        int runCount = body.ReadCount();
        if (runCount == 0) return [];
        var runs = ImmutableArray.CreateBuilder<LocalRun>(LimitedReads.Capacity(runCount));
        int offset = body.Offset;
        long total = 0;
        for (int i = 0; i < runCount && !body.HasFailed; i++)
        {
            uint count = body.ReadUInt32();
            total += count;
            runs.Add(new LocalRun(count, body.ReadValueType()));
        }

        if (total > uint.MaxValue) body.Fail(offset, "too many locals");
        body.Require(offset, total, draft.Limits.LocalsPerFunction);
        draft.LocalCount += total;
        body.Require(offset, draft.LocalCount, draft.Limits.LocalsPerModule);
        return runs.DrainToImmutable();
    }
}
