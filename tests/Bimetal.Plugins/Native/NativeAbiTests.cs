// The C# mirror of bimetal.h against what clang lays out.

using System.Diagnostics;
using Bimetal.Plugins.Native;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Native;

public sealed unsafe class NativeAbiTests
{
    private const string Probe = """
        #include <bimetal.h>
        #include <stdio.h>
        #define HOST(f) printf("host.%s %zu\n", #f, offsetof(bimetal_host, f))
        #define PLUGIN(f) printf("plugin.%s %zu\n", #f, offsetof(bimetal_plugin, f))
        int main(void) {
          printf("sizes %zu %zu %zu %zu\n", sizeof(bimetal_slice), sizeof(bimetal_field), sizeof(bimetal_host), sizeof(bimetal_plugin));
          HOST(handle); HOST(header_get); HOST(header_set); HOST(header_add); HOST(header_remove); HOST(header_count); HOST(header_at);
          HOST(buffer_get); HOST(buffer_replace); HOST(send_local_response); HOST(continue_stream); HOST(property_get); HOST(log);
          HOST(log_level); HOST(clock); HOST(shared_get); HOST(shared_set); HOST(metric_define); HOST(metric_increment); HOST(metric_record);
          HOST(metric_get); HOST(queue_open); HOST(queue_push); HOST(queue_pop); HOST(tick_every);
          HOST(close_stream); HOST(property_set); HOST(foreign_call); HOST(http_call); HOST(stream_enter); HOST(stream_leave); HOST(stream_done);
          PLUGIN(plugin); PLUGIN(stream_state_size); PLUGIN(configure); PLUGIN(stream_begin); PLUGIN(stream_end); PLUGIN(request_headers);
          PLUGIN(request_body); PLUGIN(request_trailers); PLUGIN(response_headers); PLUGIN(response_body); PLUGIN(response_trailers); PLUGIN(log); PLUGIN(tick);
          PLUGIN(queue_ready); PLUGIN(http_response); PLUGIN(retire); PLUGIN(start); PLUGIN(done);
          printf("http %zu %zu %zu %zu %zu\n", sizeof(bimetal_http_request), sizeof(bimetal_http_response), offsetof(bimetal_http_request, timeout_ms),
                 offsetof(bimetal_http_request, trailers), offsetof(bimetal_http_response, body));
        }
        """;

    // SAFETY: only addresses inside local structs are taken.
    [Fact]
    public void Layout_OfEveryField_IsWhatClangSays()
    {
        NativeHostTable host;
        NativePluginTable plugin;
        NativeHttpRequest request;
        NativeHttpResponse response;
        void* hostStart = &host, pluginStart = &plugin;
        long Host(void* field) => (byte*)field - (byte*)hostStart;
        long Plugin(void* field) => (byte*)field - (byte*)pluginStart;
        string[] expected =
        [
            $"sizes {sizeof(NativeSlice)} {sizeof(NativeField)} {sizeof(NativeHostTable)} {sizeof(NativePluginTable)}",
            $"host.handle {Host(&host.Handle)}", $"host.header_get {Host(&host.HeaderGet)}", $"host.header_set {Host(&host.HeaderSet)}",
            $"host.header_add {Host(&host.HeaderAdd)}", $"host.header_remove {Host(&host.HeaderRemove)}", $"host.header_count {Host(&host.HeaderCount)}",
            $"host.header_at {Host(&host.HeaderAt)}", $"host.buffer_get {Host(&host.BufferGet)}", $"host.buffer_replace {Host(&host.BufferReplace)}",
            $"host.send_local_response {Host(&host.SendLocalResponse)}", $"host.continue_stream {Host(&host.ContinueStream)}",
            $"host.property_get {Host(&host.PropertyGet)}", $"host.log {Host(&host.Log)}", $"host.log_level {Host(&host.LogLevel)}", $"host.clock {Host(&host.Clock)}",
            $"host.shared_get {Host(&host.SharedGet)}", $"host.shared_set {Host(&host.SharedSet)}",
            $"host.metric_define {Host(&host.MetricDefine)}", $"host.metric_increment {Host(&host.MetricIncrement)}", $"host.metric_record {Host(&host.MetricRecord)}",
            $"host.metric_get {Host(&host.MetricGet)}", $"host.queue_open {Host(&host.QueueOpen)}", $"host.queue_push {Host(&host.QueuePush)}",
            $"host.queue_pop {Host(&host.QueuePop)}", $"host.tick_every {Host(&host.TickEvery)}",
            $"host.close_stream {Host(&host.CloseStream)}", $"host.property_set {Host(&host.PropertySet)}", $"host.foreign_call {Host(&host.ForeignCall)}",
            $"host.http_call {Host(&host.HttpCall)}", $"host.stream_enter {Host(&host.StreamEnter)}", $"host.stream_leave {Host(&host.StreamLeave)}",
            $"host.stream_done {Host(&host.StreamDone)}",
            $"plugin.plugin {Plugin(&plugin.Plugin)}", $"plugin.stream_state_size {Plugin(&plugin.StreamStateBytes)}", $"plugin.configure {Plugin(&plugin.Configure)}",
            $"plugin.stream_begin {Plugin(&plugin.StreamBegin)}", $"plugin.stream_end {Plugin(&plugin.StreamEnd)}",
            $"plugin.request_headers {Plugin(&plugin.RequestHeaders)}", $"plugin.request_body {Plugin(&plugin.RequestBody)}",
            $"plugin.request_trailers {Plugin(&plugin.RequestTrailers)}", $"plugin.response_headers {Plugin(&plugin.ResponseHeaders)}",
            $"plugin.response_body {Plugin(&plugin.ResponseBody)}", $"plugin.response_trailers {Plugin(&plugin.ResponseTrailers)}", $"plugin.log {Plugin(&plugin.Log)}",
            $"plugin.tick {Plugin(&plugin.Tick)}", $"plugin.queue_ready {Plugin(&plugin.QueueReady)}", $"plugin.http_response {Plugin(&plugin.HttpResponse)}",
            $"plugin.retire {Plugin(&plugin.Retire)}", $"plugin.start {Plugin(&plugin.Start)}", $"plugin.done {Plugin(&plugin.Done)}",
            $"http {sizeof(NativeHttpRequest)} {sizeof(NativeHttpResponse)} {(byte*)&request.TimeoutMs - (byte*)&request} "
                + $"{(byte*)&request.Trailers - (byte*)&request} {(byte*)&response.Body - (byte*)&response}",
        ];
        Assert.Equal(expected, RunProbe());
    }

    private static string[] RunProbe()
    {
        using var folder = new TemporaryFolder();
        string program = Path.Combine(folder.Path, "probe");
        NativeObject.Clang(["-I", Path.Combine(Repository.Root, "native/include"), folder.Write("probe.c", Probe), "-o", program]);
        using var process = Process.Start(new ProcessStartInfo(program) { RedirectStandardOutput = true })!;
        return process.StandardOutput.ReadToEnd().TrimEnd().Split('\n');
    }
}
