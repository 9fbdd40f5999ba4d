// Compiled images: what is mapped, and what is refused of a damaged or foreign one.

using System.Buffers.Binary;
using System.Security.Cryptography;
using Bimetal.Testing;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Engine;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Runtime.Tests;

public sealed class CodeMappingTests
{
    private const string Text = "(module (func (export \"one\") (result i32) (i32.const 1)) (func (export \"two\") (result i32) (i32.const 2)))";

    private static readonly WasmModule Module = WasmEngine.Check(Wat.ToWasm(Text));
    private static readonly byte[] Image = new ModuleCompiler().Compile([Module, Module], new CompileOptions()).Bytes.ToArray();

    [Fact]
    public void Map_FindsEachModule()
    {
        using var code = CodeMapping.Map(Image);
        Assert.Equal(2, code.ModuleCount);
        for (int ordinal = 0; ordinal < 2; ordinal++)
        {
            using var instance = Instance.Create(new LoadedModule(Module, code, ordinal), new ImportSet(), InstanceOptions.Default);
            Assert.Equal(2u, Guest.Call(instance, "two"));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => new LoadedModule(Module, code, 2));
        var other = WasmEngine.Check(Wat.ToWasm("(module (func))"));
        Assert.Throws<CodeImageException>(() => new LoadedModule(other, code));
    }

    [Fact]
    public void Map_RefusesOtherVersionsAndMachines()
    {
        byte[] version = Damage(BinaryPrimitives.ReadUInt32LittleEndian, (image, root) => image[root + 4]++);
        Assert.Contains("ABI version", Assert.Throws<CodeImageException>(() => CodeMapping.Map(version)).Message, StringComparison.Ordinal);
        byte[] magic = Damage(BinaryPrimitives.ReadUInt32LittleEndian, (image, root) => image[root]++);
        Assert.Throws<CodeImageException>(() => CodeMapping.Map(magic));
        byte[] machine = [.. Image];
        machine[18] ^= 0xFF;
        Assert.Contains("another processor", Assert.Throws<CodeImageException>(() => CodeMapping.Map(machine)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Map_RefusesOffsetsOutsideOfTheCode()
    {
        foreach (int offset in (int[])[0x10, 0x7FFF_0000, -0x7FFF_0000])
        {
            byte[] image = Damage(BinaryPrimitives.ReadUInt32LittleEndian, (image, root) =>
                BinaryPrimitives.WriteInt32LittleEndian(image.AsSpan(root + FirstModule(image, root) + CodeImage.ModuleHeaderSize), offset));
            Assert.Throws<CodeImageException>(() => CodeMapping.Map(image));
        }

        byte[] count = Damage(BinaryPrimitives.ReadUInt32LittleEndian, (image, root) =>
            BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(root + FirstModule(image, root)), 0xFFFF_FFFF));
        Assert.Throws<CodeImageException>(() => CodeMapping.Map(count));
    }

    [Fact]
    public void Map_OfDamagedContainers_ThrowsOnlyItsOwnException()
    {
        int end = EndOfSegments();
        for (int length = 0; length < end; length += length < 600 ? 1 : 97) Assert.Throws<CodeImageException>(() => CodeMapping.Map(Image.AsSpan(0, length)));

        // The ELF header and the program headers, byte by byte; what is still accepted is mapped and let go.
        int headers = 64 + (56 * BinaryPrimitives.ReadUInt16LittleEndian(Image.AsSpan(56)));
        for (int index = 0; index < headers; index++)
        {
            foreach (byte value in (byte[])[0, 1, 0x7F, 0xFF])
            {
                byte[] damaged = [.. Image];
                damaged[index] = value;
                try
                {
                    CodeMapping.Map(damaged).Dispose();
                }
                catch (Exception exception) when (exception is CodeImageException or InstanceLimitException)
                {
                }
            }
        }
    }

    [Fact]
    public void Map_RefusesWritableCode()
    {
        byte[] image = [.. Image];
        int count = BinaryPrimitives.ReadUInt16LittleEndian(image.AsSpan(56));
        for (int index = 0; index < count; index++)
        {
            var header = image.AsSpan(64 + (56 * index));
            if (BinaryPrimitives.ReadUInt32LittleEndian(header) == 1 && (header[4] & 1) != 0) header[4] |= 2;
        }

        Assert.Contains("writable and executable", Assert.Throws<CodeImageException>(() => CodeMapping.Map(image)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Code_StaysUntilItsLastInstanceIsDisposed()
    {
        var code = CodeMapping.Map(Image);
        var module = new LoadedModule(Module, code);
        var first = Instance.Create(module, new ImportSet(), InstanceOptions.Default);
        var second = Instance.Create(module, new ImportSet(), InstanceOptions.Default);
        code.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Instance.Create(module, new ImportSet(), InstanceOptions.Default));
        Assert.Equal(1u, Guest.Call(first, "one"));
        first.Dispose();
        Assert.Equal(1u, Guest.Call(second, "one"));
        second.Dispose();
        first.Dispose();
    }

    [Fact]
    public void Mapping_IsReadOnlyAndSealed()
    {
        using var code = CodeMapping.Map(Image);
        var lines = File.ReadLines("/proc/self/maps").Where(line => line.Contains("bimetal-code", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.DoesNotContain("w", line.Split(' ')[1], StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("r-xp", StringComparison.Ordinal));
    }

    private static int EndOfSegments()
    {
        int end = 0;
        for (int index = 0; index < BinaryPrimitives.ReadUInt16LittleEndian(Image.AsSpan(56)); index++)
        {
            var header = Image.AsSpan(64 + (56 * index));
            bool isLoad = BinaryPrimitives.ReadUInt32LittleEndian(header) == 1;
            if (isLoad) end = Math.Max(end, (int)(BinaryPrimitives.ReadUInt64LittleEndian(header[8..]) + BinaryPrimitives.ReadUInt64LittleEndian(header[32..])));
        }

        return end;
    }

    private static int FirstModule(byte[] image, int root) => BinaryPrimitives.ReadInt32LittleEndian(image.AsSpan(root + CodeImage.RootHeaderSize));

    // The root stands where its magic is.
    private static byte[] Damage(Func<ReadOnlySpan<byte>, uint> read, Action<byte[], int> change)
    {
        byte[] image = [.. Image];
        int root = 0;
        while (read(image.AsSpan(root)) != CodeImage.Magic) root += 4;
        change(image, root);
        Assert.NotEqual(SHA256.HashData(Image), SHA256.HashData(image));
        return image;
    }
}
