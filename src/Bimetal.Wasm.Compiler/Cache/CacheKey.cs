// Keys of the code cache: digests of everything that decides what an entry holds.

using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler.Cache;

/// <summary>Computes keys.</summary>
internal static class CacheKey
{
    /// <summary>The key of an image: modules, this build of the emitter, the ABI, the toolchain and all options.</summary>
    public static string OfImage(IReadOnlyList<WasmModule> modules, CompileOptions options, string toolchainVersion)
    {
        string[] hashes = [.. modules.Select(module => Convert.ToHexStringLower(SHA256.HashData(module.Bytes.Span)))];
        return Of(["image", .. Circumstances(options, toolchainVersion), .. hashes]);
    }

    /// <summary>The key under which the key of the image made last is kept, whichever LLVM made it.</summary>
    public static string OfLatestImage(IReadOnlyList<WasmModule> modules, CompileOptions options) => Of("latest", OfImage(modules, options, toolchainVersion: ""));

    /// <summary>The key of the routines in C, which depend on the target but on no module.</summary>
    public static string OfGuestRoutines(CompileOptions options, string toolchainVersion) =>
        Of(["routines", .. Circumstances(options, toolchainVersion)]);

    /// <summary>A digest of texts; their lengths take part, so that no two lists run together.</summary>
    public static string Of(params ReadOnlySpan<string> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[4];
        foreach (string part in parts)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(part);
            BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
            hash.AppendData(length);
            hash.AppendData(bytes);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static string[] Circumstances(CompileOptions options, string toolchainVersion) =>
        [BuildIdentity.Digest, AbiVersion.Current.ToString(), toolchainVersion, options.Describe()];
}
