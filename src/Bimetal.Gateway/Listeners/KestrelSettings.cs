// Kestrel without the web framework around it: every limit set by name.

using System.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Limits;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Bimetal.Gateway.Listeners;

internal static class KestrelSettings
{
    public static KestrelServerOptions Of(ListenerLimits listener)
    {
        var options = new KestrelServerOptions
        {
            AddServerHeader = false,
            AllowSynchronousIO = false,

            RequestHeaderEncodingSelector = FieldEncodings.OfRequestField,
            ResponseHeaderEncodingSelector = static _ => Encoding.Latin1,
        };
        var limits = options.Limits;
        limits.MaxRequestLineSize = listener.HeaderBytes;
        limits.MaxRequestHeadersTotalSize = listener.HeaderBytes;
        limits.MaxRequestHeaderCount = listener.HeaderCount;
        limits.MaxRequestBufferSize = GatewayLimits.RequestReadAheadBytes;
        limits.MaxResponseBufferSize = GatewayLimits.ResponseWriteBehindBytes;
        limits.RequestHeadersTimeout = listener.HeaderTimeout;
        limits.KeepAliveTimeout = listener.IdleTimeout;

        // Bodies stream, so they have no size of their own; an idle timeout per exchange takes the place of a data rate, which would cut
        // long polls, event streams and clients that pause.
        limits.MaxRequestBodySize = null;
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
        return options;
    }
}
