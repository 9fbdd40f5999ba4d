// What an image says of itself in its first bytes: type, size, orientation. JPEG segments and EXIF are read by MetadataExtractor; of the other types
// only what is wanted is read here, because the library would unpack compressed chunks, and a hostile file decides how much comes out of these.

using System.Buffers.Binary;
using MetadataExtractor;
using MetadataExtractor.Formats.Exif;
using MetadataExtractor.Formats.Jpeg;
using MetadataExtractor.IO;
using MetadataExtractor.Util;

namespace Bimetal.Gateway.Filters.Images;

/// <summary>How the reading of a prefix ended.</summary>
internal enum ImageOutcome
{
    Known,

    /// <summary>More bytes could tell.</summary>
    NeedMore,

    /// <summary>None of the four types.</summary>
    NotAnImage,

    /// <summary>One of the types, but contradicting itself.</summary>
    Corrupt,
}

/// <param name="Width">Pixels as stored, before any rotation.</param>
/// <param name="Orientation">1 to 8 as in EXIF; 0: the file does not say.</param>
internal sealed record ImageHeader(FileType Type, long Width, long Height, int Orientation)
{
    /// <summary>What lies behind is never looked at.</summary>
    public const int PrefixBytes = 64 << 10;

    private const int MaximumChunks = 512;

    // The library knows each type by so many bytes.
    private const int RecognisedBytes = 16;

    private static readonly IJpegSegmentMetadataReader[] JpegReaders = [new JpegReader(), new ExifReader()];

    public string TypeName => Type switch
    {
        FileType.Jpeg => "jpeg",
        FileType.Png => "png",
        FileType.Gif => "gif",
        _ => "webp",
    };

    public static ImageOutcome TryRead(byte[] prefix, out ImageHeader? header)
    {
        header = null;
        if (prefix.Length < 12) return ImageOutcome.NeedMore;
        try
        {
            using var stream = new MemoryStream(prefix, writable: false);
            return FileTypeDetector.DetectFileType(stream) switch
            {
                FileType.Jpeg => EndsBeforeScan(prefix) ? ImageOutcome.NeedMore : ReadJpeg(stream, out header),
                FileType.Png => ReadPng(prefix, out header),
                FileType.Gif => ReadGif(prefix, out header),
                FileType.WebP => ReadWebP(prefix, out header),
                _ => prefix.Length < RecognisedBytes ? ImageOutcome.NeedMore : ImageOutcome.NotAnImage,
            };
        }
        catch (Exception exception) when (exception is IOException or ArgumentException)
        {
            // The library's word for a file that ends in the middle.
            return ImageOutcome.NeedMore;
        }
        catch (Exception exception) when (exception is ImageProcessingException or FormatException or OverflowException or IndexOutOfRangeException or InvalidCastException)
        {
            return ImageOutcome.Corrupt;
        }
    }

    // The library calls a file damaged that ends in the middle of a segment, so it sees one only when all before the picture is there.
    private static bool EndsBeforeScan(ReadOnlySpan<byte> prefix)
    {
        const byte StartOfScan = 0xDA, EndOfImage = 0xD9, FirstWithoutLength = 0xD0, LastWithoutLength = 0xD8, Temporary = 0x01;
        int offset = 2;
        while (offset + 4 <= prefix.Length)
        {
            byte marker = prefix[offset + 1];
            if (prefix[offset] != 0xFF || marker is StartOfScan or EndOfImage) return false;
            if (marker == 0xFF) offset++;
            else if (marker is Temporary or (>= FirstWithoutLength and <= LastWithoutLength)) offset += 2;
            else offset += 2 + BinaryPrimitives.ReadUInt16BigEndian(prefix[(offset + 2)..]);
        }

        return true;
    }

    private static ImageOutcome ReadJpeg(Stream stream, out ImageHeader? header)
    {
        stream.Position = 0;
        var directories = JpegMetadataReader.ReadMetadata(stream, JpegReaders);
        var frame = directories.OfType<JpegDirectory>().FirstOrDefault();
        return Make(FileType.Jpeg, NumberOf(frame, JpegDirectory.TagImageWidth), NumberOf(frame, JpegDirectory.TagImageHeight), OrientationOf(directories), out header);
    }

    private static ImageOutcome ReadPng(ReadOnlySpan<byte> prefix, out ImageHeader? header)
    {
        header = null;
        if (prefix.Length < 33) return ImageOutcome.NeedMore;
        if (BinaryPrimitives.ReadUInt32BigEndian(prefix[8..]) != 13 || !prefix[12..].StartsWith("IHDR"u8)) return ImageOutcome.Corrupt;
        int orientation = 0;
        long offset = 33;
        for (int chunk = 0; chunk < MaximumChunks; chunk++)
        {
            // Far chunks leave the orientation unknown; the size is known long since.
            if (offset + 8 > PrefixBytes) break;
            if (offset + 8 > prefix.Length) return ImageOutcome.NeedMore;
            var head = prefix[(int)offset..];
            long length = BinaryPrimitives.ReadUInt32BigEndian(head);
            if (length > int.MaxValue) return ImageOutcome.Corrupt;
            var name = head.Slice(4, 4);
            if (name.SequenceEqual("IDAT"u8) || name.SequenceEqual("IEND"u8)) break;
            if (name.SequenceEqual("eXIf"u8))
            {
                if (offset + 8 + length > PrefixBytes) break;
                if (offset + 8 + length > prefix.Length) return ImageOutcome.NeedMore;
                orientation = ExifOrientation(head.Slice(8, (int)length));
                break;
            }

            offset += 12 + length;
        }

        return Make(FileType.Png, BinaryPrimitives.ReadUInt32BigEndian(prefix[16..]), BinaryPrimitives.ReadUInt32BigEndian(prefix[20..]), orientation, out header);
    }

