// The table of WASI functions: name, type, answer. Programs built long ago import them from `wasi_unstable`.

using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine.Wasi;

/// <summary>Offers the functions of WASI snapshot preview 1; the instance's <c>HostState</c> must be an <see cref="IWasiHost"/>.</summary>
public static class WasiImports
{
    public const string ModuleName = "wasi_snapshot_preview1";
    public const string OldModuleName = "wasi_unstable";

    // Parameters: i = i32, I = i64. All but proc_exit return an error number.
    private static readonly (string Name, string Parameters, nint Entry)[] Rows =
    [
        ("args_get", "ii", WasiFunctions.ArgsGet),
        ("args_sizes_get", "ii", WasiFunctions.ArgsSizesGet),
        ("environ_get", "ii", WasiFunctions.EnvironGet),
        ("environ_sizes_get", "ii", WasiFunctions.EnvironSizesGet),
        ("clock_res_get", "ii", WasiFunctions.ClockResGet),
        ("clock_time_get", "iIi", WasiFunctions.ClockTimeGet),
        ("fd_advise", "iIIi", WasiFunctions.FdFileOperation),
        ("fd_allocate", "iII", WasiFunctions.FdFileOperation),
        ("fd_close", "i", WasiFunctions.FdClose),
        ("fd_datasync", "i", WasiFunctions.FdFileOperation),
        ("fd_fdstat_get", "ii", WasiFunctions.FdStatus),
        ("fd_fdstat_set_flags", "ii", WasiFunctions.FdFileOperation),
        ("fd_fdstat_set_rights", "iII", WasiFunctions.FdFileOperation),
        ("fd_filestat_get", "ii", WasiFunctions.FdFileStatus),
        ("fd_filestat_set_size", "iI", WasiFunctions.FdFileOperation),
        ("fd_filestat_set_times", "iIIi", WasiFunctions.FdFileOperation),
        ("fd_pread", "iiiIi", WasiFunctions.FdSeek),
        ("fd_prestat_get", "ii", WasiFunctions.FdPreopened),
        ("fd_prestat_dir_name", "iii", WasiFunctions.FdPreopened),
        ("fd_pwrite", "iiiIi", WasiFunctions.FdSeek),
        ("fd_read", "iiii", WasiFunctions.FdRead),
        ("fd_readdir", "iiiIi", WasiFunctions.FdFileOperation),
        ("fd_renumber", "ii", WasiFunctions.FdFileOperation),
        ("fd_seek", "iIii", WasiFunctions.FdSeek),
        ("fd_sync", "i", WasiFunctions.FdFileOperation),
        ("fd_tell", "ii", WasiFunctions.FdSeek),
        ("fd_write", "iiii", WasiFunctions.FdWrite),
        ("path_create_directory", "iii", WasiFunctions.FdFileOperation),
        ("path_filestat_get", "iiiii", WasiFunctions.FdFileOperation),
        ("path_filestat_set_times", "iiiiIIi", WasiFunctions.FdFileOperation),
        ("path_link", "iiiiiii", WasiFunctions.FdFileOperation),
        ("path_open", "iiiiiIIii", WasiFunctions.FdFileOperation),
        ("path_readlink", "iiiiii", WasiFunctions.FdFileOperation),
        ("path_remove_directory", "iii", WasiFunctions.FdFileOperation),
        ("path_rename", "iiiiii", WasiFunctions.FdFileOperation),
        ("path_symlink", "iiiii", WasiFunctions.NotOffered),
        ("path_unlink_file", "iii", WasiFunctions.FdFileOperation),
        ("poll_oneoff", "iiii", WasiFunctions.PollOneOff),
        ("proc_raise", "i", WasiFunctions.NotOffered),
        ("random_get", "ii", WasiFunctions.RandomGet),
        ("sched_yield", "", WasiFunctions.Yield),
        ("sock_accept", "iii", WasiFunctions.FdFileOperation),
        ("sock_recv", "iiiiii", WasiFunctions.FdFileOperation),
        ("sock_send", "iiiii", WasiFunctions.FdFileOperation),
        ("sock_shutdown", "ii", WasiFunctions.FdFileOperation),
    ];

    /// <summary>Adds every function under both module names.</summary>
    public static ImportSet DefineWasi(this ImportSet imports)
    {
        foreach (string module in new[] { ModuleName, OldModuleName })
        {
            foreach (var (name, parameters, entry) in Rows) imports.Define(module, name, new HostFunction(TypeOf(parameters, hasResult: true), entry));
            imports.Define(module, "proc_exit", new HostFunction(TypeOf("i", hasResult: false), WasiFunctions.ProcExit));
        }

        // Its record of a file had another size then: filling in today's would write past it.
        return imports.Define(OldModuleName, "fd_filestat_get", new HostFunction(TypeOf("ii", hasResult: true), WasiFunctions.NotOffered));
    }

    private static FunctionType TypeOf(string parameters, bool hasResult) => new(
        [.. parameters.Select(letter => letter == 'i' ? ValueType.I32 : ValueType.I64)],
        hasResult ? [ValueType.I32] : []);
}
