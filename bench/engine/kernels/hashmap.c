/* hashmap - a table of rate-limit counters by client and route: found or inserted, counted up, the stale ones removed (open addressing). */
#include "kernel.h"

#define SLOT_COUNT 1024u
#define KEY_COUNT 640u
#define REQUEST_COUNT 1024u
#define KEY_MAX_BYTES 40u

typedef struct slot {
    u32 hash; /* 0: empty */
    u32 keyLength;
    const u8 *key;
    u32 count, lastSeen;
} slot;

static slot s_slots[SLOT_COUNT];
static u8 s_keys[KEY_COUNT][KEY_MAX_BYTES];
static u32 s_keyLengths[KEY_COUNT];
static u16 s_requests[REQUEST_COUNT];
static u32 s_used;

static u32 hash_of(const u8 *key, u32 length) {
    u32 h = 2166136261u;
    for (u32 i = 0; i < length; i++) h = (h ^ key[i]) * 16777619u;
    h ^= h >> 15;
    return h == 0 ? 1 : h;
}

static u32 same(const u8 *left, const u8 *right, u32 length) {
    for (u32 i = 0; i < length; i++) {
        if (left[i] != right[i]) return 0;
    }
    return 1;
}

/* The slot of a key, or the empty one where it belongs. */
static slot *find(const u8 *key, u32 length, u32 hash) {
    for (u32 at = hash % SLOT_COUNT;; at = (at + 1) % SLOT_COUNT) {
        slot *slot = &s_slots[at];
        if (slot->hash == 0) return slot;
        if (slot->hash == hash && slot->keyLength == length && same(slot->key, key, length)) return slot;
    }
}

/* Empties a slot and closes the gap, so that no marks of removed entries are needed. */
static void erase(u32 at) {
    u32 gap = at;
    s_used--;
    for (;;) {
        at = (at + 1) % SLOT_COUNT;
        if (s_slots[at].hash == 0) break;
        u32 home = s_slots[at].hash % SLOT_COUNT;
        if ((at - home) % SLOT_COUNT < (at - gap) % SLOT_COUNT) continue;
        s_slots[gap] = s_slots[at];
        gap = at;
    }
    s_slots[gap].hash = 0;
}

void setup(void) {
    u32 random = 11;
    for (u32 i = 0; i < KEY_COUNT; i++) {
        u32 n = append(s_keys[i], 0, i % 3 == 0 ? "GET /api/" : i % 3 == 1 ? "POST /v1/orders/" : "203.0.113.");
        s_keyLengths[i] = append_number(s_keys[i], n, next_random(&random));
    }
    for (u32 i = 0; i < REQUEST_COUNT; i++) {
        u32 pick = next_random(&random);
        s_requests[i] = (u16)(pick % 4 == 0 ? pick / 4 % KEY_COUNT : pick / 4 % (KEY_COUNT / 8)); /* a few clients send most */
    }
}

u64 run(u32 iterations) {
    u64 checksum = 0;
    s_used = 0;
    for (u32 i = 0; i < SLOT_COUNT; i++) s_slots[i].hash = 0;
    for (u32 i = 0; i < iterations; i++) {
        u32 refused = 0;
        for (u32 r = 0; r < REQUEST_COUNT; r++) {
            u32 which = (s_requests[r] + i * 7) % KEY_COUNT;
            u32 hash = hash_of(s_keys[which], s_keyLengths[which]);
            slot *slot = find(s_keys[which], s_keyLengths[which], hash);
            if (slot->hash == 0) {
                *slot = (struct slot){hash, s_keyLengths[which], s_keys[which], 0, 0};
                s_used++;
            }
            slot->lastSeen = i;
            if (++slot->count > 12) refused++;
        }
        checksum = mix(checksum, (u64)s_used << 32 | refused);
        for (u32 at = 0; at < SLOT_COUNT; at++) {
            while (s_slots[at].hash != 0 && i - s_slots[at].lastSeen >= 2) erase(at);
        }
    }
    return checksum;
}
