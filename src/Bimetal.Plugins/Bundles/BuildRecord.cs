// What an artefact was built from, recorded beside it: how the gateway knows that a build is stale.
//
//   sources  SHA-256 of the files of the plugin's folder that a build may read, names and contents
//   sdk      the same of sdk/c and native/include
//   flags    SHA-256 of the compiler's arguments, paths left out
//   artefact SHA-256 of the file that was built

using System.Security.Cryptography;
using System.Text;

namespace Bimetal.Plugins.Bundles;

/// <summary>Digests in hexadecimal.</summary>
internal sealed record BuildRecord(string Sources, string Sdk, string Flags, string Artefact)
{
    /// <summary>The record's path, beside the artefact.</summary>
    public static string PathOf(string artefact) => artefact + ".record";

    /// <summary>Null when there is none, or it cannot be read as one.</summary>
    public static BuildRecord? TryRead(string path)
    {
        try
        {
            string[] lines = File.ReadAllLines(path);
            string[] keys = ["sources ", "sdk ", "flags ", "artefact "];
            if (lines.Length != keys.Length || !keys.Zip(lines).All(pair => pair.Second.StartsWith(pair.First, StringComparison.Ordinal))) return null;
            return new BuildRecord(lines[0][8..], lines[1][4..], lines[2][6..], lines[3][9..]);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Writes the record; a reader sees the old one or the new one.</summary>
    public void Write(string path)
    {
        string temporary = path + "." + Path.GetRandomFileName();
        File.WriteAllText(temporary, $"sources {Sources}\nsdk {Sdk}\nflags {Flags}\nartefact {Artefact}\n");
        File.Move(temporary, path, overwrite: true);
    }

    /// <summary>Digest of the files of a folder; build/, cases/, the manifest and documents do not count.</summary>
    public static string DigestOfSources(params ReadOnlySpan<string> folders)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string folder in folders)
        {
            var files = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
                .Select(file => Path.GetRelativePath(folder, file))
                .Where(IsSource)
                .Order(StringComparer.Ordinal);
            foreach (string file in files)
            {
                byte[] content = File.ReadAllBytes(Path.Combine(folder, file));
                hash.AppendData(Encoding.UTF8.GetBytes($"{file}\0{content.Length}\0"));
                hash.AppendData(content);
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    // Tables that a source takes in with #embed have any name, so everything counts that is not known to stay outside.
    private static bool IsSource(string file) =>
        !file.StartsWith("build/", StringComparison.Ordinal) && !file.StartsWith("cases/", StringComparison.Ordinal)
        && !file.EndsWith(".md", StringComparison.Ordinal) && !file.EndsWith(".yaml", StringComparison.Ordinal);

    public static string DigestOf(IEnumerable<string> words) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', words))));

    public static string DigestOfFile(string path) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)));
}
