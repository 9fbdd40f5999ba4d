/* steps.h - the numbers that recorder.c writes, the meter hands on (src/Bimetal.Meter/Receipts/ReplayScript.cs) and replay.c reads. */
#ifndef REPLAY_STEPS_H
#define REPLAY_STEPS_H

/* Callbacks: bits of what a plugin has. Macros, because the preprocessor looks at them. */
#define REQUEST_HEADERS 0
#define REQUEST_BODY 1
#define RESPONSE_HEADERS 2
#define RESPONSE_BODY 3
#define LOG_CALLBACK 4
#define HAS_STATE 5

enum {
    EXCHANGE, /* begins */
    ENTER, /* a: callback */
    LEAVE, /* a: action */
    HEADER_GET,
    HEADER_SET,
    HEADER_ADD,
    HEADER_REMOVE,
    HEADER_LIST,
    HEADER_AT,    /* b: index */
    BODY_GET,     /* b: start, c: length */
    BODY_REPLACE, /* b: start, c: length */
    ANSWER_FIELD,
    ANSWER, /* a: status, b: fields before it */
    CONTINUE,
    PROPERTY_GET,
    LOG,
    CLOCK,
    SHARED_GET, /* a: capacity */
    SHARED_SET, /* a: whether with the number that the last SHARED_GET gave */
};

/* What a replay does of it. */
enum {
    NOTHING,  /* callbacks that return at once */
    IDENTIFY, /* reads which exchange it is */
    REPLAY,
    REPLAY_UNCOPIED, /* looks at bodies without taking a byte of them */
};

/* The field of a request that says which exchange it is: two hexadecimal digits, upper case letters. */
#define EXCHANGE_FIELD "x-replay"
#define MAX_EXCHANGES 256u

#endif
