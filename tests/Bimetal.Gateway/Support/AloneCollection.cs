// Tests that measure memory or time: nothing else of this process runs beside them.

namespace Bimetal.Gateway.Tests.Support;

[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}
