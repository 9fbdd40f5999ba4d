// The requests of `demo --once`: the cases of both plugins, damaged copies of them, and requests that attack HTTP itself.

using System.Text;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;

namespace Bimetal.Gateway.Demo;

/// <summary>A plugin with one configuration, reached under a host name of its own.</summary>
internal sealed record OnceTarget(string Host, string PluginName, PluginFolder Folder, string Configuration);

internal sealed class OnceTraffic
{
    /// <summary>Damaged copies of each image are cut off at this many places.</summary>
    private const int CutsPerImage = 8;

    private readonly List<OnceExchange> _exchanges = [];
    private readonly List<OnceTarget> _targets = [];

    public OnceTraffic(IEnumerable<PluginFolder> folders)
    {
        foreach (var folder in folders) AddFolder(folder);
        var auth = _targets.Find(target => target.Configuration.Contains(DemoToken.Key, StringComparison.Ordinal));
        if (auth is not null) AddAttacks(auth);
    }

    public IReadOnlyList<OnceTarget> Targets => _targets;

    public IReadOnlyList<OnceExchange> Exchanges => _exchanges;

    private void AddFolder(PluginFolder folder)
    {
        foreach (var group in CaseReader.ReadAll(folder).GroupBy(one => one.Configuration))
        {
            string name = $"{folder.Manifest.Name}-{_targets.Count}";
            var target = new OnceTarget(name + ".test", name, folder, group.Key);
            _targets.Add(target);
            foreach (var one in group) Add(target, one, one.Kind.ToString().ToLowerInvariant(), isExpected: true);
            foreach (var one in group.Where(one => one.Kind == CaseKind.Good)) AddDamaged(target, one);
        }
    }

    private void Add(OnceTarget target, PluginCase one, string kind, bool isExpected) =>
        _exchanges.Add(OnceExchange.FromCase(_exchanges.Count + 1, one, target.Host, target.Folder.Manifest.Name, kind, isExpected));

    // What comes of these has no expectation of its own: both metals have to see the same in them.
    private void AddDamaged(OnceTarget target, PluginCase one)
    {
        byte[] body = [.. one.Response.Chunks.SelectMany(chunk => chunk.ToArray())];
        if (body.Length > 64)
        {
            for (int cut = 1; cut <= CutsPerImage; cut++) Add(target, WithBody(one, $"{one.Name}, cut off {cut}", body[..(cut * Math.Min(body.Length, 400) / (CutsPerImage + 1))]), "bad", isExpected: false);
            for (int place = 4; place < 40; place += 12) Add(target, WithBody(one, $"{one.Name}, byte {place} flipped", Flipped(body, place)), "hostile", isExpected: false);
        }

        foreach (var (name, value) in one.Request.Fields)
        {
            if (name.Span[0] == (byte)':' || value.Length < 60) continue;
            for (int place = 7; place < value.Length; place += 17) Add(target, WithField(one, name, Flipped(value.ToArray(), place)), "hostile", isExpected: false);
        }
    }

    private static byte[] Flipped(byte[] bytes, int place)
    {
        byte[] copy = [.. bytes];
        copy[place] ^= 1;
        return copy;
    }

    private static PluginCase WithBody(PluginCase one, string name, byte[] body)
    {
        var fields = one.Response.Fields.Select(field => field.Name.Span.SequenceEqual("content-length"u8) ? (field.Name, Encoding.ASCII.GetBytes(body.Length.ToString())) : field);
        return one with { Name = name, Response = new CaseMessage([.. fields], [body]) };
    }

    private static PluginCase WithField(PluginCase one, ReadOnlyMemory<byte> changed, byte[] value) => one with
    {
        Name = $"{one.Name}, {Encoding.Latin1.GetString(changed.Span)} changed to {Encoding.Latin1.GetString(value)}",
        Request = one.Request with { Fields = [.. one.Request.Fields.Select(field => field.Name.Span.SequenceEqual(changed.Span) ? (field.Name, value) : field)] },
    };

    private void AddAttacks(OnceTarget target)
    {
        string token = DemoToken.Make("attacker", CaseReader.DefaultClock.AddHours(1));
        foreach (var (name, text) in OnceAttacks.All)
        {
            int number = _exchanges.Count + 1;
            string request = text.Replace("HOST", target.Host, StringComparison.Ordinal).Replace("TOKEN", token, StringComparison.Ordinal).Replace("NUMBER", $"{OnceExchange.NumberField}: {number}", StringComparison.Ordinal);
            _exchanges.Add(new OnceExchange(number, "token-auth", name, "hostile", Encoding.Latin1.GetBytes(request), IsHead: false, [], EndsConnection: false, Expected: null));
        }
    }
}
