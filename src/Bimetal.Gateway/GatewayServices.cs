// What every exchange needs beside the model: clock, logs, ids.

using Bimetal.Gateway.Telemetry;
using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway;

/// <summary>Thread-safe; lives as long as the gateway.</summary>
/// <param name="NewErrorId">Makes the id of an error answer.</param>
internal sealed record GatewayServices(TimeProvider Time, ILogger Log, AccessLog? AccessLog, Func<string> NewErrorId);
