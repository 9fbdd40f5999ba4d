// The root of an image (CodeImage.cs): one constant array of i32. Offsets are differences of two symbols of this image, which the
// assembler and linker resolve; an address would need a relocation.

using System.Text;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler.Emit.Call;

namespace Bimetal.Wasm.Compiler.Emit;

/// <summary>Writes the root of an image.</summary>
internal static class RootTable
{
    /// <summary>Symbol of the root, which the linker makes the entry point.</summary>
    public const string Symbol = "bimetal_root";

    public static string Write(IReadOnlyList<ModuleScope> modules, EntryTrampolines entries)
    {
        var words = new List<string>
        {
            CodeImage.Magic.ToString(),
            AbiVersion.Current.ToString(),
            modules.Count.ToString(),
            Traits(modules[0].Options).ToString(),
        };
        int moduleOffset = CodeImage.RootHeaderSize + (4 * modules.Count);
        foreach (var module in modules)
        {
            words.Add(moduleOffset.ToString());
            int entryCount = module.Module.Functions.Length + module.Module.Types.Length + module.Module.ImportedFunctionCount + TailEntryCount(module);
            moduleOffset += CodeImage.ModuleHeaderSize + (4 * entryCount);
        }

        foreach (var module in modules) AddModule(words, module, entries);
        var text = new StringBuilder();
        text.Append($"@{Symbol} = hidden constant [{words.Count} x i32] [");
        for (int i = 0; i < words.Count; i++) text.Append(i == 0 ? "i32 " : ", i32 ").Append(words[i]);
        return text.Append("], section \".rodata\", align 16\n").ToString();
    }

    private static uint Traits(CompileOptions options) =>
        (uint)options.Interrupt | (options.MarkWrites ? WriteMarks.RootFlag : 0) | (options.Bounds == BoundsMode.Explicit ? CodeImage.ExplicitBoundsFlag : 0);

    private static void AddModule(List<string> words, ModuleScope module, EntryTrampolines entries)
    {
        words.Add(module.Module.Functions.Length.ToString());
        words.Add(module.Module.Types.Length.ToString());
        words.Add(module.Module.ImportedFunctionCount.ToString());
        words.Add(TailEntryCount(module).ToString());
        for (uint index = (uint)module.Module.ImportedFunctionCount; index < (uint)module.Module.FunctionCount; index++)
        {
            words.Add(module.ReachableFromOutside.Contains(index) ? OffsetOf(module.OuterName(index)) : "0");
        }

        foreach (var type in module.Module.Types) words.Add(OffsetOf(entries.NameFor(type)));
        for (uint import = 0; import < (uint)module.Module.ImportedFunctionCount; import++) words.Add(OffsetOf(module.ThunkName(import)));
        if (TailEntryCount(module) == 0) return;
        for (uint index = (uint)module.Module.ImportedFunctionCount; index < (uint)module.Module.FunctionCount; index++)
        {
            bool isKnownOutside = module.Facts.IsTailFunction(index) && module.ReachableFromOutside.Contains(index);
            words.Add(isKnownOutside ? OffsetOf(module.FunctionName(index)) : "0");
        }
    }

    private static int TailEntryCount(ModuleScope module) => module.Facts.HasTailFunctions ? module.Module.Functions.Length : 0;

    private static string OffsetOf(string symbol) => $"trunc (i64 sub (i64 ptrtoint (ptr @{symbol} to i64), i64 ptrtoint (ptr @{Symbol} to i64)) to i32)";
}
