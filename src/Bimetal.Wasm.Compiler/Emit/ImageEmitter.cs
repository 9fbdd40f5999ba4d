// The whole of an image as LLVM IR: root, trampolines, thunks, functions, shared routines, attributes and metadata.

using System.Text;
using Bimetal.Wasm.Compiler.Emit.Call;
using Bimetal.Wasm.Compiler.Emit.Numeric;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler.Emit;

/// <summary>One LLVM module of an image.</summary>
/// <param name="Pieces">Its text, in order.</param>
/// <param name="Effort">What its functions allow LLVM to do.</param>
internal sealed record PartitionIr(IReadOnlyList<StringBuilder> Pieces, Effort Effort = Effort.Full);

/// <summary>The IR of an image.</summary>
internal sealed record ImageIr(IReadOnlyList<PartitionIr> Partitions);

/// <summary>Emits images.</summary>
internal static class ImageEmitter
{
    /// <summary>Frames above this are refused by clang: the stack limit check needs the runtime's headroom to be larger.</summary>
    public const int FrameLimitBytes = 128 * 1024;

    // Up to so many are made to keep processors busy; a cut keeps a function from being inlined on its other side.
    private const int SmallPartitions = 8;

    // Beyond them, one for each so many times the bytes of a small one.
    private const int LargePartitionFactor = 4;
    private const int MaximumPartitions = 64;

    /// <param name="modules">Validated modules, in the order of the root.</param>
    /// <param name="options">Options of the compilation.</param>
    /// <param name="partitionBytes">Bytes of function bodies that make a further partition worth its fixed cost.</param>
    /// <param name="budget">Bounds what is made.</param>
    public static ImageIr Emit(IReadOnlyList<WasmModule> modules, CompileOptions options, int partitionBytes, EmissionBudget budget)
    {
        TargetCpu.Check(options.Cpu);
        long bodyBytes = modules.Sum(module => module.Functions.Sum(body => (long)body.BodyLength));
        long large = Math.Min(bodyBytes / partitionBytes / LargePartitionFactor, MaximumPartitions);
        int partitionCount = (int)Math.Max(large, Math.Clamp(bodyBytes / partitionBytes, 1, SmallPartitions));
        var prelude = new Prelude(options.MarkWrites);
        var entries = new EntryTrampolines(budget);
        var scopes = modules.Select((module, ordinal) => new ModuleScope(module, ordinal, options, prelude, budget)).ToArray();
        var special = scopes.SelectMany(scope => scope.Facts.Functions).Select(function => function.Effort).Where(effort => effort != Effort.Full).Distinct().Order();
        Partition[] partitions = [.. Enumerable.Range(0, partitionCount).Select(_ => new Partition()), .. special.Select(effort => new Partition { Effort = effort })];
        EmitFunctions(scopes, partitions, bodyBytes);
        string root = RootTable.Write(scopes, entries);
        var first = partitions[0];
        foreach (var scope in scopes) EmitThunks(scope, first);
        first.Text.Append(entries.Text).Append(prelude.Bridges.Text).Append(root);
        foreach (string bridge in prelude.Bridges.Names) first.Define(bridge);
        DeclareRooted(scopes, first);
        return new ImageIr([.. partitions.Select(partition => Assemble(partition, prelude, options))]);
    }

    // Functions stay in order, so that neighbours, which often call each other, can be inlined.
    private static void EmitFunctions(ModuleScope[] scopes, Partition[] partitions, long bodyBytes)
    {
        int ordinaryCount = partitions.Count(partition => partition.Effort == Effort.Full);
        long emittedBytes = 0;
        foreach (var scope in scopes)
        {
            for (int index = 0; index < scope.Module.Functions.Length; index++)
            {
                var effort = scope.Facts.Functions[index].Effort;
                var partition = effort != Effort.Full
                    ? Array.Find(partitions, partition => partition.Effort == effort)!
                    : partitions[(int)Math.Min(emittedBytes * ordinaryCount / Math.Max(bodyBytes, 1), ordinaryCount - 1)];
                uint functionIndex = (uint)(index + scope.Module.ImportedFunctionCount);
                scope.Partition = partition;
                partition.Define(scope.FunctionName(functionIndex));
                partition.Define(scope.OuterName(functionIndex));
                FunctionEmitter.Emit(scope, index, partition.Text, isShared: partitions.Length > 1);
                emittedBytes += scope.Module.Functions[index].BodyLength;
            }
        }
    }

    private static void EmitThunks(ModuleScope scope, Partition partition)
    {
        for (uint import = 0; import < (uint)scope.Module.ImportedFunctionCount; import++)
        {
            var type = scope.Module.TypeOf(import);
            int before = partition.Text.Length;
            var header = ("hidden", scope.ThunkName(import));
            int target = scope.Layout.HostFunctionOffset(import);
            HostCalls.Write(partition.Text, header, BufferSlots.LlvmTypesOf(type.Parameters), BufferSlots.LlvmTypesOf(type.Results), target);
            scope.Budget.Spend(partition.Text.Length - before);
        }
    }

    private static void DeclareRooted(ModuleScope[] scopes, Partition partition)
    {
        foreach (var scope in scopes)
        {
            foreach (uint index in scope.ReachableFromOutside.Where(index => index >= (uint)scope.Module.ImportedFunctionCount))
            {
                var type = scope.Module.TypeOf(index);
                bool isTailFunction = scope.Facts.IsTailFunction(index);
                partition.Call(scope.FunctionName(index), GuestSignature.Declare(scope.FunctionName(index), type, isTailFunction));
                if (isTailFunction) partition.Call(scope.OuterName(index), GuestSignature.Declare(scope.OuterName(index), type, isTailFunction: false));
            }
        }
    }

    private static PartitionIr Assemble(Partition partition, Prelude prelude, CompileOptions options)
    {
        string jumping = $"nounwind \"no-builtins\" \"warn-stack-size\"=\"{FrameLimitBytes}\" {TargetCpu.Attributes(options)}";
        string common = jumping + " \"disable-tail-calls\"=\"true\"";
        var head = new StringBuilder($"target triple = \"{TargetCpu.Triple(options.Target)}\"\n");
        head.Append(prelude.Write()).Append(partition.Declarations());
        var tail = new StringBuilder();
        tail.Append($"attributes #0 = {{ {common} }}\n");
        tail.Append($"attributes #1 = {{ noinline {common} }}\n");
        tail.Append($"attributes #2 = {{ cold noinline noreturn {common} }}\n");
        tail.Append($"attributes #6 = {{ {jumping} }}\n");
        tail.Append(OpaqueAssembly.AttributeGroups).Append(Metadata.Definitions(options.Target));
        if (options.Locations) tail.Append(Locations.Unit).Append(partition.Locations.Text);
        return new PartitionIr([head, partition.Text, tail], partition.Effort);
    }
}
