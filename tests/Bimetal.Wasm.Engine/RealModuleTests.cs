// Modules that nobody here wrote: C, C++, Rust and Go, by emscripten, wasm-bindgen and Go's own compiler. All of them compile; those that
// need no JavaScript around them run, step by step as in V8.

using System.Globalization;
using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Bimetal.Testing;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Compiler.Cache;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine.Tests;

[Trait("Category", "Slow")]
public sealed class RealModuleTests(RealModules modules) : IClassFixture<RealModules>
{
    private const string XxHash = "xxhash-wasm/workerd/xxhash.wasm";
    private const string SourceMap = "source-map/lib/mappings.wasm";
    private const string Zstd = "@bokuweb/zstd-wasm/dist/web/zstd.wasm";
    private const string Brotli = "brotli-wasm/pkg.node/brotli_wasm_bg.wasm";

    private static readonly byte[] Text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 3000).Select(number => $"{number} bottles, {number * number % 97} left; ")));

    // Made once: the cache is a folder of the build.
    private static readonly CodeCache Cache = new(Path.Combine(Repository.Root, "artifacts/test/code"));

    [Theory]
    [InlineData("@jsquash/webp/codec/dec/webp_dec.wasm")]
    [InlineData("@jsquash/webp/codec/enc/webp_enc_simd.wasm")]
    [InlineData("@jitl/quickjs-wasmfile-release-sync/dist/emscripten-module.wasm")]
    [InlineData("sql.js/dist/sql-wasm.wasm")]
    [InlineData("esbuild-wasm/esbuild.wasm")]
    public void Module_Compiles(string path)
    {
        using var module = Load(path, quick: true);
        Assert.NotEmpty(module.Module.Functions);
    }

    [Fact]
    public void XxHash_GivesWhatV8Gives() => AssertSame(XxHash, $"""
        write 0 {Convert.ToHexString(Text.AsSpan(0, 5000))}
        call xxh32 0 5000 7
        call xxh64 0 5000 7n
        call xxh64 3 31 0n
        """);

    [Fact]
    public void Zstd_CompressesAndDecompressesAsInV8()
    {
        // g: constructors, i: ZSTD_compressBound, s: malloc, m: ZSTD_compress, r: ZSTD_decompress
        string[] lines = AssertSame(Zstd, $"""
            call g
            call i {Text.Length}
            call s $1
            call s {Text.Length}
            write $3 {Convert.ToHexString(Text)}
            call m $2 $1 $3 {Text.Length} 9
            read $2 $5
            call s {Text.Length}
            call r $7 {Text.Length} $2 $5
            read $7 {Text.Length}
            """);
        Assert.InRange(int.Parse(lines[5], CultureInfo.InvariantCulture), 100, Text.Length / 2);
        Assert.Equal(Convert.ToHexStringLower(Text), lines[9]);
    }

    [Fact]
    public void Brotli_DecompressesAsInV8()
    {
        using var compressed = new MemoryStream();
        using (var encoder = new BrotliStream(compressed, CompressionLevel.Optimal, leaveOpen: true)) encoder.Write(Text);
        string[] lines = AssertSame(Brotli, $"""
            call __wbindgen_add_to_stack_pointer -16
            call __wbindgen_malloc {compressed.Length}
            write $1 {Convert.ToHexString(compressed.ToArray())}
            call decompress $0 $1 {compressed.Length}
            load $0
            load $0+4
            load $0+12
            read $4 $5
            """);
        Assert.Equal(Convert.ToHexStringLower(Text), lines[7]);
    }

    [Fact]
    public void SourceMap_ParsesAsInV8()
    {
        byte[] mappings = Encoding.ASCII.GetBytes(string.Join(';', Enumerable.Range(0, 400).Select(line => line % 3 == 0 ? "AAAA,EAAE,KAAIA" : "GACA,IAAC")));
        AssertSame(SourceMap, $"""
            call allocate_mappings {mappings.Length}
            write $0 {Convert.ToHexString(mappings)}
            call parse_mappings $0
            call get_last_error
            call compute_column_spans $2
            call by_generated_location $2
            call original_location_for $2 17 4 1
            read 1048576 4096
            """);
    }

    private string[] AssertSame(string path, string steps)
    {
        using var module = Load(path, quick: false);
        using var instance = Instance.Create(module.Loaded, Nothing(module.Module), InstanceOptions.Default);
        Assert.Equal(TrapCode.None, instance.Initialize(CallLimits.None));
        string[] actual = new GuestSteps(instance).Take(steps);
        Assert.Equal(RealModules.RunInV8(modules.Find(path), steps), actual);
        return actual;
    }

    private EngineModule Load(string path, bool quick) =>
        new WasmEngine(new EngineOptions { Cache = Cache, Compile = new CompileOptions { Quick = quick } }).Load(modules.Find(path), TestContext.Current.CancellationToken);

    // Every imported function does nothing and gives 0.
    private static unsafe ImportSet Nothing(WasmModule module)
    {
        var imports = new ImportSet();
        foreach (var import in module.Imports)
            imports.Define(import.Module, import.Name, new HostFunction(module.Types[(int)import.TypeIndex], (nint)(delegate* unmanaged[Cdecl]<nint, ulong*, int>)&ReturnZero));
        return imports;
    }

    // SAFETY: a buffer has at least one slot.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static unsafe int ReturnZero(nint context, ulong* buffer)
    {
        buffer[0] = 0;
        return (int)TrapCode.None;
    }
}
