// The figures of one window, and an event's numbers. Figures are decimals, so that no digit depends on the order of additions or on the machine.

using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Bimetal.Gateway.Configuration;

namespace Bimetal.Gateway.Filters.Events;

/// <summary>What one event says.</summary>
internal readonly record struct EventNumbers(decimal Value, decimal Time)
{
    /// <summary>Greater ones count as bad: sums of a million of them still fit.</summary>
    private const decimal Maximum = 1_000_000_000_000m;

    private const int MaximumDepth = 64;

    /// <summary>Digits behind the sixth are cut off.</summary>
    private const int Digits = 6;

    /// <summary>Reads the members of the outermost object; of a name that stands twice the last counts, as with most readers.</summary>
    public static bool TryRead(ReadOnlySpan<byte> json, EventWindowFilterConfig config, out EventNumbers numbers)
    {
        decimal? value = null, time = null;
        numbers = default;
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaximumDepth });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return false;
            while (reader.Read())
            {
                if (reader.TokenType != JsonTokenType.PropertyName || reader.CurrentDepth != 1) continue;
                bool isValue = reader.ValueTextEquals(config.Field), isTime = config.Seconds > 0 && reader.ValueTextEquals(config.Time);
                if (!isValue && !isTime) continue;
                if (!reader.Read() || reader.TokenType != JsonTokenType.Number || !reader.TryGetDecimal(out decimal number) || Math.Abs(number) > Maximum) return false;
                number = Math.Round(number, Digits, MidpointRounding.ToZero);
                if (isValue) value = number;
                if (isTime) time = number;
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a name that is no UTF-8.
            return false;
        }

        if (value is null || (config.Seconds > 0 && time is not >= 0)) return false;
        numbers = new EventNumbers(value.Value, time ?? 0);
        return true;
    }
}

/// <summary>A window that is open.</summary>
internal sealed class EventFigures
{
    private decimal _least;
    private decimal _greatest;
    private decimal _sum;

    public long Number { get; set; }

    public long Count { get; private set; }

    public void Add(decimal value)
    {
        _least = Count == 0 ? value : Math.Min(_least, value);
        _greatest = Count == 0 ? value : Math.Max(_greatest, value);
        _sum += value;
        Count++;
    }

    /// <summary>Writes it as a JSON object without a line end, and opens the next one.</summary>
    public void Close(IBufferWriter<byte> output, long bad)
    {
        string text = Count == 0
            ? string.Create(CultureInfo.InvariantCulture, $"{{\"window\":{Number},\"count\":0,\"bad\":{bad}}}")
            : string.Create(CultureInfo.InvariantCulture, $"{{\"window\":{Number},\"count\":{Count},\"min\":{Plain(_least)},\"max\":{Plain(_greatest)},\"sum\":{Plain(_sum)},\"bad\":{bad}}}");
        Encoding.ASCII.GetBytes(text, output);
        (Number, Count, _sum) = (Number + 1, 0, 0);
    }

    private static string Plain(decimal value) => value.ToString("0.######", CultureInfo.InvariantCulture);
}
