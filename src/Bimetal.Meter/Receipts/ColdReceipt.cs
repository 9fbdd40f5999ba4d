// The itemised cold load: stage by stage what wasm takes more than native, which has some of the stages too.

using Bimetal.Meter.Cold;
using Bimetal.Meter.Report;

namespace Bimetal.Meter.Receipts;

/// <summary>Makes cold receipts.</summary>
internal static class ColdReceipt
{
    /// <summary>Stages in order, then what lies between them (starting a task, checking that builds are current).</summary>
    public static IReadOnlyList<ReceiptItem> Of(ColdTimes native, ColdTimes wasm)
    {
        List<ReceiptItem> items = [.. ColdLoad.Stages.Select(stage => new ReceiptItem(stage, Math.Round(wasm[stage] - native[stage], 1)))];
        items.Add(new ReceiptItem("unexplained", Math.Round(wasm.TotalUs - native.TotalUs - items.Sum(item => item.Us), 1)));
        return items;
    }
}
