/*
 * script_memory.h - where the script guest puts what the host returns: an allocator and an arena, both of which can be told to misbehave.
 */
#ifndef SCRIPT_MEMORY_H
#define SCRIPT_MEMORY_H

extern u8 __heap_base;
static u32 heap;
static u32 allocator_mode;

EXPORT("proxy_on_memory_allocate") u32 allocate(u32 length);
u32 allocate(u32 length)
{
    if (allocator_mode == 1) return 0;
    if (allocator_mode == 2) return 0xfffffff0u;
    if (allocator_mode == 3) __builtin_trap();
    if (heap == 0) heap = (u32)&__heap_base;
    u32 start = (heap + 15u) & ~15u;
    u32 end = start + length;
    u32 committed = (u32)__builtin_wasm_memory_size(0) * 65536u;
    if (end > committed && __builtin_wasm_memory_grow(0, (end - committed + 65535u) / 65536u) == (unsigned long)-1) return 0;
    heap = end;
    return start;
}

static u32 arena_mode;
static u32 rooms[3];    // next free byte of the near and of the far room, end of the near one

EXPORT("bimetal_arena_rooms") u32 arena_rooms(void);
u32 arena_rooms(void)
{
    static u8 near[8192], far[8192];
    u32 committed = (u32)__builtin_wasm_memory_size(0) * 65536u;
    if (arena_mode == 0) return 0;
    if (arena_mode == 2) return 0xfffffff0u;
    rooms[0] = arena_mode == 3 ? 0xffffffffu : arena_mode == 4 ? committed - 1 : (u32)near;
    rooms[1] = arena_mode == 3 ? 0xfffffff0u : arena_mode == 4 ? committed - 1 : (u32)far;
    rooms[2] = arena_mode == 3 || arena_mode == 4 ? 0xffffffffu : arena_mode == 5 ? (u32)near + 4 : (u32)near + sizeof near;
    return (u32)rooms;
}

#endif
