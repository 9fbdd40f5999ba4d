// The configuration of the demo, as the text that a user could have written.

using System.Net;

namespace Bimetal.Gateway.Demo;

internal static class DemoConfiguration
{
    public static string Text(IPEndPoint listener, IPEndPoint upstream, DemoOptions options) => $$"""
        # Written by `bimetal demo`. One first-party plugin on the native metal, one that is treated like a stranger's on wasm.
        listeners: [ { address: "{{listener}}" } ]
        admin: { address: 127.0.0.1:0 }
        upstreams:
          demo: { endpoints: ["http://{{upstream}}"], timeouts: { connect: 1s, headers: 10s, idle: 60s } }
        plugins:
          token-auth:
            bundle: {{Quoted(options.TokenAuthFolder)}}
            trust: first-party
            metal: native
            latency_budget: 500us
            config: { key: "{{DemoToken.Key}}" }
          image-meta:
            bundle: {{Quoted(options.ImageMetaFolder)}}
            latency_budget: 500us
        routes:
          - match: { path: "/api/{rest...}" }
            latency_budget: 10ms
            filters: [ { request_id: {} }, { plugin: token-auth } ]
            upstream: demo
          - match: { path: "/images/{rest...}" }
            latency_budget: 10ms
            filters: [ { plugin: image-meta } ]
            upstream: demo
          - match: { path: "/" }
            upstream: demo

        """;

    // YAML's single quotes take everything but themselves.
    private static string Quoted(string text) => "'" + text.Replace("'", "''", StringComparison.Ordinal) + "'";
}
