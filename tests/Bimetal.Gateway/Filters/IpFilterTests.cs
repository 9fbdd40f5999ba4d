// The filter ip_filter: which network decides, for IPv4, IPv6 and IPv4 in IPv6 form.

using System.Net;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Filters;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Testing;

namespace Bimetal.Gateway.Tests.Filters;

public sealed class IpFilterTests
{
    [Theory]
    [InlineData("10.1.2.3", true)]
    [InlineData("10.9.2.3", false)]
    [InlineData("10.9.9.9", true)]
    [InlineData("::ffff:10.1.2.3", true)]
    [InlineData("::ffff:10.9.2.3", false)]
    [InlineData("11.0.0.1", null)]
    [InlineData("2001:db8::1", true)]
    [InlineData("2001:db8:0:1::1", false)]
    [InlineData("2001:db9::1", null)]
    [InlineData("::1", null)]
    [InlineData("0.0.0.0", null)]
    public void Find_TheLongestPrefixDecides(string address, bool? expected)
    {
        var trie = new NetworkTrie();
        foreach (var (network, isAllowed) in new[] { ("10.0.0.0/8", true), ("10.9.0.0/16", false), ("10.9.9.9/32", true), ("2001:db8::/32", true), ("2001:db8:0:1::/64", false) })
        {
            var parsed = IPNetwork.Parse(network);
            Assert.True(trie.TryAdd(parsed.BaseAddress.GetAddressBytes(), parsed.PrefixLength, isAllowed));
        }

        Assert.Equal(expected, trie.Find(IPAddress.Parse(address)));
    }

    [Fact]
    public void Find_AgreesWithComparingAllNetworks()
    {
        var random = new Random(3);
        var trie = new NetworkTrie();
        var networks = new List<(IPNetwork Network, bool IsAllowed)>();
        for (int count = 0; count < 2000; count++)
        {
            byte[] bytes = RandomAddress(random);
            int prefix = random.Next(bytes.Length * 8 + 1);
            for (int bit = prefix; bit < bytes.Length * 8; bit++) bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
            bool isAllowed = random.Next(2) == 0;
            if (networks.Exists(other => other.Network.PrefixLength == prefix && other.Network.BaseAddress.Equals(new IPAddress(bytes)))) continue;
            Assert.True(trie.TryAdd(bytes, prefix, isAllowed));
            networks.Add((new IPNetwork(new IPAddress(bytes), prefix), isAllowed));
        }

        for (int round = 0; round < 2000; round++)
        {
            var address = new IPAddress(RandomAddress(random));
            var best = networks.Where(one => one.Network.Contains(address)).OrderByDescending(one => one.Network.PrefixLength).Select(one => (bool?)one.IsAllowed).FirstOrDefault();
            Assert.Equal(best, trie.Find(address));
        }
    }

    [Theory]
    [InlineData("allow: [127.0.0.0/8]", 200)]
    [InlineData("allow: [10.0.0.0/8]", 403)]
    [InlineData("deny: [10.0.0.0/8]", 200)]
    [InlineData("deny: [127.0.0.1]", 403)]
    [InlineData("allow: [0.0.0.0/0], deny: [127.0.0.0/8]", 403)]
    [InlineData("allow: [127.0.0.1/32], deny: [127.0.0.0/8]", 200)]
    public async Task Clients_AreJudged_WhateverTheyClaim(string lists, int status)
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, $"[ {{ ip_filter: {{ {lists} }} }} ]");
        Assert.Equal(status, (await gateway.GetAsync("/", "x-forwarded-for: 10.1.1.1\r\nforwarded: for=10.1.1.1\r\nx-real-ip: 127.0.0.1\r\n")).Status);
    }

    [Fact]
    public async Task ListsOfFiles_AreRead()
    {
        using var folder = new TemporaryFolder();
        string file = folder.Write("deny.txt", "# bad\n192.0.2.0/24 # test net\n\n127.0.0.1\r\n2001:db8::/32\n");
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, $$"""[ { ip_filter: { deny_file: {{file}} } } ]""");
        Assert.Equal(403, (await gateway.GetAsync("/")).Status);
    }

    private static byte[] RandomAddress(Random random)
    {
        // Few different bits, so that networks nest.
        byte[] bytes = new byte[random.Next(2) == 0 ? 4 : 16];
        for (int index = 0; index < bytes.Length; index++) bytes[index] = (byte)(random.Next(4) == 0 ? random.Next(256) : index * 37);
        return bytes;
    }
}
