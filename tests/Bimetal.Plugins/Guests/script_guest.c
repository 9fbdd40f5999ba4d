/*
 * script_guest.c - a proxy-wasm plugin that does what its configuration says, so that tests can make any host call with any argument.
 *
 *   request_headers: proxy_add_header_map_value 0 "x-a" "1"; return 0
 *   response_body: proxy_get_buffer_bytes 1 0 100 &s; proxy_set_buffer_bytes 1 0 3 "new"
 *
 * One line per callback. Arguments: numbers (decimal, 0x hexadecimal, -1), "text" (pointer and length; \0 \r \n \\ \" and \xHH inside),
 * &s (two cells for pointer and length, printed as text), &b (the same, printed in hexadecimal), &i (a 32-bit cell), &l (a 64-bit cell).
 * Every host call logs "name=status" and what came back. Own commands: return N, trap, loop, recurse, grow PAGES, peek ADDRESS,
 * poke ADDRESS, count (a global that survives as long as the instance; bump counts without saying so), say "text", allocator N (0: works,
 * 1: null, 2: wild, 3: traps), arena N (when it configures; 0: none, 1: works, 2: its words lie outside, 3: they are wild, 4: it ends outside, 5: its near room is full).
 */
#include "script_imports.h"
#include "script_memory.h"

EXPORT(ABI_MARKER) void abi_version(void);
void abi_version(void) {}

/* ---- Output: one log line at a time ---- */

static u8 line[65536];
static u32 line_length;

static void put(const u8 *bytes, u32 length)
{
    for (u32 i = 0; i < length && line_length < sizeof line; i++) line[line_length++] = bytes[i];
}

static void put_text(const char *text)
{
    while (*text) put((const u8 *)text++, 1);
}

static void put_number(u64 number)
{
    u8 digits[20];
    u32 count = 0;
    do digits[19 - count++] = (u8)('0' + number % 10);
    while ((number /= 10) != 0);
    put(digits + 20 - count, count);
}

static void put_hex(const u8 *bytes, u32 length)
{
    for (u32 i = 0; i < length; i++) {
        put((const u8 *)&"0123456789abcdef"[bytes[i] >> 4], 1);
        put((const u8 *)&"0123456789abcdef"[bytes[i] & 15], 1);
    }
}

static void flush(void)
{
    proxy_log(2, (u32)line, line_length);
    line_length = 0;
}

/* ---- Script ---- */

static u8 configuration[65536];
static u32 configuration_length;
static u32 counter;

struct cursor { const u8 *at; const u8 *end; };

static int same(const u8 *word, u32 length, const char *text)
{
    u32 i = 0;
    while (i < length && text[i] && word[i] == (u8)text[i]) i++;
    return i == length && text[i] == 0;
}

static void skip_blanks(struct cursor *c)
{
    while (c->at < c->end && *c->at == ' ') c->at++;
}

static u32 word_length(const struct cursor *c)
{
    u32 length = 0;
    while (c->at + length < c->end && c->at[length] != ' ' && c->at[length] != ';') length++;
    return length;
}

static u32 hex_digit(u8 digit)
{
    return digit <= '9' ? digit - '0' : (digit | 32u) - 'a' + 10u;
}

static u64 number(struct cursor *c)
{
    skip_blanks(c);
    u64 value = 0;
    int negative = c->at < c->end && *c->at == '-';
    if (negative) c->at++;
    if (c->end - c->at > 2 && c->at[0] == '0' && c->at[1] == 'x') {
        for (c->at += 2; c->at < c->end && *c->at != ' ' && *c->at != ';'; c->at++) value = value * 16 + hex_digit(*c->at);
    } else {
        for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) value = value * 10 + (*c->at - '0');
    }
    return negative ? -value : value;
}

/* Unescapes a quoted text into fresh memory. */
static u32 text(struct cursor *c, u32 *length)
{
    u32 start = allocate((u32)(c->end - c->at));
    u8 *out = (u8 *)start;
    for (c->at++; c->at < c->end && *c->at != '"'; c->at++) {
        u8 byte = *c->at;
        if (byte == '\\') {
            byte = *++c->at;
            if (byte == '0') byte = 0;
            else if (byte == 'r') byte = '\r';
            else if (byte == 'n') byte = '\n';
            else if (byte == 'x') {
                byte = (u8)(hex_digit(c->at[1]) * 16 + hex_digit(c->at[2]));
                c->at += 2;
            }
        }
        *out++ = byte;
    }
    c->at++;
    *length = (u32)out - start;
    return start;
}

static u64 cells[16];