    private static ImageOutcome ReadGif(ReadOnlySpan<byte> prefix, out ImageHeader? header) =>
        Make(FileType.Gif, BinaryPrimitives.ReadUInt16LittleEndian(prefix[6..]), BinaryPrimitives.ReadUInt16LittleEndian(prefix[8..]), 0, out header);

    // RFC 9649: RIFF chunks; VP8, VP8L or VP8X first.
    private static ImageOutcome ReadWebP(ReadOnlySpan<byte> prefix, out ImageHeader? header)
    {
        header = null;
        if (prefix.Length < 30) return ImageOutcome.NeedMore;
        var kind = prefix.Slice(12, 4);
        var body = prefix[20..];
        if (kind.SequenceEqual("VP8L"u8))
        {
            uint packed = BinaryPrimitives.ReadUInt32LittleEndian(body[1..]);
            return body[0] == 0x2f && packed >> 29 == 0 ? Make(FileType.WebP, (packed & 0x3fff) + 1, (packed >> 14 & 0x3fff) + 1, 0, out header) : ImageOutcome.Corrupt;
        }

        if (kind.SequenceEqual("VP8 "u8))
        {
            bool isKeyFrame = (body[0] & 1) == 0 && body[3..].StartsWith((ReadOnlySpan<byte>)[0x9d, 0x01, 0x2a]);
            if (!isKeyFrame) return ImageOutcome.Corrupt;
            return Make(FileType.WebP, BinaryPrimitives.ReadUInt16LittleEndian(body[6..]) & 0x3fff, BinaryPrimitives.ReadUInt16LittleEndian(body[8..]) & 0x3fff, 0, out header);
        }

        if (!kind.SequenceEqual("VP8X"u8)) return ImageOutcome.Corrupt;
        int orientation = 0;
        if ((body[0] & 0x08) != 0 && ReadWebPExif(prefix, out orientation) == ImageOutcome.NeedMore) return ImageOutcome.NeedMore;
        return Make(FileType.WebP, Little24(body[4..]) + 1, Little24(body[7..]) + 1, orientation, out header);
    }

    private static ImageOutcome ReadWebPExif(ReadOnlySpan<byte> prefix, out int orientation)
    {
        orientation = 0;
        long offset = 30, fileEnd = 8 + (long)BinaryPrimitives.ReadUInt32LittleEndian(prefix[4..]);
        for (int chunk = 0; chunk < MaximumChunks && offset + 8 <= Math.Min(fileEnd, PrefixBytes); chunk++)
        {
            if (offset + 8 > prefix.Length) return ImageOutcome.NeedMore;
            var head = prefix[(int)offset..];
            long length = BinaryPrimitives.ReadUInt32LittleEndian(head[4..]);
            if (head.StartsWith("EXIF"u8))
            {
                if (offset + 8 + length > Math.Min(fileEnd, PrefixBytes)) return ImageOutcome.Known;
                if (offset + 8 + length > prefix.Length) return ImageOutcome.NeedMore;
                orientation = ExifOrientation(head.Slice(8, (int)length));
                return ImageOutcome.Known;
            }

            offset += 8 + length + (length & 1);
        }

        return ImageOutcome.Known;
    }

    private static ImageOutcome Make(FileType type, long width, long height, int orientation, out ImageHeader? header)
    {
        bool isSound = width is > 0 and <= int.MaxValue && height is > 0 and <= int.MaxValue;
        header = isSound ? new ImageHeader(type, width, height, orientation) : null;
        return isSound ? ImageOutcome.Known : ImageOutcome.Corrupt;
    }

    // Unsound EXIF leaves the orientation unknown: the image itself may be sound.
    private static int ExifOrientation(ReadOnlySpan<byte> exif)
    {
        if (exif.StartsWith("Exif\0\0"u8)) exif = exif[6..];
        try
        {
            return OrientationOf(new ExifReader().Extract(new ByteArrayReader(exif.ToArray())));
        }
        catch (Exception exception) when (exception is IOException or ImageProcessingException or ArgumentException or FormatException or OverflowException or IndexOutOfRangeException)
        {
            return 0;
        }
    }

    private static int OrientationOf(IEnumerable<MetadataExtractor.Directory> directories) =>
        NumberOf(directories.OfType<ExifIfd0Directory>().FirstOrDefault(), ExifDirectoryBase.TagOrientation) is >= 1 and <= 8 and var orientation ? (int)orientation : 0;

    private static long NumberOf(MetadataExtractor.Directory? directory, int tag) => directory is not null && directory.TryGetInt64(tag, out long value) ? value : 0;

    private static long Little24(ReadOnlySpan<byte> bytes) => bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);
}
