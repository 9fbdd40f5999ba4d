/*
 * signature-scan - looks for the marks of attacks (injection, cross-site scripting, path traversal, remote code, scanners) in the target, in
 * a few header fields and in the body of a request, all patterns at once: an Aho-Corasick automaton. README.md has the patterns' format.
 *
 * Targets and forms are scanned percent-decoded and everything in lower case, so that spelling hides nothing. The body is scanned as it streams: the
 * automaton's state is all that is kept from chunk to chunk, and a pattern across two chunks is found.
 */
#include <bimetal_text.h>

#define MAX_PATTERNS 512u
#define MAX_STATES 6144u
#define MAX_CLASSES 96u /* of bytes: every byte that no pattern has is one class */
#define MAX_TARGET_BYTES 16384u

static const uint8_t s_built_in[] = {
#embed "patterns.txt"
};

/* Written by configure, only read afterwards. */
static uint8_t s_class_of[256];
static uint32_t s_class_count = 1;     /* class 0: in no pattern */
static uint16_t *s_next;               /* [state][class]: the whole automaton, no failure links left */
static uint16_t *s_found;              /* pattern that ends in a state, plus 1; 0: none */
static uint32_t s_state_count = 1;     /* state 0: nothing seen */
static struct {
    bp_slice category;
    bp_slice text;
} s_patterns[MAX_PATTERNS];
static size_t s_pattern_count;
static bool s_blocks = true;

/* One request. */
struct visit {
    uint16_t state;
    uint16_t found; /* as in s_found */
    bool is_form;   /* the body is a form: escapes are undone on the way */
    uint8_t escape_length;
    uint8_t escape[2]; /* of an escape that a chunk ends in: '%' and its first digit */
};
BP_STREAM_STATE(struct visit)

/* ---- The automaton ---------------------------------------------------------------------------------------------------------------- */

/* "category pattern": the pattern is what is left of the line, in lower case; \xNN is a byte. */
static bool take_pattern(bp_slice line)
{
    size_t space = bp_find(line, ' ');
    bp_slice source = bp_part(line, space + 1, line.length);
    uint8_t *text = bp_keep(source.length);
    if (space == 0 || source.length == 0) return bp_refuse("signature-scan: a line of the patterns is not `category pattern`");
    if (s_pattern_count == MAX_PATTERNS || text == NULL) return bp_refuse("signature-scan: there are more than 512 patterns");
    size_t length = 0;
    for (size_t i = 0; i < source.length; i++) {
        if (source.data[i] == '\\' && source.length - i >= 4 && source.data[i + 1] == 'x') {
            text[length++] = (uint8_t)(bp_hex_value(source.data[i + 2]) << 4 | (bp_hex_value(source.data[i + 3]) & 15));
            i += 3;
        } else {
            text[length++] = bp_lower(source.data[i]);
        }
    }
    s_patterns[s_pattern_count].category = bp_part(line, 0, space);
    s_patterns[s_pattern_count++].text = bp_bytes(text, length);
    return true;
}

static bool number_classes(void)
{
    for (size_t p = 0; p < s_pattern_count; p++) {
        for (size_t i = 0; i < s_patterns[p].text.length; i++) {
            uint8_t *class = &s_class_of[s_patterns[p].text.data[i]];
            if (*class != 0) continue;
            if (s_class_count == MAX_CLASSES) return bp_refuse("signature-scan: the patterns have more than 95 different bytes");
            *class = (uint8_t)s_class_count++;
        }
    }
    for (int c = 'A'; c <= 'Z'; c++) s_class_of[c] = s_class_of[c + 32]; /* text is read in lower case without being changed */
    return true;
}

static bool add_to_tree(size_t pattern)
{
    uint32_t state = 0;
    bp_slice text = s_patterns[pattern].text;
    for (size_t i = 0; i < text.length; i++) {
        uint16_t *next = &s_next[state * MAX_CLASSES + s_class_of[text.data[i]]];
        if (*next == 0) {
            if (s_state_count == MAX_STATES) return bp_refuse("signature-scan: the patterns are too long together (6144 states)");
            *next = (uint16_t)s_state_count++;
        }
        state = *next;
    }
    if (s_found[state] == 0) s_found[state] = (uint16_t)(pattern + 1);
    return true;
}

