// Element and data segments (core specification 3.4.5 and 3.4.6).

using Bimetal.Wasm.Decoding;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Validation;

internal sealed class SegmentValidator(ModuleScope scope, DecodeLimits limits)
{
    private readonly ConstantExpressionValidator _expressions = new(scope, limits);

    internal WasmError? Validate()
    {
        var module = scope.Module;
        for (int i = 0; i < module.Elements.Length; i++)
        {
            if (CheckElements(module.Elements[i], module.ItemOffsets.Elements[i]) is { } error) return error;
        }

        for (int i = 0; i < module.DataSegments.Length; i++)
        {
            if (CheckData(module.DataSegments[i], module.ItemOffsets.DataSegments[i]) is { } error) return error;
        }

        return null;
    }

    private WasmError? CheckElements(ElementSegment segment, int segmentOffset)
    {
        if (segment.Mode == SegmentMode.Active)
        {
            if (!scope.HasTable(segment.TableIndex)) return new WasmError(segmentOffset, Invalid.Unknown("table", segment.TableIndex));
            var tableType = scope.Module.Tables[(int)segment.TableIndex].ElementType;
            if (tableType != segment.ElementType) return new WasmError(segmentOffset, Invalid.Mismatch(tableType, segment.ElementType));
            if (_expressions.Validate(segment.Offset, ValueType.I32) is { } error) return error;
        }

        foreach (var item in segment.Items)
        {
            if (item.Expression is { } expression)
            {
                if (_expressions.Validate(expression, segment.ElementType) is { } error) return error;
            }
            else if (!scope.HasFunction(item.FunctionIndex))
            {
                return new WasmError(segmentOffset, Invalid.Unknown("function", item.FunctionIndex));
            }
        }

        return null;
    }

    private WasmError? CheckData(DataSegment segment, int segmentOffset)
    {
        if (segment.Mode != SegmentMode.Active) return null;
        if (!scope.HasMemory(segment.MemoryIndex)) return new WasmError(segmentOffset, Invalid.Unknown("memory", segment.MemoryIndex));
        return _expressions.Validate(segment.Offset, ValueType.I32);
    }
}
