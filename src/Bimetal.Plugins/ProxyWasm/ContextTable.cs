// The stream contexts of an instance by number. Nearly always there is one, which is found without hashing.

using System.Diagnostics.CodeAnalysis;

namespace Bimetal.Plugins.ProxyWasm;

/// <summary>Contexts by number. One thread at a time; not to be copied.</summary>
internal struct ContextTable
{
    private uint _singleId;
    private WasmPluginStream? _single;
    private Dictionary<uint, WasmPluginStream>? _others;

    public readonly int Count => (_single is null ? 0 : 1) + (_others?.Count ?? 0);

    /// <summary>False when the number is taken.</summary>
    public bool TryAdd(uint contextId, WasmPluginStream stream)
    {
        if (_single is null && _others is not { Count: > 0 })
        {
            (_singleId, _single) = (contextId, stream);
            return true;
        }

        return (_single is null || _singleId != contextId) && (_others ??= []).TryAdd(contextId, stream);
    }

    public readonly bool TryGet(uint contextId, [NotNullWhen(true)] out WasmPluginStream? stream)
    {
        stream = _singleId == contextId ? _single : null;
        return stream is not null || (_others is not null && _others.TryGetValue(contextId, out stream));
    }

    public void Remove(uint contextId)
    {
        if (_single is not null && _singleId == contextId) _single = null;
        else _others?.Remove(contextId);
    }

    public void Clear()
    {
        _single = null;
        _others?.Clear();
    }

    /// <summary>All of them as they are now: the table may change meanwhile.</summary>
    public readonly WasmPluginStream[] ToArray() => [.. _single is null ? [] : new[] { _single }, .. _others?.Values ?? Enumerable.Empty<WasmPluginStream>()];
}
