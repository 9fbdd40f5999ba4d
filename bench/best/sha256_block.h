/*
 * sha256_block.h - sha256_block with the SHA extensions of x86, for the tuned variants; included by sdk/c/bimetal_sha256.h in place of its own.
 * Built with -march=native: without the extensions the portable code below is what the machine has.
 */
#if defined(__SHA__)
#include <immintrin.h>

static void sha256_block(sha256_state *state, const uint8_t *block)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    __m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)&state->h[0]), 0xB1);  /* CDAB */
    __m128i high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)&state->h[4]), 0x1B); /* EFGH */
    __m128i abef = _mm_alignr_epi8(low, high, 8), cdgh = _mm_blend_epi16(high, low, 0xF0);
    const __m128i abef_before = abef, cdgh_before = cdgh;
    __m128i w[4];
    for (int i = 0; i < 4; i++) w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(block + 16 * i)), swap);
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) {
        __m128i sum = _mm_add_epi32(w[i & 3], _mm_loadu_si128((const __m128i *)&sha256_round_constants[4 * i]));
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
        if (i < 12) { /* the schedule, four words on (FIPS 180-4, 6.2.2, step 1) */
            __m128i sigma0 = _mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]);
            __m128i seventh = _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4);
            w[i & 3] = _mm_sha256msg2_epu32(_mm_add_epi32(sigma0, seventh), w[(i + 3) & 3]);
        }
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
    __m128i feba = _mm_shuffle_epi32(abef, 0x1B), dchg = _mm_shuffle_epi32(cdgh, 0xB1);
    _mm_storeu_si128((__m128i *)&state->h[0], _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128((__m128i *)&state->h[4], _mm_alignr_epi8(dchg, feba, 8));
}
#else
static void sha256_block(sha256_state *state, const uint8_t *block)
{
    sha256_block_portable(state, block);
}
#endif
