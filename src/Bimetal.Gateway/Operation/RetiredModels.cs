// What was replaced by a reload and still has requests on it.

namespace Bimetal.Gateway.Operation;

/// <summary>Work that ends by itself, and that stopping waits for. Thread-safe.</summary>
internal sealed class RetiredModels
{
    private readonly Lock _gate = new();
    private readonly List<Task> _ending = [];

    public int Count
    {
        get
        {
            lock (_gate) return _ending.Count(task => !task.IsCompleted);
        }
    }

    public void Add(Task ending)
    {
        lock (_gate)
        {
            _ending.RemoveAll(task => task.IsCompletedSuccessfully);
            _ending.Add(ending);
        }
    }

    public Task WaitAsync()
    {
        lock (_gate) return Task.WhenAll(_ending);
    }
}
