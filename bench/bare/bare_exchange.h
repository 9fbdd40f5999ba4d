/* bare_exchange.h - the exchange that runs, shared by bare_host.c (what the plugin calls) and bare_run.c (what calls the plugin). */
#ifndef BARE_EXCHANGE_H
#define BARE_EXCHANGE_H

#include <bimetal_plugin.h>

#define MAX_FIELDS 160u
#define MAX_CHUNKS 4096u
#define MAX_BODY (2u << 20)

/* Header fields of one message. */
struct bare_map {
    bimetal_field fields[MAX_FIELDS];
    size_t count;
};

/* One direction: what came, and what the plugin sees of it. */
struct bare_direction {
    const struct bare_map *initial;
    struct bare_map map;
    bimetal_slice body; /* in the chunk itself as long as nothing else is held, otherwise in `held` */
    uint8_t *held;
    bool is_continued;
};

struct bare_exchange {
    struct bare_direction directions[2]; /* request, response */
    uint32_t status;                     /* of the plugin's own answer; 0: none */
    uint64_t clock;
    size_t answer_bytes;
};

extern struct bare_exchange bare_exchange;

/* Memory that lives until the exchange ends. */
void *bare_allocate(size_t length);
void bare_release(void);

/* Appends a chunk to what a direction holds. */
bool bare_hold(struct bare_direction *direction, bimetal_slice chunk);

#endif
