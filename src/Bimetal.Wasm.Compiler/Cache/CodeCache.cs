// Compiled code on disk. An entry is trusted only if its own digest holds and it names the key that was asked for; anything else is
// removed and made again. Entries appear by an atomic rename, so any number of processes may share the folder.
//
//   entry   "BIMC" u32 formatVersion, 32 bytes key, 32 bytes SHA-256 of the content, i64 contentLength, content

using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Bimetal.Wasm.Compiler.Cache;

/// <summary>A folder of verified entries with a cap on their size.</summary>
public sealed class CodeCache
{
    private const uint Magic = 0x434D_4942;
    private const uint FormatVersion = 1;
    private const int KeyBytes = 32;
    private const int HeaderBytes = 8 + KeyBytes + 32 + 8;
    private const string EntrySuffix = ".bimetal-code";
    internal const string UnfinishedSuffix = ".unfinished";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode WritableByOthers = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    /// <summary>Bytes that a cache holds unless told otherwise.</summary>
    public const long DefaultCapacityBytes = 1L << 30;

    private static readonly TimeSpan AbandonedAfter = TimeSpan.FromHours(1);

    private readonly long _capacityBytes;

    /// <param name="folder">Made when the first entry is written.</param>
    /// <param name="capacityBytes">Above this the entries used longest ago are removed.</param>
    public CodeCache(string folder, long capacityBytes = DefaultCapacityBytes)
    {
        Folder = Path.GetFullPath(folder);
        _capacityBytes = capacityBytes;
    }

    public string Folder { get; }

    /// <summary>The cache of this user: <c>$BIMETAL_CACHE</c>, else <c>$XDG_CACHE_HOME/bimetal</c>, else <c>~/.cache/bimetal</c>.</summary>
    public static CodeCache ForUser() => new(UserFolder());

    /// <summary>The content stored under a key, or null. An entry that does not verify is removed.</summary>
    public byte[]? TryRead(string key)
    {
        string path = PathOf(key);
        try
        {
            if (!File.Exists(path) || !IsOurs(Folder)) return null;
            byte[] bytes = File.ReadAllBytes(path);
            if (!Verifies(bytes, key))
            {
                File.Delete(path);
                return null;
            }

            File.SetLastWriteTimeUtc(path, DateTime.UtcNow);
            return bytes[HeaderBytes..];
        }
        catch (IOException)
        {
            return null;
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Stores content; false when the folder cannot be written, which costs the next process a compilation and nothing else.</summary>
    public bool Write(string key, ReadOnlySpan<byte> content)
    {
        string unfinished = Path.Combine(Folder, Path.GetRandomFileName() + UnfinishedSuffix);
        try
        {
            if (!PrepareFolder()) return false;
            using (var file = new FileStream(unfinished, FileMode.CreateNew, FileAccess.Write))
            {
                file.Write(Header(key, content));
                file.Write(content);
                file.Flush(flushToDisk: false);
            }

            File.Move(unfinished, PathOf(key), overwrite: true);
            Evict(PathOf(key));
            return true;
        }
        catch (IOException)
        {
            return false;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Path of the entry of a key, whether it exists or not.</summary>
    public string PathOf(string key) => Path.Combine(Folder, key + EntrySuffix);

    /// <summary>Makes the folder; false when others could write into it.</summary>
    internal bool PrepareFolder()
    {
        if (!OperatingSystem.IsWindows()) Directory.CreateDirectory(Folder, OwnerOnly);
        return IsOurs(Folder);
    }

    private static string UserFolder()
    {
        if (Environment.GetEnvironmentVariable("BIMETAL_CACHE") is { Length: > 0 } chosen) return chosen;
        string? shared = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        if (shared is not null && Path.IsPathFullyQualified(shared)) return Path.Combine(shared, "bimetal");
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return home.Length > 0 ? Path.Combine(home, ".cache", "bimetal") : Path.Combine(Path.GetTempPath(), "bimetal-" + Environment.UserName);
    }

    // What is in here is run as native code: a folder that others can write is not read.
    private static bool IsOurs(string folder) => OperatingSystem.IsWindows() || (File.GetUnixFileMode(folder) & WritableByOthers) == 0;

    private static byte[] Header(string key, ReadOnlySpan<byte> content)
    {
        byte[] header = new byte[HeaderBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(header, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(4), FormatVersion);
        Convert.FromHexString(key).CopyTo(header, 8);
        SHA256.HashData(content, header.AsSpan(8 + KeyBytes));
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(HeaderBytes - 8), content.Length);
        return header;
    }

    private static bool Verifies(ReadOnlySpan<byte> bytes, string key)
    {
        if (bytes.Length < HeaderBytes) return false;
        var content = bytes[HeaderBytes..];
        return bytes[..HeaderBytes].SequenceEqual(Header(key, content));
    }

    // Other processes rename and remove files meanwhile; whatever is gone when it is looked at needs no eviction.
    private void Evict(string keep)
    {
        var entries = new List<(FileInfo File, long Length, DateTime Used)>();
        foreach (var file in new DirectoryInfo(Folder).GetFiles())
        {
            if (!file.Exists) continue;
            bool isUnfinished = file.Name.EndsWith(UnfinishedSuffix, StringComparison.Ordinal);
            if (isUnfinished && DateTime.UtcNow - file.LastWriteTimeUtc > AbandonedAfter) file.Delete();
            else if (file.Name.EndsWith(EntrySuffix, StringComparison.Ordinal)) entries.Add((file, file.Length, file.LastWriteTimeUtc));
        }

        long total = entries.Sum(entry => entry.Length);
        foreach (var entry in entries.Where(entry => entry.File.FullName != keep).OrderBy(entry => entry.Used))
        {
            if (total <= _capacityBytes) return;
            total -= entry.Length;
            entry.File.Delete();
        }
    }
}
