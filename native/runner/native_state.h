/*
 * native_state.h - the host functions of bimetal.h that take the plugin's handle instead of a stream (native_state.c), for native.c.
 */
#ifndef BIMETAL_RUNNER_NATIVE_STATE_H
#define BIMETAL_RUNNER_NATIVE_STATE_H

#include "bimetal.h"

void native_state_fill(bimetal_host *host);

/* The queue that the plugin opened last; 0: none. */
uint32_t native_state_queue(void);

#endif
