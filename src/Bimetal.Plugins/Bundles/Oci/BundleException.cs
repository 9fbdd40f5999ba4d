// What is wrong with a bundle, before anybody has said which one it is.

namespace Bimetal.Plugins.Bundles.Oci;

/// <summary>Half a sentence; whoever knows the reference puts it in front, and makes it a <see cref="PluginLoadException"/>.</summary>
public sealed class BundleException(string message) : Exception(message);
