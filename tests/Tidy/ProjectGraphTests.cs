// Dependencies point down: the project references of src/ are exactly these.

using System.Xml.Linq;
using Bimetal.Testing;

namespace Bimetal.Tidy.Tests;

public sealed class ProjectGraphTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Bimetal.Wasm"] = [],
        ["Bimetal.Wasm.Compiler"] = ["Bimetal.Wasm"],
        ["Bimetal.Wasm.Runtime"] = ["Bimetal.Wasm"],
        ["Bimetal.Wasm.Engine"] = ["Bimetal.Wasm.Compiler", "Bimetal.Wasm.Runtime"],
        ["Bimetal.Plugins"] = ["Bimetal.Wasm.Engine"],
        ["Bimetal.Gateway"] = ["Bimetal.Plugins"],
        ["Bimetal.Meter"] = ["Bimetal.Gateway"],
        ["Bimetal"] = ["Bimetal.Meter"],
    };

    [Fact]
    public void References_OfEachProject_PointDown()
    {
        var found = Directory.GetDirectories(Path.Combine(Repository.Root, "src"))
            .Where(folder => Directory.GetFiles(folder, "*.csproj").Length == 1)
            .ToDictionary(folder => Path.GetFileName(folder), References);
        Assert.Equal(Allowed.Keys.Order(), found.Keys.Order());
        Assert.All(found, project => Assert.Equal(Allowed[project.Key].Order(), project.Value.Order()));
    }

    private static string[] References(string folder) =>
        [.. XDocument.Load(Directory.GetFiles(folder, "*.csproj")[0]).Descendants("ProjectReference").Select(item => Path.GetFileNameWithoutExtension(item.Attribute("Include")!.Value))];
}
