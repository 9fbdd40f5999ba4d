// The parts of the house style that a machine can see.

using System.Text.RegularExpressions;

namespace Bimetal.Tidy.Tests;

public sealed partial class StyleTests
{
    private const int LineLimit = 400;
    private static readonly string[] DrawerNames = ["Utilities", "Utils", "Helpers", "Helper", "Common", "Core", "Manager", "Impl", "Misc"];

    // Tables that are one row per opcode have one subject, however long.
    private static readonly string[] LongOnPurpose = ["src/Bimetal.Wasm/Instructions/Opcode.cs"];

    private static IEnumerable<string> Code => SourceTree.Sources(".cs").Concat(SourceTree.Sources(".c")).Concat(SourceTree.Sources(".h"));

    [Fact]
    public void Files_StayBelowTheLineLimit() =>
        Assert.Empty(Code.Except(LongOnPurpose).Select(path => (path, SourceTree.ReadLines(path).Length)).Where(file => file.Length > LineLimit));

    [Fact]
    public void Files_OpenWithTheirRole() =>
        Assert.Empty(Code.Where(path => !OpeningComment().IsMatch(SourceTree.Read(path))));

    [Fact]
    public void Folders_AndTypes_AreNotDrawers() =>
        Assert.Empty(SourceTree.Files.Where(path => path.Split('/').Any(part => DrawerNames.Contains(Path.GetFileNameWithoutExtension(part), StringComparer.Ordinal))));

    [Fact]
    public void Source_HasNoUnfinishedMarks() =>
        Assert.Empty(Code.Where(path => !path.StartsWith("tests/Tidy/", StringComparison.Ordinal)).SelectMany(path => SourceTree.ReadLines(path)
            .Select((line, index) => (Place: $"{path}:{index + 1}", line))
            .Where(place => UnfinishedMark().IsMatch(place.line))));

    [Fact]
    public void UnsafeMembers_SayWhyTheyAreSafe()
    {
        // In each file of src/ that has unsafe code there is at least one SAFETY comment for every unsafe member or block.
        var lacking = SourceTree.Sources(".cs")
            .Where(path => path.StartsWith("src/", StringComparison.Ordinal))
            .Select(path => (path, Unsafe: UnsafeMember().Count(SourceTree.Read(path)), Reasons: SafetyComment().Count(SourceTree.Read(path))))
            .Where(file => file.Unsafe > 0 && file.Reasons == 0);
        Assert.Empty(lacking);
    }

    [Fact]
    public void UnsafeCode_StaysInTheProjectsThatNeedIt() =>
        Assert.Empty(SourceTree.Sources(".csproj").Where(path => path.StartsWith("src/", StringComparison.Ordinal)
            && SourceTree.Read(path).Contains("AllowUnsafeBlocks", StringComparison.Ordinal)
            && !new[] { "Bimetal.Wasm", "Bimetal.Wasm.Runtime", "Bimetal.Wasm.Engine", "Bimetal.Plugins", "Bimetal.Gateway" }.Contains(Path.GetFileNameWithoutExtension(path))));

    [GeneratedRegex(@"\A(//|/\*|#)")]
    private static partial Regex OpeningComment();

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|XXX|NotImplementedException)\b")]
    private static partial Regex UnfinishedMark();

    [GeneratedRegex(@"\bunsafe\s+(?!class|struct|partial|readonly|sealed|static class|record|delegate)[\w<>\[\]*,?. ]+[({]")]
    private static partial Regex UnsafeMember();

    [GeneratedRegex(@"// SAFETY:")]
    private static partial Regex SafetyComment();
}
