// Reads cases/*.yaml of a plugin folder.

using System.Globalization;
using System.Text;

namespace Bimetal.Plugins.Bundles.Cases;

/// <summary>Reads case files.</summary>
public static class CaseReader
{
    /// <summary>What the clock shows when a file does not say.</summary>
    public static readonly DateTimeOffset DefaultClock = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>All cases of a plugin, files and cases in order; empty when it has none.</summary>
    /// <exception cref="PluginLoadException">A file is wrong; the message names file, line and key.</exception>
    public static IReadOnlyList<PluginCase> ReadAll(PluginFolder folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        if (!Directory.Exists(folder.CasesFolder)) return [];
        var cases = Directory.EnumerateFiles(folder.CasesFolder, "*.yaml").Order(StringComparer.Ordinal).SelectMany(ReadFile).ToList();
        var twice = cases.GroupBy(one => one.Name).FirstOrDefault(group => group.Count() > 1);
        if (twice is not null) throw new PluginLoadException($"{twice.Last().File}: there are two cases named '{twice.Key}'");
        return cases;
    }

    private static List<PluginCase> ReadFile(string path)
    {
        var file = BundleMapping.Load(path);
        string configuration = file.Text("config") ?? "", vmConfiguration = file.Text("vm_config") ?? "";
        var clock = DefaultClock;
        if (file.Text("clock") is { } text && !DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out clock))
            throw file.Error("clock", $"'{text}' is not a time; write it like 2026-01-01T00:00:00Z");
        var cases = file.Mappings("cases").Select(one => ReadCase(one, clock) with { Configuration = configuration, VmConfiguration = vmConfiguration }).ToList();
        file.Finish();
        return cases;
    }

    private static PluginCase ReadCase(BundleMapping mapping, DateTimeOffset clock)
    {
        var read = new PluginCase
        {
            Name = mapping.RequiredText("name"),
            File = mapping.File,
            Kind = mapping.Text("kind") switch
            {
                "good" => CaseKind.Good,
                "bad" => CaseKind.Bad,
                "hostile" => CaseKind.Hostile,
                _ => throw mapping.Error("kind", "must be good, bad or hostile"),
            },
            Configuration = "",
            Clock = clock,
            Request = ReadRequest(mapping.Mapping("request")),
            Response = ReadResponse(mapping.Mapping("response")),
            Expectation = ReadExpectation(mapping.Mapping("expect") ?? throw mapping.Error("expect", "is required")),
        };
        mapping.Finish();
        return read;
    }

    private static CaseMessage ReadRequest(BundleMapping? mapping)
    {
        List<(string, string?)> pseudo =
        [
            (":method", mapping?.Text("method") ?? "GET"), (":path", mapping?.Text("path") ?? "/"),
            (":authority", mapping?.Text("authority") ?? "gateway.test"), (":scheme", "http"),
        ];
        return ReadMessage(mapping, pseudo);
    }

    private static CaseMessage ReadResponse(BundleMapping? mapping) =>
        ReadMessage(mapping, [(":status", (mapping?.Number("status", 200, 599) ?? 200).ToString(CultureInfo.InvariantCulture))]);

    private static CaseMessage ReadMessage(BundleMapping? mapping, List<(string Name, string? Value)> fields)
    {
        byte[] body = mapping?.Mapping("body") is { } described ? CaseBody.Read(described) : [];
        int chunkBytes = mapping?.Number("chunk", 1, 1 << 20) ?? 0;
        fields.AddRange(mapping?.Pairs("headers") ?? []);
        if (mapping?.Text("content_length") is { } declared) fields.Add(("content-length", declared));
        else if (body.Length > 0) fields.Add(("content-length", body.Length.ToString(CultureInfo.InvariantCulture)));
        mapping?.Finish();
        fields.RemoveAll(field => field is { Name: "content-length", Value: "none" });
        return new CaseMessage([.. fields.Select(Encode)], CaseMessage.Cut(body, chunkBytes));
    }

    private static CaseExpectation ReadExpectation(BundleMapping mapping)
    {
        var read = new CaseExpectation
        {
            Answer = mapping.Number("answer", 200, 599),
            Request = mapping.Pairs("request"),
            Response = mapping.Pairs("response"),
            Body = mapping.Text("body"),
        };
        mapping.Finish();
        return read;
    }

    // Latin-1: a hostile case can have any byte in a value.
    private static (ReadOnlyMemory<byte> Name, ReadOnlyMemory<byte> Value) Encode((string Name, string? Value) field) =>
        (Encoding.Latin1.GetBytes(field.Name.ToLowerInvariant()), Encoding.Latin1.GetBytes(field.Value ?? ""));
}
