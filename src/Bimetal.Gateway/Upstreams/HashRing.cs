// Consistent hashing: every endpoint has many points on a ring; a key belongs to the first point behind it. An endpoint that goes takes only
// its own keys with it, and one that comes takes only its share.

using System.Text;

namespace Bimetal.Gateway.Upstreams;

/// <summary>Immutable.</summary>
internal sealed class HashRing
{
    /// <summary>Points per unit of weight; so many that shares differ by some percent only.</summary>
    private const int PointsPerWeight = 160;

    /// <summary>With more, endpoints get fewer points each: 100 endpoints of weight 100 need no million.</summary>
    private const int MaximumPoints = 200_000;

    private readonly ulong[] _points;
    private readonly WeightedEndpoint[] _owners;

    public HashRing(WeightedEndpoint[] endpoints)
    {
        long wanted = endpoints.Sum(endpoint => (long)endpoint.Weight * PointsPerWeight);
        double scale = Math.Min(1, (double)MaximumPoints / Math.Max(wanted, 1));
        var points = new List<(ulong Point, WeightedEndpoint Owner)>();
        foreach (var endpoint in endpoints)
        {
            ulong seed = KeyHash.Of(Encoding.UTF8.GetBytes(endpoint.State.Endpoint.Name));
            int count = Math.Max(1, (int)(endpoint.Weight * PointsPerWeight * scale));
            for (int point = 0; point < count; point++) points.Add((KeyHash.Mix(seed + ((ulong)point * 0x9E3779B97F4A7C15)), endpoint));
        }

        points.Sort((left, right) => left.Point.CompareTo(right.Point));
        _points = [.. points.Select(point => point.Point)];
        _owners = [.. points.Select(point => point.Owner)];
    }

    /// <summary>The first endpoint behind the key that may be used; null when none may.</summary>
    public EndpointState? Find(ulong key, in EndpointFilter filter)
    {
        int start = Array.BinarySearch(_points, key);
        if (start < 0) start = ~start;
        EndpointState? refused = null;
        for (int step = 0; step < _owners.Length; step++)
        {
            var state = _owners[(start + step) % _owners.Length].State;
            if (ReferenceEquals(state, refused)) continue;
            if (filter.Allows(state)) return state;
            refused = state;
        }

        return null;
    }
}