/* Breadth first: when a state is reached, the state to fall back to is complete, so its row fills the gaps of this one. */
static bool complete(void)
{
    uint16_t *fallback = bp_keep(s_state_count * sizeof *fallback), *queue = bp_keep(s_state_count * sizeof *queue);
    if (fallback == NULL || queue == NULL) return bp_refuse("signature-scan: no memory for the automaton");
    size_t head = 0, tail = 0;
    for (uint32_t class = 0; class < s_class_count; class++)
        if (s_next[class] != 0) queue[tail++] = s_next[class];
    while (head < tail) {
        uint32_t state = queue[head++];
        const uint16_t *back = &s_next[fallback[state] * MAX_CLASSES];
        uint16_t *row = &s_next[state * MAX_CLASSES];
        if (s_found[state] == 0) s_found[state] = s_found[fallback[state]];
        for (uint32_t class = 0; class < s_class_count; class++) {
            if (row[class] == 0) {
                row[class] = back[class];
            } else {
                fallback[row[class]] = back[class];
                queue[tail++] = row[class];
            }
        }
    }
    return true;
}

/* ---- Scanning --------------------------------------------------------------------------------------------------------------------- */

#if defined(SCAN)
#include SCAN /* prepare_scan and scan by other means can stand here */
#else
static bool prepare_scan(void)
{
    return true;
}

/* Goes on from a state; the first pattern found ends it. */
static uint16_t scan(bp_slice text, uint16_t *state)
{
    const uint16_t *next = s_next, *found = s_found;
    uint32_t at = *state;
    for (size_t i = 0; i < text.length; i++) {
        at = next[at * MAX_CLASSES + s_class_of[text.data[i]]];
        if (found[at] != 0) return found[at];
    }
    *state = (uint16_t)at;
    return 0;
}
#endif

static bool build(bp_slice lines)
{
    bp_slice line;
    while (bp_next_item(&lines, '\n', &line))
        if (line.length != 0 && line.data[0] != '#' && !take_pattern(line)) return false;
    if (s_pattern_count == 0) return bp_refuse("signature-scan: there are no patterns");
    if (!number_classes()) return false;
    for (size_t pattern = 0; pattern < s_pattern_count; pattern++)
        if (!add_to_tree(pattern)) return false;
    return complete() && prepare_scan();
}

static bool configure(bp_slice configuration)
{
    bp_json reader;
    bp_json_member member;
    bp_slice patterns = bp_bytes(s_built_in, sizeof s_built_in), text;
    s_next = bp_keep(MAX_STATES * MAX_CLASSES * sizeof *s_next);
    s_found = bp_keep(MAX_STATES * sizeof *s_found);
    if (s_next == NULL || s_found == NULL) return bp_refuse("signature-scan: no memory for the automaton");
    if (configuration.length == 0) return build(patterns);
    if (!bp_json_begin(&reader, configuration)) return bp_refuse("signature-scan: the configuration must be a JSON object");
    while (bp_json_next(&reader, &member)) {
        if (!bp_keep_text(&member, &text)) return bp_refuse("signature-scan: patterns and action are strings");
        if (bp_json_is(&member, "patterns")) patterns = text;
        else if (!bp_json_is(&member, "action")) return bp_refuse("signature-scan: unknown key; there are patterns and action");
        else if (bp_equals(text, bp_text("mark"))) s_blocks = false;
        else if (!bp_equals(text, bp_text("block"))) return bp_refuse("signature-scan: action is block or mark");
    }
    return bp_json_ended(&reader) ? build(patterns) : bp_refuse("signature-scan: the configuration is not a flat JSON object");
}
BP_ON_CONFIGURE(configure)

/* ---- Spelling --------------------------------------------------------------------------------------------------------------------- */

static uint16_t step(struct visit *visit, uint8_t byte)
{
    visit->state = s_next[visit->state * MAX_CLASSES + s_class_of[byte]];
    return s_found[visit->state];
}

/* An escape that turned out to be none counts as the bytes that it is. */
static uint16_t give_up_escape(struct visit *visit)
{
    uint16_t found = 0;
    for (uint8_t i = 0; i < visit->escape_length && found == 0; i++) found = step(visit, visit->escape[i]);
    visit->escape_length = 0;
    return found;
}

