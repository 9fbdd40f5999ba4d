// Progress of long work as lines of a writer.

namespace Bimetal.Plugins.Bundles;

/// <summary>Writes each report at once and in order, unlike <see cref="Progress{T}"/>, which posts it.</summary>
public sealed class LineProgress(TextWriter target) : IProgress<string>
{
    public void Report(string value) => target.WriteLine(value);
}
