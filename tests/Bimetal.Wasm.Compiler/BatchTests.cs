// Several modules in one image, and one big module in several partitions.

using System.Text;
using Bimetal.Wasm.Compiler.Emit;
using Bimetal.Wasm.Compiler.Toolchain;

namespace Bimetal.Wasm.Compiler.Tests;

public sealed class BatchTests
{
    [Fact]
    public void Compile_OfManyModules_MakesOneImage()
    {
        var modules = Enumerable.Range(0, 20)
            .Select(number => Compiling.Module($"(module (import \"m\" \"f\" (func (param i32))) (func (export \"g\") (result i32) (i32.const {number})))"))
            .ToArray();
        var image = new ModuleCompiler().Compile(modules, Compiling.Options, TestContext.Current.CancellationToken);
        Assert.Empty(ImageAssertions.Problems(image.Bytes, TargetPlatform.LinuxX64, 20));
    }

    [Fact]
    public void Compile_InPartitions_LinksCallsAcrossThem()
    {
        var text = new StringBuilder("(module (memory 1)");
        for (int index = 0; index < 40; index++)
        {
            text.Append($"(func $f{index} (param i32) (result i32) (i32.add (call $f{(index + 7) % 40} (local.get 0)) (i32.const {index})))");
        }

        var module = Compiling.Module(text.Append("(export \"f\" (func $f0)))").ToString());
        var ir = ImageEmitter.Emit([module], Compiling.Options, partitionBytes: 100, EmissionBudget.Unlimited);
        Assert.True(ir.Partitions.Count > 2);
        var toolchain = LlvmToolchain.Find();
        byte[] image = new ImageBuilder(toolchain, new ToolchainLimits(), null).Build(ir, Compiling.Options, 1, [], TestContext.Current.CancellationToken);
        Assert.Empty(ImageAssertions.Problems(image, TargetPlatform.LinuxX64, 1));
    }
}
