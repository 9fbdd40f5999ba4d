// Why a message does not go on through its chain: a filter answered, failed closed, or broke the exchange off.

using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Pipeline;

/// <summary>Exactly one of <paramref name="Answer"/> and <paramref name="Error"/>, or neither: the exchange is broken off.</summary>
/// <param name="By">Name of the filter.</param>
internal sealed record FlowStop(string By, LocalResponse? Answer, GatewayError? Error);
