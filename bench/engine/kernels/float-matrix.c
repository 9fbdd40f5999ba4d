/*
 * float-matrix - scoring as fraud models do it: a matrix of doubles applied to a batch of feature vectors, each result squashed and
 * normalised. Sums run in the order of the source, so no compiler may vectorise them by changing that order.
 */
#include "kernel.h"

#define ROWS 64u
#define COLUMNS 64u
#define BATCH 16u

static double s_weights[ROWS][COLUMNS], s_bias[ROWS];
static double s_features[BATCH][COLUMNS], s_scores[BATCH][ROWS];

static void apply(void) {
    for (u32 item = 0; item < BATCH; item++) {
        for (u32 row = 0; row < ROWS; row++) {
            double sum = s_bias[row];
            for (u32 column = 0; column < COLUMNS; column++) sum += s_weights[row][column] * s_features[item][column];
            s_scores[item][row] = sum;
        }
    }
}

/* x / (1 + |x|), then so that each item's scores have a length of one. */
static void normalise(void) {
    for (u32 item = 0; item < BATCH; item++) {
        double squares = 0;
        for (u32 row = 0; row < ROWS; row++) {
            double score = s_scores[item][row];
            score = score / (1 + __builtin_fabs(score));
            s_scores[item][row] = score;
            squares += score * score;
        }
        double scale = squares > 0 ? 1 / __builtin_sqrt(squares) : 0;
        for (u32 row = 0; row < ROWS; row++) s_scores[item][row] *= scale;
    }
}

void setup(void) {
    u32 random = 13;
    for (u32 row = 0; row < ROWS; row++) {
        s_bias[row] = (double)next_random(&random) / 4294967296.0 - 0.5;
        for (u32 column = 0; column < COLUMNS; column++) s_weights[row][column] = (double)next_random(&random) / 2147483648.0 - 1;
    }
}

static u64 bits_of(double number) {
    u64 bits;
    __builtin_memcpy(&bits, &number, sizeof bits);
    return bits;
}

u64 run(u32 iterations) {
    u64 checksum = 0;
    for (u32 item = 0; item < BATCH; item++) {
        for (u32 column = 0; column < COLUMNS; column++) s_features[item][column] = (double)((item * 37 + column * 11) % 64) / 64;
    }
    for (u32 i = 0; i < iterations; i++) {
        s_features[i % BATCH][i % COLUMNS] = (double)(i % 100) / 100;
        apply();
        normalise();
        checksum = mix(checksum, bits_of(s_scores[i % BATCH][i % ROWS]));
        checksum = mix(checksum, bits_of(s_scores[(i + 1) % BATCH][0]));
    }
    return checksum;
}
