// The functions of a plugin that the host calls, with the types that they must have.

using Bimetal.Wasm.Modules;

namespace Bimetal.Plugins.ProxyWasm;

/// <summary>Exports that the host calls.</summary>
internal enum GuestCallback
{
    Initialize,
    Main,
    MainVoid,
    Start,
    Allocate,
    Malloc,
    Arena,
    DeleteFrees,
    ContextCreate,
    VmStart,
    Configure,
    Tick,
    Done,
    Log,
    Delete,
    HttpCallResponse,
    QueueReady,
    RequestHeaders,
    RequestBody,
    RequestTrailers,
    ResponseHeaders,
    ResponseBody,
    ResponseTrailers,
}

/// <summary>Which callbacks a module has. Made once per module; all are optional.</summary>
internal sealed class CallbackTable
{
    private const int MaximumHeaderParameterCount = 3;

    private static readonly (GuestCallback Callback, string Name, int ParameterCount, bool HasResult)[] s_known =
    [
        (GuestCallback.Initialize, "_initialize", 0, false),
        (GuestCallback.Main, "main", 2, true),
        (GuestCallback.MainVoid, "__main_void", 0, true),
        (GuestCallback.Start, "_start", 0, false),
        (GuestCallback.Allocate, "proxy_on_memory_allocate", 1, true),
        (GuestCallback.Malloc, "malloc", 1, true),
        (GuestCallback.Arena, "bimetal_arena_rooms", 0, true),
        (GuestCallback.DeleteFrees, "bimetal_delete_frees", 0, true),
        (GuestCallback.ContextCreate, "proxy_on_context_create", 2, false),
        (GuestCallback.VmStart, "proxy_on_vm_start", 2, true),
        (GuestCallback.Configure, "proxy_on_configure", 2, true),
        (GuestCallback.Tick, "proxy_on_tick", 1, false),
        (GuestCallback.Done, "proxy_on_done", 1, true),
        (GuestCallback.Log, "proxy_on_log", 1, false),
        (GuestCallback.Delete, "proxy_on_delete", 1, false),
        (GuestCallback.HttpCallResponse, "proxy_on_http_call_response", 5, false),
        (GuestCallback.QueueReady, "proxy_on_queue_ready", 2, false),
        (GuestCallback.RequestHeaders, "proxy_on_request_headers", MaximumHeaderParameterCount, true),
        (GuestCallback.RequestBody, "proxy_on_request_body", 3, true),
        (GuestCallback.RequestTrailers, "proxy_on_request_trailers", 2, true),
        (GuestCallback.ResponseHeaders, "proxy_on_response_headers", MaximumHeaderParameterCount, true),
        (GuestCallback.ResponseBody, "proxy_on_response_body", 3, true),
        (GuestCallback.ResponseTrailers, "proxy_on_response_trailers", 2, true),
    ];

    private CallbackTable()
    {
    }

    /// <summary>A bit for each callback that there is.</summary>
    public uint Exported { get; private set; }

    public static int Count => s_known.Length;

    public static string NameOf(GuestCallback callback) => s_known[(int)callback].Name;

    public bool Has(GuestCallback callback) => IsIn(Exported, callback);

    public static bool IsIn(uint exported, GuestCallback callback) => ((exported >> (int)callback) & 1) != 0;

    /// <summary>Looks at a module's exports; null with a fault when one has a type that cannot be called.</summary>
    public static CallbackTable? Create(WasmModule module, out string? fault)
    {
        var table = new CallbackTable();
        var functions = module.Exports.Where(export => export.Kind == ExternalKind.Function);
        var exports = functions.ToDictionary(export => export.Name, StringComparer.Ordinal);
        fault = null;
        foreach (var (callback, name, parameterCount, hasResult) in s_known)
        {
            if (!exports.TryGetValue(name, out var export)) continue;
            var type = module.TypeOf(export.Index);
            if (!Fits(type, name, parameterCount, hasResult))
            {
                // These three are names that a C program can have for its own ends.
                if (callback is GuestCallback.Main or GuestCallback.MainVoid or GuestCallback.Malloc) continue;
                fault = $"exports {name} as {type}, expected {Expected(parameterCount, hasResult)}";
                return null;
            }

            table.Exported |= 1U << (int)callback;
        }

        return table;
    }

    private static bool Fits(FunctionType type, string name, int parameterCount, bool hasResult)
    {
        if (type.Parameters.Any(parameter => parameter != ValueType.I32)) return false;
        if (hasResult ? type.Results is not [ValueType.I32] : type.Results.Length != 0) return false;

        // ABI 0.1.0 has no end_of_stream in the header callbacks.
        bool mayLackLast = name is "proxy_on_request_headers" or "proxy_on_response_headers";
        return type.Parameters.Length == parameterCount || (mayLackLast && type.Parameters.Length == parameterCount - 1);
    }

    private static string Expected(int parameterCount, bool hasResult) =>
        $"({string.Join(", ", Enumerable.Repeat("i32", parameterCount))}) -> ({(hasResult ? "i32" : "")})";
}
