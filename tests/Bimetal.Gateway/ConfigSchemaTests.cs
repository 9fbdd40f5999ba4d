// The published JSON Schema: it is what the readers know, it takes what the documents show, and it refuses what the readers refuse.

using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Bimetal.Gateway.Configuration;
using Bimetal.Testing;
using YamlDotNet.RepresentationModel;

namespace Bimetal.Gateway.Tests;

public sealed class ConfigSchemaTests
{
    private const string Rest = "listeners: [ { address: 127.0.0.1:8080 } ]\n";

    private static readonly string SchemaPath = Path.Combine(Repository.Root, "docs/bimetal.schema.json");

    [Fact]
    public void PublishedSchema_IsWhatTheReadersKnow()
    {
        string known = ConfigSchema.Write();
        if (Environment.GetEnvironmentVariable("BLESS") == "1") File.WriteAllText(SchemaPath, known);
        Assert.True(File.Exists(SchemaPath) && File.ReadAllText(SchemaPath) == known, "the readers know other keys than docs/bimetal.schema.json: run BLESS=1 ./test Gateway, and read the diff");
    }

    [Fact]
    public void Schema_HasEverySection()
    {
        using var schema = JsonDocument.Parse(ConfigSchema.Write());
        string[] sections = [.. schema.RootElement.GetProperty("properties").EnumerateObject().Select(section => section.Name)];
        Assert.Superset(new HashSet<string> { "listeners", "admin", "telemetry", "upstreams", "plugins", "routes" }, new HashSet<string>(sections));
        var route = schema.RootElement.GetProperty("properties").GetProperty("routes").GetProperty("items").GetProperty("properties");
        Assert.True(route.GetProperty("match").GetProperty("properties").TryGetProperty("headers", out _));
        Assert.False(route.GetProperty("filters").GetProperty("items").GetProperty("additionalProperties").GetBoolean());
    }

    [Fact]
    public async Task Ajv_TakesTheExamplesOfTheDocuments_AndRefusesMistakes()
    {
        var examples = Directory.GetFiles(Path.Combine(Repository.Root, "docs"), "*.md").SelectMany(Examples).ToList();
        string[] mistakes =
        [
            Rest + "listners: []\n",
            Rest + "upstreams: { a: { endpoints: [http://x], balanc: x } }\n",
            Rest + "upstreams: { a: { endpoints: [http://x], balance: fastest } }\n",
            Rest + "upstreams: { a: { endpoints: [http://x], timeouts: { connect: 5 } } }\n",
            Rest + "upstreams: { a: { endpoints: [http://x], retries: { attempts: 11 } } }\n",
            Rest + "upstreams: { a: {} }\n",
            Rest + "routes: [ { upstream: a } ]\n",
            Rest + "routes: [ { match: { path: /, headers: { a: { regex: b } } }, upstream: a } ]\n",
            Rest + "routes: [ { match: { path: / }, filters: [ { request_id: {}, plugin: x } ] } ]\n",
            Rest + "plugins: { p: { bundle: x, limits: { cpuu: 1ms } } }\n",
        ];
        Assert.True(examples.Count > 0);
        string ajv = await InstallAsync();
        var input = new StringBuilder("[");
        input.AppendJoin(',', examples.Select(example => Json(example.Text)).Concat(mistakes.Select(Json)));
        string[] results = (await RunAsync("node", [Path.Combine(Repository.Root, "tests/Bimetal.Gateway/Schema/validate.mjs"), ajv, SchemaPath], input.Append(']').ToString())).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(examples.Count + mistakes.Length, results.Length);
        for (int index = 0; index < examples.Count; index++) Assert.True(results[index] == "ok", $"{examples[index].Place}: {results[index]}\n{examples[index].Text}");
        for (int index = 0; index < mistakes.Length; index++) Assert.True(results[examples.Count + index] != "ok", "was taken: " + mistakes[index]);
    }

    // Every block of YAML with sections of the gateway's configuration; a part is one, too.
    private static IEnumerable<(string Place, string Text)> Examples(string path)
    {
        string[] blocks = File.ReadAllText(path).Split("```yaml\n");
        string[] sections = ["listeners:", "upstreams:", "routes:", "plugins:", "admin:", "telemetry:", "redis:", "shutdown:"];
        for (int block = 1; block < blocks.Length; block++)
        {
            string text = blocks[block].Split("```")[0];
            if (sections.Any(section => text.Split('\n').Any(line => line.StartsWith(section, StringComparison.Ordinal)))) yield return ($"{Path.GetFileName(path)}, block {block}", text);
        }
    }

    private static string Json(string yaml)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(yaml));
        return Encoding.UTF8.GetString(YamlToJson.Convert(stream.Documents[0].RootNode, "", new ConfigReport("", "/")).Span);
    }

    private static async Task<string> InstallAsync()
    {
        string folder = Path.Combine(Repository.Root, "artifacts/ajv");
        string module = Path.Combine(folder, "node_modules/ajv");
        if (Directory.Exists(module)) return module;
        Directory.CreateDirectory(folder);
        try
        {
            await RunAsync("npm", ["install", "--prefix", folder, "--no-audit", "--no-fund", "--silent", "ajv@8.17.1"], "");
        }
        catch (Exception exception) when (exception is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            Assert.Skip("npm cannot install ajv here: " + exception.Message);
        }

        return module;
    }

    private static async Task<string> RunAsync(string command, string[] arguments, string input)
    {
        using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{command} ended with {process.ExitCode}: {await error}");
        return output;
    }
}
