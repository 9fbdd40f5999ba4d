// Records of host calls as bench/replay/recorder.c writes them.

using System.Buffers.Binary;
using Bimetal.Meter.Receipts;
using Bimetal.Plugins;

namespace Bimetal.Meter.Tests.Receipts;

public sealed class ReplayScriptTests
{
    private const uint Exchange = 0, Enter = 1, Leave = 2, HeaderGet = 3;

    [Fact]
    public void Parse_KeepsTheLastPass_WithItsCallbacksAndSteps()
    {
        byte[] record = [.. Words(1), .. Step(Exchange), .. Step(Enter), .. Step(Leave, 1), .. Step(Exchange), .. Step(Enter), .. Step(HeaderGet, 2, ":path"u8), .. Step(Leave)];
        var script = ReplayScript.Parse(record, exchanges: 1);
        Assert.Equal(1u, script.Callbacks);
        byte[] expected = [.. Words((uint)ReplayMode.Replay, 1, 1, 0, 1), .. Step(HeaderGet, 2, ":path"u8)];
        Assert.Equal(expected, script.ConfigurationOf(ReplayMode.Replay));
    }

    [Fact]
    public void Parse_FewerExchanges_IsRefused() =>
        Assert.Throws<PluginLoadException>(() => ReplayScript.Parse((byte[])[.. Words(1), .. Step(Exchange)], exchanges: 2));

    [Theory]
    [InlineData(3)]
    [InlineData(6)]
    [InlineData(30)]
    public void Parse_ARecordThatBreaksOff_IsRefused(int bytes)
    {
        byte[] record = [.. Words(1), .. Step(Exchange), .. Step(Enter)];
        Assert.Throws<PluginLoadException>(() => ReplayScript.Parse(record.AsSpan(0, bytes), exchanges: 1));
    }

    private static byte[] Step(uint kind, uint a = 0, ReadOnlySpan<byte> x = default) => [.. Words(kind, a, 0, 0, (uint)x.Length), .. x, .. Words(0)];

    private static byte[] Words(params uint[] words)
    {
        byte[] bytes = new byte[4 * words.Length];
        for (int index = 0; index < words.Length; index++) BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4 * index), words[index]);
        return bytes;
    }
}