static uint16_t scan_form_byte(struct visit *visit, uint8_t c)
{
    uint16_t found = 0;
    if (visit->escape_length != 0 && bp_hex_value(c) > 15) found = give_up_escape(visit);
    if (found != 0) return found;
    if (visit->escape_length == 2) {
        visit->escape_length = 0;
        return step(visit, (uint8_t)(bp_hex_value(visit->escape[1]) << 4 | bp_hex_value(c)));
    }
    if (visit->escape_length == 1 || c == '%') {
        visit->escape[visit->escape_length++] = c;
        return 0;
    }
    return step(visit, c == '+' ? ' ' : c);
}

static uint16_t scan_form(bp_slice text, struct visit *visit)
{
    uint16_t found = 0;
    for (size_t i = 0; i < text.length && found == 0; i++) found = scan_form_byte(visit, text.data[i]);
    return found;
}

static uint16_t scan_whole(bp_slice text)
{
    uint16_t state = 0;
    return scan(text, &state);
}

/* Escapes undone once, and '+' as the space that forms make of it. What is no escape stays. */
static bp_slice decode(bp_slice target, uint8_t *out)
{
    size_t length = 0;
    for (size_t i = 0; i < target.length; i++) {
        uint8_t c = target.data[i];
        if (c == '%' && target.length - i > 2 && bp_hex_value(target.data[i + 1]) < 16 && bp_hex_value(target.data[i + 2]) < 16) {
            c = (uint8_t)(bp_hex_value(target.data[i + 1]) << 4 | bp_hex_value(target.data[i + 2]));
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        out[length++] = c;
    }
    return bp_bytes(out, length);
}

/* Twice, because an attack is often encoded once more than it needs to be. */
static uint16_t scan_target(bp_slice target)
{
    uint8_t once[MAX_TARGET_BYTES], twice[MAX_TARGET_BYTES];
    if (target.length > MAX_TARGET_BYTES) target.length = MAX_TARGET_BYTES;
    bp_slice decoded = decode(target, once);
    uint16_t found = scan_whole(decoded);
    if (found != 0 || bp_find(decoded, '%') == decoded.length) return found;
    return scan_whole(decode(decoded, twice));
}

static bp_action act(bp_stream stream, struct visit *visit)
{
    bp_slice category = s_patterns[visit->found - 1].category;
    if (!s_blocks) {
        bp_header_set(stream, BP_REQUEST_HEADERS, "x-attack", category);
        return BP_CONTINUE;
    }
    bp_field fields[] = {{bp_text("content-type"), bp_text("application/json")}, {bp_text("x-attack"), category}};
    bp_respond(stream, 403, fields, 2, bp_text("{\"error\":\"attack\"}\n"));
    return BP_PAUSE;
}

static bp_action on_request_headers(bp_stream stream, struct visit *visit, bool end_of_stream)
{
    static const char *const fields[] = {"user-agent", "referer", "cookie", "x-forwarded-for", "x-api-version", "content-type"};
    (void)end_of_stream;
    bp_slice text;
    visit->is_form = bp_header_get(stream, BP_REQUEST_HEADERS, "content-type", &text) == BP_OK && bp_starts_with_ignoring_case(text, "application/x-www-form-urlencoded");
    bp_header_remove(stream, BP_REQUEST_HEADERS, "x-attack");
    if (bp_header_get(stream, BP_REQUEST_HEADERS, ":path", &text) == BP_OK) visit->found = scan_target(text);
    for (size_t i = 0; i < sizeof fields / sizeof *fields && visit->found == 0; i++)
        if (bp_header_get(stream, BP_REQUEST_HEADERS, fields[i], &text) == BP_OK) visit->found = scan_whole(text);
    return visit->found == 0 ? BP_CONTINUE : act(stream, visit);
}
BP_ON_REQUEST_HEADERS(on_request_headers)

static bp_action on_request_body(bp_stream stream, struct visit *visit, size_t body_length, bool end_of_stream)
{
    (void)end_of_stream;
    bp_slice body;
    if (visit->found != 0) return BP_CONTINUE; /* marked already */
    if (bp_body_get(stream, BP_REQUEST_BODY, 0, body_length, &body) != BP_OK) return BP_CONTINUE;
    visit->found = visit->is_form ? scan_form(body, visit) : scan(body, &visit->state);
    if (visit->found == 0 || !s_blocks) return BP_CONTINUE; /* the headers are gone: a body can only be blocked */
    return act(stream, visit);
}
BP_ON_REQUEST_BODY(on_request_body)
