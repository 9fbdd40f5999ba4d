// A plugin of the published gateway asks an upstream of the configuration before it answers: proxy_http_call over real sockets.

using System.Globalization;
using System.Text;
using Bimetal.Testing;

namespace Bimetal.EndToEnd.Tests;

public sealed class CalloutTests
{
    [Theory]
    [InlineData("per-request")]
    [InlineData("shared")]
    public async Task Answer_OfACallout_IsWhatTheClientGets(string instance)
    {
        await using var upstream = new LoopbackUpstream();
        await using var keys = new LoopbackUpstream();
        await using var gateway = await RunningGateway.StartAsync(folder =>
        {
            folder.Write("asks.wasm", Module("keys"));
            folder.Write("asks-nobody.wasm", Module("nobody"));
            return $$"""
                upstreams: { up: { endpoints: [{{upstream.Url}}] }, keys: { endpoints: [{{keys.Url}}] } }
                plugins:
                  asks: { bundle: asks.wasm, instance: {{instance}} }
                  asks-nobody: { bundle: asks-nobody.wasm, instance: {{instance}} }
                routes:
                  - { match: { path: "/asks/{rest...}" }, filters: [ { plugin: asks } ], upstream: up }
                  - { match: { path: "/nobody/{rest...}" }, filters: [ { plugin: asks-nobody } ], upstream: up }

                """;
        });
        Assert.Equal(200, (await gateway.GetAsync("/nobody/x")).Status);
        for (int request = 0; request < 20; request++)
        {
            var answer = await gateway.GetAsync("/asks/x");
            Assert.Equal((201, "GET /keys HTTP/1.1\n"), (answer.Status, answer.Body));
        }

        Assert.Equal((1, 20), (upstream.Requests, keys.Requests));
    }

    /// <summary>The same from a plugin in C (tests/Plugins/caller), on either metal: 200 and one becomes 201, and what it does not ask for passes.</summary>
    [Theory]
    [InlineData("native")]
    [InlineData("wasm")]
    public async Task Answer_ToAPluginInC_IsWhatTheClientGets(string metal)
    {
        string plugin = Path.Combine(Repository.Root, "tests/Plugins/caller");
        var built = await BimetalProcess.RunAsync(["build", plugin]);
        Assert.True(built.ExitCode == 0, built.Error);
        await using var upstream = new LoopbackUpstream();
        await using var keys = new LoopbackUpstream();
        await using var gateway = await RunningGateway.StartAsync(_ =>
            $$"""
            upstreams: { up: { endpoints: [{{upstream.Url}}] }, keys: { endpoints: [{{keys.Url}}] } }
            plugins: { caller: { bundle: {{plugin}}, trust: first-party, metal: {{metal}} } }
            routes: [ { match: { path: "/{rest...}" }, filters: [ { plugin: caller } ], upstream: up } ]

            """);
        Assert.Equal(200, (await AskAsync(gateway, "nothing")).Status);
        for (int request = 0; request < 20; request++)
            Assert.Equal((201, "GET /k HTTP/1.1\n"), await AskAsync(gateway, "get"));
        Assert.Equal((1, 20), (upstream.Requests, keys.Requests));
    }

    private static async Task<(int Status, string Body)> AskAsync(RunningGateway gateway, string what)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("/x", UriKind.Relative));
        request.Headers.Add("x-do", what);
        using var response = await gateway.Client.SendAsync(request);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>Pauses the request, and answers it with 201 and the callout's body; goes on when there is no such upstream.</summary>
    private static byte[] Module(string upstream)
    {
        (string Name, string Value)[] fields = [(":method", "GET"), (":path", "/keys"), (":authority", "keys.test")];
        var pairs = new List<byte>(BitConverter.GetBytes(fields.Length));
        foreach (var (name, value) in fields) pairs.AddRange([.. BitConverter.GetBytes(name.Length), .. BitConverter.GetBytes(value.Length)]);
        foreach (var (name, value) in fields) pairs.AddRange(Encoding.ASCII.GetBytes($"{name}\0{value}\0"));
        string data = string.Concat(pairs.Select(one => $"\\{one.ToString("x2", CultureInfo.InvariantCulture)}"));
        return Wat.ToWasm(
            $"""
            (module
              (import "env" "proxy_http_call" (func $call (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
              (import "env" "proxy_get_buffer_bytes" (func $bytes (param i32 i32 i32 i32 i32) (result i32)))
              (import "env" "proxy_send_local_response" (func $answer (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
              (memory (export "memory") 2)
              (data (i32.const 1024) "{upstream}")
              (data (i32.const 2048) "{data}")
              (func (export "proxy_abi_version_0_2_1"))
              (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 65536))
              (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
                (i32.eqz (call $call (i32.const 1024) (i32.const {upstream.Length}) (i32.const 2048) (i32.const {pairs.Count})
                  (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 5000) (i32.const 512))))
              (func (export "proxy_on_http_call_response") (param i32 i32 i32 i32 i32)
                (drop (call $bytes (i32.const 4) (i32.const 0) (i32.const 1000) (i32.const 520) (i32.const 524)))
                (drop (call $answer (i32.const 201) (i32.const 0) (i32.const 0) (i32.load (i32.const 520)) (i32.load (i32.const 524))
                  (i32.const 0) (i32.const 0) (i32.const -1)))))
            """);
    }
}
