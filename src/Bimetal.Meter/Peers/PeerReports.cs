// Peers that are named in the report although nothing measures them here, with the reason.

using Bimetal.Meter.Report;

namespace Bimetal.Meter.Peers;

internal static class PeerReports
{
    public static PeerReport Workerd { get; } = new() { Name = "workerd", Skipped = "it has no proxy-wasm ABI, and no host for it is written here; its engine is V8" };
}
