// "Did you mean": the allowed word with the smallest edit distance to what was written.

namespace Bimetal.Gateway.Configuration;

internal static class NearestKey
{
    /// <summary>The closest of <paramref name="allowed"/>, or null when none is close enough to be a slip of the pen.</summary>
    public static string? Find(string written, IEnumerable<string> allowed)
    {
        string? best = null;
        int bestDistance = Math.Max(2, written.Length / 3) + 1;
        foreach (string candidate in allowed)
        {
            int distance = Distance(written, candidate);
            if (distance >= bestDistance) continue;
            bestDistance = distance;
            best = candidate;
        }

        return best;
    }

    /// <summary>A remedy line: the closest word first, then everything that is allowed.</summary>
    public static string Remedy(string written, IReadOnlyCollection<string> allowed)
    {
        string list = allowed.Count == 0 ? "nothing is allowed here" : "allowed: " + string.Join(", ", allowed);
        return Find(written, allowed) is { } near ? $"did you mean '{near}'? ({list})" : list;
    }

    private static int Distance(string left, string right)
    {
        int[] previous = [.. Enumerable.Range(0, right.Length + 1)];
        int[] current = new int[right.Length + 1];
        for (int row = 1; row <= left.Length; row++)
        {
            current[0] = row;
            for (int column = 1; column <= right.Length; column++)
            {
                int replace = previous[column - 1] + (Same(left[row - 1], right[column - 1]) ? 0 : 1);
                current[column] = Math.Min(replace, 1 + Math.Min(previous[column], current[column - 1]));
            }

            (previous, current) = (current, previous);
        }

        return previous[right.Length];
    }

    // "body-buffer" and "Body_Buffer" are slips for "body_buffer".
    private static bool Same(char left, char right) => char.ToLowerInvariant(left == '-' ? '_' : left) == char.ToLowerInvariant(right == '-' ? '_' : right);
}
