/*
 * native_state.c - log, clock, shared data, metrics, queues, ticks and callouts of the native metal in a runner: each is asked of the driver,
 * or is what it is in cases, where time stands still and there are no upstreams.
 */
#include "native_state.h"
#include "runner.h"

#include <string.h>

static _Thread_local struct message s_call;
static uint32_t s_queue; /* the last one that was opened */

static int32_t write_log(bimetal_handle handle, uint32_t level, const char *message, size_t message_length)
{
    (void)handle;
    host_begin(&s_call, HOST_LOG);
    put_u32(&s_call, level);
    put_bytes(&s_call, message, message_length);
    return host_call(&s_call, NULL);
}

static int32_t log_level(bimetal_handle handle, uint32_t *level)
{
    (void)handle;
    if (level == NULL) return BIMETAL_BAD_ARGUMENT;
    host_begin(&s_call, HOST_LOG_LEVEL);
    struct message *reply;
    int32_t status = host_call(&s_call, &reply);
    if (status == BIMETAL_OK) *level = (uint32_t)take_u64(reply);
    return status;
}

static int32_t read_clock(bimetal_handle handle, uint32_t clock, uint64_t *nanoseconds)
{
    (void)handle;
    if (nanoseconds == NULL) return BIMETAL_BAD_ARGUMENT;
    host_begin(&s_call, HOST_CLOCK);
    put_u32(&s_call, clock);
    struct message *reply;
    int32_t status = host_call(&s_call, &reply);
    if (status == BIMETAL_OK) *nanoseconds = take_u64(reply);
    return status;
}

static int32_t shared_get(bimetal_handle handle, const void *key, size_t key_length, void *value, size_t capacity, size_t *length, uint32_t *cas)
{
    (void)handle;
    if (length == NULL || (value == NULL && capacity != 0)) return BIMETAL_BAD_ARGUMENT;
    host_begin(&s_call, HOST_SHARED_GET);
    put_bytes(&s_call, key, key_length);
    struct message *reply;
    int32_t status = host_call(&s_call, &reply);
    if (status != BIMETAL_OK) return status;
    const uint8_t *bytes = take_bytes(reply, length);
    if (capacity != 0) memcpy(value, bytes, *length < capacity ? *length : capacity);
    uint64_t number = take_u64(reply);
    if (cas != NULL) *cas = (uint32_t)number;
    return status;
}

static int32_t shared_set(bimetal_handle handle, const void *key, size_t key_length, const void *value, size_t value_length, uint32_t cas)
{
    (void)handle;
    host_begin(&s_call, HOST_SHARED_SET);
    put_bytes(&s_call, key, key_length);
    put_bytes(&s_call, value, value_length);
    put_u64(&s_call, cas);
    return host_call(&s_call, NULL);
}

static int32_t ask_for_number(uint64_t *number)
{
    struct message *reply;
    int32_t status = host_call(&s_call, &reply);
    if (status == BIMETAL_OK) *number = take_u64(reply);
    return status;
}

static int32_t ask_for_id(uint32_t *id)
{
    uint64_t number = 0;
    int32_t status = ask_for_number(&number);
    if (status == BIMETAL_OK) *id = (uint32_t)number;
    return status;
}

static int32_t metric_define(bimetal_handle handle, uint32_t kind, const char *name, size_t name_length, uint32_t *metric)
{
    (void)handle;
    if (metric == NULL) return BIMETAL_BAD_ARGUMENT;
    host_begin(&s_call, HOST_METRIC_DEFINE);
    put_u32(&s_call, kind);
    put_bytes(&s_call, name, name_length);
    return ask_for_id(metric);
}

static int32_t metric_increment(bimetal_handle handle, uint32_t metric, int64_t offset)
{
    (void)handle;
    host_begin(&s_call, HOST_METRIC_ADD);
    put_u32(&s_call, metric);
    put_u64(&s_call, (uint64_t)offset);
    return host_call(&s_call, NULL);
}

static int32_t metric_record(bimetal_handle handle, uint32_t metric, uint64_t value)
{
    (void)handle;
    host_begin(&s_call, HOST_METRIC_RECORD);
    put_u32(&s_call, metric);
    put_u64(&s_call, value);
    return host_call(&s_call, NULL);
}

static int32_t metric_get(bimetal_handle handle, uint32_t metric, uint64_t *value)
{
    (void)handle;
    if (value == NULL) return BIMETAL_BAD_ARGUMENT;
    host_begin(&s_call, HOST_METRIC_GET);
    put_u32(&s_call, metric);
    return ask_for_number(value);
}

static int32_t queue_open(bimetal_handle handle, const char *name, size_t name_length, uint32_t *queue)
{
    (void)handle;
    if (queue == NULL) return BIMETAL_BAD_ARGUMENT;
    host_begin(&s_call, HOST_QUEUE_OPEN);
    put_bytes(&s_call, name, name_length);
    int32_t status = ask_for_id(queue);
    if (status == BIMETAL_OK) __atomic_store_n(&s_queue, *queue, __ATOMIC_RELAXED);
    return status;
}

uint32_t native_state_queue(void) { return __atomic_load_n(&s_queue, __ATOMIC_RELAXED); }

static int32_t queue_push(bimetal_handle handle, uint32_t queue, const void *item, size_t length)
{
    (void)handle;
    host_begin(&s_call, HOST_QUEUE_PUSH);
    put_u32(&s_call, queue);
    put_bytes(&s_call, item, length);
    return host_call(&s_call, NULL);
}

static int32_t queue_pop(bimetal_handle handle, uint32_t queue, void *item, size_t capacity, size_t *length)
{
    (void)handle;
    if (length == NULL || (item == NULL && capacity != 0)) return BIMETAL_BAD_ARGUMENT;
    host_begin(&s_call, HOST_QUEUE_POP);
    put_u32(&s_call, queue);
    struct message *reply;
    int32_t status = host_call(&s_call, &reply);
    if (status != BIMETAL_OK) return status;
    const uint8_t *bytes = take_bytes(reply, length);
    if (capacity != 0) memcpy(item, bytes, *length < capacity ? *length : capacity);
    return status;
}

/* Time stands still in cases, so the first tick never comes. */
static int32_t tick_every(bimetal_handle handle, uint32_t period_ms)
{
    (void)handle, (void)period_ms;
    return BIMETAL_OK;
}

static int32_t foreign_call(bimetal_handle handle, const char *name, size_t name_length, const void *argument, size_t argument_length, void *result, size_t capacity, size_t *length)
{
    (void)handle, (void)argument, (void)argument_length, (void)result, (void)capacity, (void)length;
    runner_fail("calls the foreign function %.*s, which a runner does not have", (int)name_length, name);
}

/* Cases have no upstreams, so whatever is named is unknown. */
static int32_t http_call(bimetal_handle handle, bimetal_stream stream, const bimetal_http_request *request, uint32_t *call)
{
    (void)handle, (void)stream, (void)request, (void)call;
    return BIMETAL_BAD_ARGUMENT;
}

void native_state_fill(bimetal_host *host)
{
    host->log = write_log;
    host->log_level = log_level;
    host->clock = read_clock;
    host->shared_get = shared_get;
    host->shared_set = shared_set;
    host->metric_define = metric_define;
    host->metric_increment = metric_increment;
    host->metric_record = metric_record;
    host->metric_get = metric_get;
    host->queue_open = queue_open;
    host->queue_push = queue_push;
    host->queue_pop = queue_pop;
    host->tick_every = tick_every;
    host->foreign_call = foreign_call;
    host->http_call = http_call;
}
