/*
 * json-redact as somebody writes it who has native alone in mind: strings are looked at 32 bytes at a time, and only those with an '@' or with
 * 13 digits are read again.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#if defined(__AVX2__)
#include <immintrin.h>

#define LEAST_CARD_DIGITS 13

static inline bool may_be_personal(const uint8_t *text, size_t length)
{
    size_t at = 0;
    int digits = 0;
    for (; length - at >= 32; at += 32) {
        __m256i bytes = _mm256_loadu_si256((const __m256i *)(text + at));
        if (_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('@'))) != 0) return true;
        __m256i from_zero = _mm256_sub_epi8(bytes, _mm256_set1_epi8('0'));
        digits += __builtin_popcount((unsigned)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(from_zero, _mm256_set1_epi8(9)), from_zero)));
    }
    for (; at < length; at++) {
        if (text[at] == '@') return true;
        digits += (uint8_t)(text[at] - '0') <= 9;
    }
    return digits >= LEAST_CARD_DIGITS;
}

#define MAY_BE_PERSONAL(text) may_be_personal((text).data, (text).length)
#endif
#include "../../plugins/json-redact/json_redact.c"
