/*
 * replay.h - an exchange that the driver made once is made again on many threads at once, with the answers that the driver gave to its host
 * functions: for the thread sanitizer, which wants to see callbacks of different streams beside each other. Only the native metal.
 */
#ifndef BIMETAL_RUNNER_REPLAY_H
#define BIMETAL_RUNNER_REPLAY_H

#include "runner.h"

/* Records what comes until the exchange has ended. */
void replay_record(void);
void replay_note_call(enum callback callback, uint64_t size, uint32_t end, int32_t action);
void replay_note(const struct message *call, const struct message *reply);

/* In a storm: the answer that the driver gave at this place, and true. Ends the process when the plugin asks for something else. */
bool replay_reply(const struct message *call, struct message *reply);

/* The last exchanges on several threads, each many times; every callback has to return what it returned. Beside them one more thread makes the
 * callbacks that belong to no stream, as the gateway does. */
void replay_storm(const struct metal *metal);

#endif
