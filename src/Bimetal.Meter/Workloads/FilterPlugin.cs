// A built-in filter in the place of a plugin, so that the same driver measures and judges both.

using Bimetal.Gateway.Filters;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Streams;

namespace Bimetal.Meter.Workloads;

/// <summary>Runs a filter; owns it.</summary>
internal sealed class FilterPlugin(DetachedFilter detached) : Plugin
{
    private static readonly int s_bodyLimitBytes = new PluginLimits().BodyBufferBytes;

    public override Metal Metal => Metal.Native;

    public override PluginStream? TryBegin(HttpStream stream, out PluginFailure? failure)
    {
        var begun = detached.Filter.Begin(stream, out var error);
        failure = error is null ? null : new PluginFailure(FailureKind.Load, error.ToString());
        return error is null ? new Stream(this, stream, begun) : null;
    }

    public override ValueTask DisposeAsync() => detached.DisposeAsync();

    /// <param name="filter">Null: the filter takes no further part.</param>
    private sealed class Stream(FilterPlugin plugin, HttpStream stream, FilterStream? filter) : PluginStream(plugin, stream, s_bodyLimitBytes)
    {
        public override bool WantsRequestBody => filter?.WantsRequestBody == true;

        public override bool WantsResponseBody => filter?.WantsResponseBody == true;

        protected override FilterAction Invoke(StreamCallback callback, int size, bool endOfStream)
        {
            if (filter is null) return FilterAction.Continue;
            View.Enter(callback, endOfStream);
            var action = Call(filter, callback, endOfStream);
            if (filter.Error is { } error) Fail(new PluginFailure(FailureKind.Trap, error.ToString()));
            if (filter.Answer is { } answer && LocalResponse is null) View.SendLocalResponse(answer.Status, answer.Headers, answer.Body.ToArray(), answer.GrpcStatus);
            return View.Leave(action);
        }

        protected override void Release() => filter?.Dispose();

        private FilterAction Call(FilterStream filter, StreamCallback callback, bool endOfStream)
        {
            switch (callback)
            {
                case StreamCallback.RequestHeaders:
                    return filter.OnRequestHeaders(endOfStream);
                case StreamCallback.ResponseHeaders:
                    return filter.OnResponseHeaders(endOfStream);
                case StreamCallback.RequestBody:
                    return WithBody(filter, RequestBody, filter.RequestBody, isRequest: true, endOfStream);
                case StreamCallback.ResponseBody:
                    return WithBody(filter, ResponseBody, filter.ResponseBody, isRequest: false, endOfStream);
                case StreamCallback.Log:
                    filter.OnLog();
                    return FilterAction.Continue;
                default:
                    return FilterAction.Continue;
            }
        }

        /// <summary>A filter has a buffer of its own, into which the gateway reads. Here the chunk comes from the driver's and the rest goes back there.</summary>
        private static FilterAction WithBody(FilterStream filter, BodyBuffer outer, BodyBuffer? own, bool isRequest, bool endOfStream)
        {
            if (own is not null)
            {
                // While the filter holds a body, the driver holds it as well: only what is new is handed over.
                own.TryAppend(outer.Span[own.Length..]);
            }

            var action = isRequest ? filter.OnRequestBody(endOfStream) : filter.OnResponseBody(endOfStream);
            if (own is null || action == FilterAction.Pause) return action;
            if (filter.ChangesBody) outer.TryReplace(0, outer.Length, own.Span);
            own.Clear();
            return action;
        }
    }
}
