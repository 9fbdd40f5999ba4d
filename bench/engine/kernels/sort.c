/* sort - 512 records by a comparator behind a function pointer, as qsort has it: quicksort of three medians, insertion sort at its ends. */
#include "kernel.h"

#define RECORD_COUNT 512u
#define SMALL 12u

typedef struct record {
    u32 key, weight;
    double score;
} record;

typedef i32 (*comparator)(const void *left, const void *right);

static record s_unsorted[RECORD_COUNT], s_records[RECORD_COUNT];

static i32 by_key(const void *left, const void *right) {
    u32 a = ((const record *)left)->key, b = ((const record *)right)->key;
    return (a > b) - (a < b);
}

static i32 by_weight_then_key(const void *left, const void *right) {
    u32 a = ((const record *)left)->weight, b = ((const record *)right)->weight;
    return a != b ? (a > b) - (a < b) : by_key(left, right);
}

static i32 by_score(const void *left, const void *right) {
    double a = ((const record *)left)->score, b = ((const record *)right)->score;
    return (a < b) - (a > b);
}

/* Chosen at run time, so that no compiler can put a comparator in place of the pointer. */
static comparator s_comparators[3];

static void swap(record *left, record *right) {
    record saved = *left;
    *left = *right;
    *right = saved;
}

static void sort_small(record *records, u32 count, comparator compare) {
    for (u32 i = 1; i < count; i++) {
        record moved = records[i];
        u32 at = i;
        for (; at > 0 && compare(&records[at - 1], &moved) > 0; at--) records[at] = records[at - 1];
        records[at] = moved;
    }
}

static void sort(record *records, u32 count, comparator compare) {
    while (count > SMALL) {
        record *middle = &records[count / 2], *last = &records[count - 1];
        if (compare(middle, records) < 0) swap(middle, records);
        if (compare(last, middle) < 0) {
            swap(last, middle);
            if (compare(middle, records) < 0) swap(middle, records);
        }
        record pivot = *middle;
        u32 low = 0, high = count - 1;
        for (;;) {
            while (compare(&records[low], &pivot) < 0) low++;
            while (compare(&pivot, &records[high]) < 0) high--;
            if (low >= high) break;
            swap(&records[low++], &records[high--]);
        }
        u32 left = high + 1;
        if (left < count - left) {
            sort(records, left, compare);
            records += left;
            count -= left;
        } else {
            sort(records + left, count - left, compare);
            count = left;
        }
    }
    sort_small(records, count, compare);
}

void setup(void) {
    u32 random = 10;
    for (u32 i = 0; i < RECORD_COUNT; i++) {
        s_unsorted[i].key = next_random(&random);
        s_unsorted[i].weight = next_random(&random) % 50;
        s_unsorted[i].score = (double)next_random(&random) / 1000;
    }
    s_comparators[0] = by_key;
    s_comparators[1] = by_weight_then_key;
    s_comparators[2] = by_score;
}

u64 run(u32 iterations) {
    u64 checksum = 0;
    for (u32 i = 0; i < iterations; i++) {
        for (u32 k = 0; k < RECORD_COUNT; k++) s_records[k] = s_unsorted[k];
        sort(s_records, RECORD_COUNT, s_comparators[i % LENGTH(s_comparators)]);
        checksum = mix(checksum, (u64)s_records[i % RECORD_COUNT].key << 32 | s_records[RECORD_COUNT / 3].key);
        checksum = mix(checksum, (u64)s_records[0].key << 32 | s_records[RECORD_COUNT - 1].key);
    }
    return checksum;
}
