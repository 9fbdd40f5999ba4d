// The latency budgets of all routes and plugins that have one, by name. A budget that a reload changes begins anew.

using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway.Telemetry;

/// <summary>Thread-safe; lives as long as the gateway.</summary>
internal sealed class BudgetWatches(TimeProvider time, ILogger log)
{
    private readonly ConcurrentDictionary<(string Kind, string Name, TimeSpan Budget), BudgetWatch> _watches = new();

    /// <summary>Null without a budget.</summary>
    public BudgetWatch? OfRoute(string name, TimeSpan? budget) => Of("route", name, budget);

    /// <summary>Null without a budget.</summary>
    public BudgetWatch? OfPlugin(string name, TimeSpan? budget) => Of("plugin", name, budget);

    private BudgetWatch? Of(string kind, string name, TimeSpan? budget) =>
        budget is not { } limit ? null : _watches.GetOrAdd((kind, name, limit), key => new BudgetWatch($"{key.Kind} {key.Name}", key.Budget, time, log));
}
