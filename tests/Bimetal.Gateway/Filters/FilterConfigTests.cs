// What is wrong with the configuration of a built-in filter is said with its line, its key and a way out.

using Bimetal.Gateway.Configuration;

namespace Bimetal.Gateway.Tests.Filters;

public sealed class FilterConfigTests
{
    private const string Secret32 = "0123456789abcdef0123456789abcdef";

    [Theory]
    [InlineData("jwt: {}", "jwt.algorithms: is required; write the algorithms")]
    [InlineData("jwt: { algorithms: [HS256] }", "jwt.algorithms: there is no key to verify with; write one of secret,")]
    [InlineData("jwt: { algorithms: [none], secret: " + Secret32 + " }", "jwt.algorithms: 'none' is not an algorithm that can be allowed")]
    [InlineData("jwt: { algorithms: [hs256], secret: " + Secret32 + " }", "did you mean 'HS256'?")]
    [InlineData("jwt: { algorithms: [HS256, RS256], secret: " + Secret32 + " }", "HS algorithms cannot be mixed with those of public keys")]
    [InlineData("jwt: { algorithms: [HS256], secret: short }", "HS256 is allowed, but no key is for it; it needs a secret of at least 32 bytes")]
    [InlineData("jwt: { algorithms: [HS384], secret: " + Secret32 + " }", "it needs a secret of at least 48 bytes")]
    [InlineData("jwt: { algorithms: [HS256], secret: " + Secret32 + ", audiences: x }", "jwt.audiences: unknown key; did you mean 'audience'?")]
    [InlineData("jwt: { algorithms: [HS256], secret_file: nowhere }", "jwt.secret_file: there is no file /nowhere")]
    [InlineData("jwt: { algorithms: [RS256], public_key_file: proc/self/status }", "jwt.public_key_file: the file is not a PEM public key")]
    [InlineData("jwt: { algorithms: [RS256], jwks_url: \"ftp://x\" }", "jwt.jwks_url: 'ftp://x' is not a URL of a key set")]
    [InlineData("jwt: { algorithms: [HS256], secret: " + Secret32 + ", from: { cookie: a, query: b } }", "jwt.from: names one place exactly")]
    [InlineData("jwt: { algorithms: [HS256], secret: " + Secret32 + ", from: { cookie: a }, forward_token: false }", "jwt.forward_token: only a token in a header")]
    [InlineData("jwt: { algorithms: [HS256], secret: " + Secret32 + ", claims_to_headers: { sub: host } }", "jwt.claims_to_headers.sub: 'host' is not a field that can be set")]
    [InlineData("jwt: { algorithms: [HS256], secret: " + Secret32 + ", clock_skew: 2h }", "jwt.clock_skew: is longer than an hour")]
    [InlineData("rate_limit: {}", "rate_limit.requests: is required")]
    [InlineData("rate_limit: { requests: 0 }", "rate_limit.requests: '0' is not a count")]
    [InlineData("rate_limit: { requests: 1, per: 24h, burst: 1000000 }", "rate_limit.burst: an empty bucket would need more than a year")]
    [InlineData("rate_limit: { requests: 1, key: ip }", "rate_limit.key: 'ip' is not known here")]
    [InlineData("rate_limit: { requests: 1, key: { header: a, claim: b } }", "rate_limit.key: names one thing to count by")]
    [InlineData("rate_limit: { requests: 1, per: 10us }", "rate_limit.per: must be a millisecond or more")]
    [InlineData("rate_limit: { requests: 1, rate: 2 }", "rate_limit.rate: unknown key")]
    [InlineData("rate_limit: { requests: 1, store: redis }", "rate_limit.store: needs a name")]
    [InlineData("rate_limit: { requests: 1, store: redis, name: a }", "rate_limit.store: there is no section redis:")]
    [InlineData("rate_limit: { requests: 1, on_unavailable: open }", "rate_limit.on_unavailable: is for store: redis")]
    [InlineData("headers: { request: { add: { content-length: \"1\" } } }", "headers.request.add.content-length: 'content-length' is not a field that can be set")]
    [InlineData("headers: { request: { set: { x-a: \"b\\r\\nx-b: c\" } } }", "headers.request.set.x-a: is not a field value")]
    [InlineData("headers: { response: { add: { \"x a\": b } } }", "is not a field that can be set")]
    [InlineData("headers: { request: { remove: [transfer-encoding] } }", "'transfer-encoding' is not a field that can be")]
    [InlineData("request_id: { header: \"x a\" }", "request_id.header: 'x a' cannot be set")]
    [InlineData("request_id: { header: host }", "request_id.header: 'host' cannot be set")]
    [InlineData("api_key: {}", "api_key.keys: there are no keys")]
    [InlineData("api_key: { keys: { a: secret } }", "api_key.keys.a: is not the hash of a key: keys themselves do not stand in configurations; write sha256:")]
    [InlineData("api_key: { keys: { a: sha256:00 } }", "api_key.keys.a: is not the hash")]
    [InlineData("api_key: { keys_file: etc/hostname }", "api_key.keys_file: line 1 is not a name and a hash")]
    [InlineData("basic_auth: {}", "basic_auth.users: there are no users")]
    [InlineData("basic_auth: { users: { a: \"$apr1$x$y\" } }", "basic_auth.users.a: has no password hash that is taken")]
    [InlineData("ip_filter: {}", "ip_filter.allow: there is no list")]
    [InlineData("ip_filter: { allow: [10.0.0.1/8] }", "ip_filter.allow: '10.0.0.1/8' has bits set behind its prefix of 8")]
    [InlineData("ip_filter: { deny: [10] }", "ip_filter.deny: '10' is not an address")]
    [InlineData("ip_filter: { deny: [010.0.0.1] }", "ip_filter.deny: '010.0.0.1' is not an address")]
    [InlineData("ip_filter: { deny: [\"fe80::1%eth0\"] }", "is not an address")]
    [InlineData("ip_filter: { deny: [10.0.0.0/33] }", "has no prefix length from 0 to 32")]
    [InlineData("ip_filter: { deny: [\"::ffff:10.0.0.1\"] }", "write it as IPv4")]
    [InlineData("ip_filter: { allow: [10.0.0.0/8], deny: [10.0.0.0/8] }", "ip_filter.deny: '10.0.0.0/8' stands in both lists")]
    [InlineData("cors: {}", "cors.origins: is required")]
    [InlineData("cors: { origins: \"*\", credentials: true }", "cors.credentials: cannot stand beside '*'")]
    [InlineData("cors: { origins: [\"*\", https://a.example] }", "cors.origins: '*' is every origin")]
    [InlineData("cors: { origins: [\"null\"] }", "cors.origins: 'null' is not an origin")]
    [InlineData("redirect: {}", "redirect.to: is required")]
    [InlineData("redirect: { to: \"{path}\" }", "redirect.to: '{path}' is neither a path nor an http URL")]
    [InlineData("redirect: { to: /x, status: 200 }", "redirect.status: '200' is not known here")]
    [InlineData("body_limit: {}", "body_limit.request: there is no limit")]
    [InlineData("body_limit: { request: 10 }", "body_limit.request: '10' is not a size")]
    [InlineData("image_meta: { required: true }", "image_meta.required: is for uploads")]
    [InlineData("image_meta: { on: request, transform: {} }", "image_meta.transform: is for responses")]
    [InlineData("image_meta: { transform: { formats: [jpg] } }", "image_meta.transform.formats: 'jpg' is not known here; did you mean 'jpeg'?")]
    [InlineData("image_meta: { transform: { widths: [0] } }", "image_meta.transform.widths: '0' is not a width")]
    [InlineData("image_meta: { max_pixels: 0 }", "image_meta.max_pixels: '0' is not a count")]
    [InlineData("event_window: { events: 1 }", "event_window.field: is required")]
    [InlineData("event_window: { field: a }", "event_window.events: a window ends by one thing")]
    [InlineData("event_window: { field: a, events: 1, seconds: 1 }", "event_window.events: a window ends by one thing")]
    [InlineData("event_window: { field: a, events: 1, time: t }", "event_window.time: is for windows of time")]
    [InlineData("event_window: { field: a, events: 1, format: csv }", "event_window.format: 'csv' is not known here")]
    [InlineData("rate_limits: { requests: 1 }", "unknown key; did you mean 'rate_limit'?")]
    public void Mistakes_AreReported(string filter, string expected)
    {
        var result = ConfigReader.Parse(
            $$"""
            listeners: [ { address: 127.0.0.1:8080 } ]
            upstreams: { up: { endpoints: [http://127.0.0.1:9] } }
            routes:
              - match: { path: "/{rest...}" }
                upstream: up
                filters:
                  - {{filter}}
            """,
            "g.yaml", "/");
        Assert.Contains(result.Errors, error => error.ToString().StartsWith("g.yaml:7: routes[0].filters[0]", StringComparison.Ordinal) && error.ToString().Contains(expected, StringComparison.Ordinal));
    }
}