static u32 dispatch(u32 index, const u32 *a)
{
    void (*call)(void) = functions[index].call;
    switch (functions[index].arity) {
    case 0: return ((u32 (*)(ARGS0))call)();
    case 1: return ((u32 (*)(ARGS1))call)(a[0]);
    case 2: return ((u32 (*)(ARGS2))call)(a[0], a[1]);
    case 3: return ((u32 (*)(ARGS3))call)(a[0], a[1], a[2]);
    case 4: return ((u32 (*)(ARGS4))call)(a[0], a[1], a[2], a[3]);
    case 5: return ((u32 (*)(ARGS5))call)(a[0], a[1], a[2], a[3], a[4]);
    case 6: return ((u32 (*)(ARGS6))call)(a[0], a[1], a[2], a[3], a[4], a[5]);
    case 8: return ((u32 (*)(ARGS8))call)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
    case 10: return ((u32 (*)(ARGS10))call)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9]);
    default: return ((u32 (*)(ARGS12))call)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11]);
    }
}

static void show_cells(const u8 *kinds, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        put_text(" ");
        if (kinds[i] == 'i') put_number((u32)cells[i]);
        else if (kinds[i] == 'l') put_number(cells[i]);
        else {
            if (kinds[i] == 's') put((const u8 *)(u32)cells[i], (u32)cells[i + 1]);
            else put_hex((const u8 *)(u32)cells[i], (u32)cells[i + 1]);
            if ((u32)cells[i] == 0 && (u32)cells[i + 1] == 0) put_text("(none)");
            i++;
        }
    }
}

static void host_call(u32 index, struct cursor *c)
{
    u32 arguments[16] = { 0 };
    u8 kinds[16];
    u32 count = 0, cell_count = 0;
    for (skip_blanks(c); c->at < c->end && *c->at != ';' && count < 14; skip_blanks(c)) {
        if (*c->at == '"') {
            arguments[count] = text(c, &arguments[count + 1]);
            count += 2;
        } else if (*c->at == '&') {
            u8 kind = c->at[1];
            u32 width = kind == 's' || kind == 'b' ? 2 : 1;
            c->at += 2;
            for (u32 i = 0; i < width; i++) {
                cells[cell_count] = 0;
                kinds[cell_count] = kind;
                arguments[count++] = (u32)&cells[cell_count++];
            }
        } else {
            arguments[count++] = (u32)number(c);
        }
    }
    u32 status = dispatch(index, arguments);
    put_text(functions[index].name);
    put_text("=");
    put_number(status);
    show_cells(kinds, status == 0 ? cell_count : 0);
    flush();
}

__attribute__((noinline)) static u32 recurse(u32 depth)
{
    volatile u32 frame[64];
    frame[depth & 63] = depth;
    return depth == 0xffffffffu ? 0 : recurse(depth + 1) + frame[(depth + 1) & 63];
}

/* Runs one command; true when it was "return", whose number is in *result. */
static int command(struct cursor *c, u32 *result)
{
    skip_blanks(c);
    const u8 *word = c->at;
    u32 length = word_length(c);
    c->at += length;
    for (u32 i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (!same(word, length, functions[i].name)) continue;
        host_call(i, c);
        return 0;
    }
    if (same(word, length, "return")) {
        *result = (u32)number(c);
        return 1;
    }
    if (same(word, length, "trap")) __builtin_trap();
    if (same(word, length, "loop")) for (volatile u32 i = 0;; i++) {}
    if (same(word, length, "recurse")) put_number(recurse(0));
    if (same(word, length, "grow")) {
        put_text("grow=");
        put_number((u32)__builtin_wasm_memory_grow(0, (u32)number(c)));
    }
    if (same(word, length, "bomb")) {
        while (allocate(1 << 20) != 0) {}
        __builtin_trap();
    }
    if (same(word, length, "peek")) {
        put_text("peek=");
        put_number(*(volatile u8 *)(u32)number(c));
    }
    if (same(word, length, "poke")) *(volatile u8 *)(u32)number(c) = 77;
    if (same(word, length, "count")) {
        put_text("count=");
        put_number(++counter);
    }
    if (same(word, length, "bump")) ++counter;
    if (same(word, length, "say")) {
        u32 said_length;
        skip_blanks(c);
        u32 said = text(c, &said_length);
        put((const u8 *)said, said_length);
    }
    if (same(word, length, "print")) {
        u32 vector[2];
        skip_blanks(c);
        vector[0] = text(c, &vector[1]);
        fd_write(1, (u32)vector, 1, (u32)&cells[0]);
    }
    if (same(word, length, "now")) {
        put_text("now=");
        put_number(clock_time_get(0, 0, (u32)&cells[0]));
        put_text(" ");
        put_number(cells[0]);
    }
    if (same(word, length, "metric")) {
        u32 id = (u32)number(c);
        u32 recorded = proxy_record_metric(id, number(c));
        put_text("metric=");
        put_number(recorded);
        put_text(",");
        put_number(proxy_increment_metric(id, number(c)));
    }
    if (same(word, length, "arena")) arena_mode = (u32)number(c);
    if (same(word, length, "allocator")) allocator_mode = (u32)number(c);
    if (line_length != 0) flush();
    return 0;
}

