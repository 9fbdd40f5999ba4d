// Media types of what a bundle is made of, and of the wasm images of others that are understood.

namespace Bimetal.Plugins.Bundles.Oci;

/// <summary>Names from the OCI image specification, the CNCF's wasm artifact layout, and Bimetal's own.</summary>
internal static class MediaTypes
{
    public const string Index = "application/vnd.oci.image.index.v1+json";
    public const string Manifest = "application/vnd.oci.image.manifest.v1+json";
    public const string ImageConfig = "application/vnd.oci.image.config.v1+json";
    public const string DockerList = "application/vnd.docker.distribution.manifest.list.v2+json";
    public const string DockerManifest = "application/vnd.docker.distribution.manifest.v2+json";

    /// <summary>The CNCF's wasm artifact: a config of this type, and one layer that is the module itself.</summary>
    public const string WasmConfig = "application/vnd.wasm.config.v0+json";
    public const string WasmLayer = "application/wasm";

    /// <summary>The layer of wasm images for Istio and Envoy Gateway (the artifact variant): the module itself.</summary>
    public const string OldWasmLayer = "application/vnd.module.wasm.content.layer.v1+wasm";

    /// <summary>The layers of the compatible variant, and of Higress: a compressed tar with a file plugin.wasm.</summary>
    public const string TarGzipLayer = "application/vnd.oci.image.layer.v1.tar+gzip";
    public const string DockerTarGzipLayer = "application/vnd.docker.image.rootfs.diff.tar.gzip";
    public const string TarLayer = "application/vnd.oci.image.layer.v1.tar";

    /// <summary>A shared object for the native metal.</summary>
    public const string NativeLayer = "application/vnd.bimetal.plugin.native.v1";

    /// <summary>A module's machine code.</summary>
    public const string CodeLayer = "application/vnd.bimetal.plugin.code.v1";

    /// <summary>What cosign signs, as a layer of a signature's manifest.</summary>
    public const string SimpleSigning = "application/vnd.dev.cosign.simplesigning.v1+json";

    /// <summary>The signature's annotation on that layer.</summary>
    public const string CosignSignature = "dev.cosignproject.cosign/signature";

    public const string RefName = "org.opencontainers.image.ref.name";
    public const string Title = "org.opencontainers.image.title";
    public const string Version = "org.opencontainers.image.version";
    public const string Description = "org.opencontainers.image.description";

    /// <summary>Annotations of Bimetal: the libc of a platform, and what machine code was made of and for.</summary>
    public const string Libc = "io.bimetal.libc";
    public const string LatencyBudget = "io.bimetal.latency-budget";
    public const string RootId = "io.bimetal.root-id";
    public const string CodeModule = "io.bimetal.code.module";
    public const string CodeAbi = "io.bimetal.code.abi";
    public const string CodeOptions = "io.bimetal.code.options";

    public static bool IsIndex(string mediaType) => mediaType is Index or DockerList;

    public static bool IsManifest(string mediaType) => mediaType is Manifest or DockerManifest;
}
