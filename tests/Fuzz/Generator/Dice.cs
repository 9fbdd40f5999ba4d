// The generator's only source of chance: the same seed gives the same module on every machine.

namespace Bimetal.Fuzz.Generator;

internal sealed class Dice
{
    private readonly Random _random;

    /// <summary>Dice for one module of a run.</summary>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="index">Number of the module in it.</param>
    internal Dice(int seed, int index)
    {
        // SplitMix64: neighbouring numbers must not give similar modules.
        ulong mixed = ((ulong)(uint)seed << 32 | (uint)index) + 0x9E3779B97F4A7C15;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        _random = new Random((int)(mixed ^ (mixed >> 31)));
    }

    /// <summary>A number from 0 to <paramref name="count"/> - 1.</summary>
    internal int Next(int count) => _random.Next(count);

    internal int Between(int first, int last) => _random.Next(first, last + 1);

    internal bool Chance(int percent) => _random.Next(100) < percent;

    internal T Pick<T>(IReadOnlyList<T> items) => items[_random.Next(items.Count)];

    internal ulong Bits() => (ulong)_random.NextInt64(long.MinValue, long.MaxValue);

    internal byte[] Bytes(int count)
    {
        byte[] bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>One of the actions, in proportion to its weight.</summary>
    internal T Weighted<T>(params ReadOnlySpan<(int Weight, Func<T> Make)> choices)
    {
        int total = 0;
        foreach (var (weight, _) in choices) total += weight;
        int roll = _random.Next(total);
        foreach (var (weight, make) in choices)
        {
            if (roll < weight) return make();
            roll -= weight;
        }

        throw new InvalidOperationException("Weights do not add up.");
    }
}