/* Runs the line of a callback; without one the result is `otherwise`. */
static u32 run(const char *callback, u32 otherwise)
{
    const u8 *end = configuration + configuration_length;
    for (const u8 *at = configuration; at < end;) {
        const u8 *stop = at;
        while (stop < end && *stop != '\n') stop++;
        const u8 *colon = at;
        while (colon < stop && *colon != ':') colon++;
        if (same(at, (u32)(colon - at), callback)) {
            struct cursor c = { colon + 1, stop };
            u32 result = otherwise;
            while (c.at < c.end) {
                if (command(&c, &result)) break;
                while (c.at < c.end && (*c.at == ' ' || *c.at == ';')) c.at++;
            }
            return result;
        }
        at = stop + 1;
    }
    return otherwise;
}

static void read_configuration(u32 length)
{
    cells[0] = cells[1] = 0;
#ifdef ABI_0_1_0
    proxy_get_configuration((u32)&cells[0], (u32)&cells[1]);
#else
    proxy_get_buffer_bytes(7, 0, length, (u32)&cells[0], (u32)&cells[1]);
#endif
    configuration_length = (u32)cells[1];
    for (u32 i = 0; i < length && i < configuration_length; i++) configuration[i] = ((const u8 *)(u32)cells[0])[i];
}

EXPORT("proxy_on_context_create") void on_context_create(u32 context, u32 parent);
void on_context_create(u32 context, u32 parent)
{
    (void)context;
    if (parent != 0) run("context_create", 0);
}

EXPORT("proxy_on_vm_start") u32 on_vm_start(u32 context, u32 length);
u32 on_vm_start(u32 context, u32 length)
{
    (void)context;
#ifndef ABI_0_1_0
    if (length != 0) {
        cells[0] = cells[1] = 0;
        proxy_get_buffer_bytes(6, 0, length, (u32)&cells[0], (u32)&cells[1]);
        put_text("vm=");
        put((const u8 *)(u32)cells[0], (u32)cells[1]);
        flush();
    }
#endif
    return 1;
}

EXPORT("proxy_on_configure") u32 on_configure(u32 context, u32 length);
u32 on_configure(u32 context, u32 length)
{
    (void)context;
    read_configuration(length);
    return run("configure", 1);
}

#define CONTEXT_CALLBACK(export, name) \
    EXPORT(export) void on_##name(u32 context); \
    void on_##name(u32 context) { (void)context; run(#name, 0); }

CONTEXT_CALLBACK("proxy_on_tick", tick)
CONTEXT_CALLBACK("proxy_on_log", log)
CONTEXT_CALLBACK("proxy_on_delete", delete)

EXPORT("proxy_on_done") u32 on_done(u32 context);
u32 on_done(u32 context) { (void)context; return run("done", 1); }

#ifndef NO_CALLOUTS
EXPORT("proxy_on_http_call_response") void on_http_call_response(u32 context, u32 id, u32 headers, u32 body, u32 trailers);
void on_http_call_response(u32 context, u32 id, u32 headers, u32 body, u32 trailers)
{
    u32 numbers[] = { context, id, headers, body, trailers };
    put_text("answer");
    for (u32 i = 0; i < 5; i++) { put_text(" "); put_number(numbers[i]); }
    flush();
    run(context == 1 ? "root_http_call_response" : "http_call_response", 0);
}

EXPORT("proxy_on_queue_ready") void on_queue_ready(u32 context, u32 id);
void on_queue_ready(u32 context, u32 id) { (void)context; (void)id; run("queue_ready", 0); }
#endif

#define BODY_CALLBACK(name) \
    EXPORT("proxy_on_" #name) u32 on_##name(u32 context, u32 size, u32 end); \
    u32 on_##name(u32 context, u32 size, u32 end) { (void)context; (void)size; return run(end ? #name "_end" : #name, 0); }

#define TRAILERS_CALLBACK(name) \
    EXPORT("proxy_on_" #name) u32 on_##name(u32 context, u32 count); \
    u32 on_##name(u32 context, u32 count) { (void)context; (void)count; return run(#name, 0); }

#ifdef ABI_0_1_0
#define HEADERS_CALLBACK(name) TRAILERS_CALLBACK(name)
#else
#define HEADERS_CALLBACK(name) \
    EXPORT("proxy_on_" #name) u32 on_##name(u32 context, u32 count, u32 end); \
    u32 on_##name(u32 context, u32 count, u32 end) { (void)context; (void)count; (void)end; return run(#name, 0); }
#endif

HEADERS_CALLBACK(request_headers)
BODY_CALLBACK(request_body)
TRAILERS_CALLBACK(request_trailers)
HEADERS_CALLBACK(response_headers)
BODY_CALLBACK(response_body)
TRAILERS_CALLBACK(response_trailers)
