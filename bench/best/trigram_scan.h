/*
 * scan of signature-scan by a look at three bytes at a time: where no pattern begins with them the automaton is not asked. What it is asked does not
 * depend on the byte before, so the processor looks at many places at once, while the automaton waits for memory at each byte.
 *
 * Skipping is sound where the automaton knows of one byte or none (a shallow state): all that could still begin a pattern is that byte or what
 * follows. The last two bytes of a text always go through the automaton, so what it hands on to the next chunk is the same.
 */
#define FILTER_BITS 15u

static uint64_t s_starts[(1u << FILTER_BITS) / 64];
static bool s_is_shallow[MAX_STATES];
static bool s_filters;

/* Upper and lower case are one: bit 5 does not count. */
static inline uint32_t trigram_hash(const uint8_t *bytes)
{
    uint32_t three = ((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16) & 0xdfdfdfu;
    return three * 0x9e3779b1u >> (32 - FILTER_BITS);
}

static inline bool may_start(const uint8_t *bytes)
{
    uint32_t hash = trigram_hash(bytes);
    return (s_starts[hash / 64] >> hash % 64 & 1) != 0;
}

static bool prepare_scan(void)
{
    for (size_t pattern = 0; pattern < s_pattern_count; pattern++) {
        bp_slice text = s_patterns[pattern].text;
        if (text.length < 3) return true; /* everything may begin it */
        uint32_t hash = trigram_hash(text.data);
        s_starts[hash / 64] |= (uint64_t)1 << hash % 64;
    }
    s_is_shallow[0] = true;
    for (uint32_t class = 0; class < s_class_count; class++) s_is_shallow[s_next[class]] = true;
    s_filters = true;
    return true;
}

static uint16_t scan(bp_slice text, uint16_t *state)
{
    uint32_t at = *state;
    for (size_t i = 0; i < text.length; i++) {
        if (s_filters && s_is_shallow[at] && (at == 0 || i != 0)) {
            size_t start = at == 0 ? i : i - 1;
            size_t begun = start;
            while (text.length - start >= 3 && !may_start(text.data + start)) start++;
            if (start != begun) {
                at = 0;
                i = start;
            }
        }
        at = s_next[at * MAX_CLASSES + s_class_of[text.data[i]]];
        if (s_found[at] != 0) return s_found[at];
    }
    *state = (uint16_t)at;
    return 0;
}
