// The entry event_window: of a route's filters.

namespace Bimetal.Gateway.Configuration;

internal enum EventFormat
{
    /// <summary>By the response's content-type.</summary>
    Auto,

    /// <summary>A JSON object a line.</summary>
    Ndjson,

    /// <summary>Server-sent events whose data are JSON objects.</summary>
    Sse,
}

/// <summary><c>event_window:</c>, checked. Exactly one of <see cref="Events"/> and <see cref="Seconds"/> is not 0.</summary>
/// <param name="Field">The member whose figures are wanted.</param>
internal sealed record EventWindowFilterConfig(string Field) : FilterConfig
{
    public EventFormat Format { get; init; }

    public int Events { get; init; }

    public int Seconds { get; init; }

    /// <summary>The member with an event's own time, in seconds.</summary>
    public string Time { get; init; } = "ts";

    /// <summary>Longer events are not read, and count as bad.</summary>
    public int MaximumEventBytes { get; init; } = 16 << 10;
}

internal static class EventWindowFilterReader
{
    public static FilterConfig Read(ConfigMapping window, FilterSurroundings surroundings)
    {
        var config = new EventWindowFilterConfig(window.RequiredText("field", "name the member of the events whose figures are wanted"))
        {
            Format = window.Choice("format", EventFormat.Auto, ("auto", EventFormat.Auto), ("ndjson", EventFormat.Ndjson), ("sse", EventFormat.Sse)),
            Events = window.OptionalCount("events", 1, 1_000_000) ?? 0,
            Seconds = window.OptionalCount("seconds", 1, 86_400) ?? 0,
            Time = window.Text("time") ?? "ts",
            MaximumEventBytes = (int)window.Size("max_event", 16 << 10, 64, 1 << 20),
        };
        if (window.Has("events") == window.Has("seconds")) window.Error("events", "a window ends by one thing", "give one of events and seconds");
        if (window.Has("time") && !window.Has("seconds")) window.Error("time", "is for windows of time", "write seconds: as well, or remove the key");
        return config;
    }
}
