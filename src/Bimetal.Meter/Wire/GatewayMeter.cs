// A request through the gateway, over loopback, at a fixed rate: without the plugin, with it on native and with it on wasm, in turns. What is waited for
// the gateway because it fell behind counts: the clock of a request starts when it was due, not when it could be sent.

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Bimetal.Gateway;
using Bimetal.Gateway.Configuration;
using Bimetal.Meter.Report;
using Bimetal.Meter.Statistics;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles.Cases;

namespace Bimetal.Meter.Wire;

/// <summary>Measures requests on the wire.</summary>
internal static class GatewayMeter
{
    private const int RequestsPerSecond = 900;
    private const int WarmUpRequests = 300;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    // The route is told by the host, so that path and fields stay those of the case.
    private static readonly string[] s_kinds = ["plain", "native", "wasm"];

    /// <summary>Measures a subject; null where none of its good cases is a request without a body, or the metals may not both be loaded.</summary>
    /// <exception cref="PluginLoadException">The gateway does not start.</exception>
    public static async Task<GatewayFigures?> TryMeasureAsync(BenchSubject subject, TimeSpan duration, CancellationToken cancellation)
    {
        if (!subject.MayRunNative || subject.Cases.FirstOrDefault(one => one.Request.Chunks.Count == 0) is not { } one) return null;
        var clock = new CaseClock();
        clock.Set(one.Clock);
        var services = new PluginHostServices { Time = clock };
        var options = new GatewayOptions
        {
            PluginServices = services,
            LoadPlugin = (config, token) => PluginLoader.LoadAsync(
                subject.ConfigFor(config.Name == "native" ? Metal.Native : Metal.Wasm, InstancePolicy.PerRequest) with { Name = config.Name }, services, token),
        };
        try
        {
            await using var host = await GatewayHost.StartAsync(Configuration(subject), options, cancellation);
            return await MeasureAsync(host.Listeners[0].Address, one, duration, cancellation);
        }
        catch (Exception exception) when (exception is GatewayStartException or SocketException or IOException)
        {
            throw new PluginLoadException($"{subject.Name}: no figures through the gateway: {exception.Message}", exception);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new PluginLoadException($"{subject.Name}: no figures through the gateway: it fell behind by more than {s_patience.TotalSeconds} s");
        }
    }

    private static GatewayConfig Configuration(BenchSubject subject)
    {
        string bundle = "'" + subject.Config.Bundle.Replace("'", "''", StringComparison.Ordinal) + "'";
        string text = $$"""
            listeners: [ { address: 127.0.0.1:0 } ]
            plugins:
              native: { bundle: {{bundle}}, trust: first-party, metal: native }
              wasm: { bundle: {{bundle}}, trust: first-party, metal: wasm, instance: per-request }
            routes:
              - { match: { host: plain.test }, response: { body: ok } }
              - { match: { host: native.test }, filters: [ { plugin: native } ], response: { body: ok } }
              - { match: { host: wasm.test }, filters: [ { plugin: wasm } ], response: { body: ok } }
            """;
        var (config, errors) = ConfigReader.Parse(text, "bench", Environment.CurrentDirectory);
        return config ?? throw new PluginLoadException(string.Join(Environment.NewLine, errors));
    }

    private static async Task<GatewayFigures> MeasureAsync(IPEndPoint address, PluginCase one, TimeSpan duration, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(duration + s_patience);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(address, limit.Token);
        byte[][] requests = [.. s_kinds.Select(kind => Request(one, kind))];
        var times = s_kinds.Select(_ => new List<double>()).ToArray();
        byte[] buffer = new byte[64 << 10];
        int count = (int)(duration.TotalSeconds * RequestsPerSecond);
        double ticksApart = (double)Stopwatch.Frequency / RequestsPerSecond;
        for (int request = 0; request < WarmUpRequests; request++) await ExchangeAsync(socket, requests[request % s_kinds.Length], buffer, limit.Token);
        long started = Stopwatch.GetTimestamp();
        for (int request = 0; request < count; request++)
        {
            int kind = request % s_kinds.Length;
            long due = started + (long)(request * ticksApart);
            WaitUntil(due);
            await ExchangeAsync(socket, requests[kind], buffer, limit.Token);
            times[kind].Add(Stopwatch.GetElapsedTime(due).TotalMicroseconds);
        }

        double Figure(int kind, double share) => Math.Round(Quantile.Of(times[kind], share), 1);
        // Requests of one round of turns are a pair: a millisecond apart.
        int pairs = times.Min(list => list.Count);
        var tax = PairedComparison.Of(times[1][..pairs], times[2][..pairs]);
        return new GatewayFigures
        {
            RequestsPerSecond = RequestsPerSecond,
            Requests = count,
            PlainP50Us = Figure(0, 0.5), PlainP99Us = Figure(0, 0.99),
            NativeP50Us = Figure(1, 0.5), NativeP99Us = Figure(1, 0.99),
            WasmP50Us = Figure(2, 0.5), WasmP99Us = Figure(2, 0.99),
            TaxIntervalUs = [Math.Round(tax.DeltaInterval.Low, 1), Math.Round(tax.DeltaInterval.High, 1)],
            Verdict = BenchVerdict.Of(tax.Verdict),
        };
    }

    // Sleeping until shortly before: a timer is late by more than a request takes.
    private static void WaitUntil(long due)
    {
        var left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
        if (left > TimeSpan.FromMilliseconds(1)) Thread.Sleep(left - TimeSpan.FromMilliseconds(0.6));
        while (Stopwatch.GetTimestamp() < due) Thread.SpinWait(10);
    }

    private static async Task ExchangeAsync(Socket socket, byte[] request, byte[] buffer, CancellationToken cancellation)
    {
        await socket.SendAsync(request, cancellation);
        int length = 0;
        while (true)
        {
            int read = await socket.ReceiveAsync(buffer.AsMemory(length), cancellation);
            if (read == 0) throw new IOException("the gateway closed the connection");
            length += read;
            if (IsWhole(buffer.AsSpan(0, length))) return;
        }
    }

    private static bool IsWhole(ReadOnlySpan<byte> answer)
    {
        int end = answer.IndexOf("\r\n\r\n"u8);
        if (end < 0) return false;
        string head = Encoding.Latin1.GetString(answer[..end]).ToLowerInvariant();
        int at = head.IndexOf("content-length: ", StringComparison.Ordinal);
        if (at < 0) return head.Contains("chunked", StringComparison.Ordinal) ? answer.EndsWith("0\r\n\r\n"u8) : true;
        int from = at + "content-length: ".Length;
        int to = head.IndexOf('\r', from);
        return answer.Length - end - 4 >= int.Parse(head.AsSpan(from, (to < 0 ? head.Length : to) - from));
    }

    private static byte[] Request(PluginCase one, string kind)
    {
        string Field(string name) => one.Request.Fields.Where(field => Encoding.Latin1.GetString(field.Name.Span) == name).Select(field => Encoding.Latin1.GetString(field.Value.Span)).First();
        var text = new StringBuilder($"{Field(":method")} {Field(":path")} HTTP/1.1\r\nhost: {kind}.test\r\n");
        foreach (var (name, value) in one.Request.Fields)
        {
            string field = Encoding.Latin1.GetString(name.Span);
            if (!field.StartsWith(':') && field is not ("host" or "content-length" or "connection")) text.Append($"{field}: {Encoding.Latin1.GetString(value.Span)}\r\n");
        }

        return Encoding.Latin1.GetBytes(text.Append("\r\n").ToString());
    }
}
