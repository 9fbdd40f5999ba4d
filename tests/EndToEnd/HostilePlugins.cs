// proxy-wasm plugins that misbehave in on_request_headers, as text modules. Everything else in them is the least that the ABI asks for.

using Bimetal.Testing;

namespace Bimetal.EndToEnd.Tests;

internal static class HostilePlugins
{
    internal static byte[] Polite { get; } = Make("(i32.const 0)");

    internal static byte[] EndlessLoop { get; } = Make("(loop (br 0)) (i32.const 0)");

    internal static byte[] Trap { get; } = Make("(unreachable)");

    internal static byte[] StackOverflow { get; } = Make("(call $recurse) (i32.const 0)", "(func $recurse (call $recurse) (call $recurse))");

    /// <summary>Holds its request for ever.</summary>
    internal static byte[] Waits { get; } = Make("(i32.const 1)");

    /// <summary>Grows memory as far as it gets, writes to every page, and traps when no more comes.</summary>
    internal static byte[] MemoryBomb { get; } = Make(
        "(local $at i32) (loop (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable)) "
        + "(i32.store (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4)) (i32.const 7)) (br 0)) (i32.const 0)");

    internal static byte[] WildPointer { get; } = Make("(i32.store (i32.const -8) (i32.const 1)) (i32.const 0)");

    /// <summary>Fails unless the memory and the global are as the module defines them: sees what an earlier request left behind.</summary>
    internal static byte[] Remembers { get; } = Make(
        "(if (i32.or (global.get $seen) (i32.load (i32.const 4096))) (then unreachable)) "
        + "(global.set $seen (i32.const 1)) (i32.store (i32.const 4096) (i32.const 1)) (i32.const 0)",
        "(global $seen (mut i32) (i32.const 0))");

    private static byte[] Make(string onRequestHeaders, string extra = "") => Wat.ToWasm(
        $"""
        (module
          (memory (export "memory") 2)
          {extra}
          (func (export "proxy_abi_version_0_2_1"))
          (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 65536))
          (func (export "proxy_on_context_create") (param i32 i32))
          (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const 1))
          (func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 1))
          (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) {onRequestHeaders})
          (func (export "proxy_on_done") (param i32) (result i32) (i32.const 1))
          (func (export "proxy_on_log") (param i32))
          (func (export "proxy_on_delete") (param i32)))
        """);
}
