// How figures grow with something, measured by `bench --full`.

namespace Bimetal.Meter.Report;

/// <summary>A figure of both metals at one size.</summary>
public sealed record ScalingPoint(double Size, double Native, double Wasm);

/// <summary>One curve for each metal.</summary>
/// <param name="Title">What grows.</param>
/// <param name="Axis">What <see cref="ScalingPoint.Size"/> counts.</param>
/// <param name="Note">What was measured, with its unit.</param>
public sealed record ScalingCurve(string Title, string Axis, string Note, IReadOnlyList<ScalingPoint> Points);
