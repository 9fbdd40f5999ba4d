/* bignum - an RSA-2048 verification with exponent 65537: seventeen Montgomery products of numbers of 64 limbs of 32 bits. */
#include "kernel.h"

#define LIMBS 64u

static u32 s_modulus[LIMBS], s_signature[LIMBS], s_squared[LIMBS]; /* s_squared: R * R mod modulus */
static u32 s_inverse;                                              /* -1 / modulus mod 2^32 */

static u32 is_below(const u32 *left, const u32 *right) {
    for (u32 i = LIMBS; i-- > 0;) {
        if (left[i] != right[i]) return left[i] < right[i];
    }
    return 0;
}

static void subtract(u32 *from, const u32 *number) {
    u64 borrow = 0;
    for (u32 i = 0; i < LIMBS; i++) {
        u64 difference = (u64)from[i] - number[i] - borrow;
        from[i] = (u32)difference;
        borrow = difference >> 63;
    }
}

/* result = left * right / R mod modulus; the result may be one of the factors. */
static void multiply(u32 *result, const u32 *left, const u32 *right) {
    u32 sum[LIMBS + 2] = {0};
    for (u32 i = 0; i < LIMBS; i++) {
        u64 carry = 0;
        for (u32 j = 0; j < LIMBS; j++) {
            u64 t = (u64)left[i] * right[j] + sum[j] + carry;
            sum[j] = (u32)t;
            carry = t >> 32;
        }
        u64 t = (u64)sum[LIMBS] + carry;
        sum[LIMBS] = (u32)t;
        sum[LIMBS + 1] = (u32)(t >> 32);
        u32 factor = sum[0] * s_inverse;
        carry = ((u64)factor * s_modulus[0] + sum[0]) >> 32;
        for (u32 j = 1; j < LIMBS; j++) {
            t = (u64)factor * s_modulus[j] + sum[j] + carry;
            sum[j - 1] = (u32)t;
            carry = t >> 32;
        }
        t = (u64)sum[LIMBS] + carry;
        sum[LIMBS - 1] = (u32)t;
        sum[LIMBS] = sum[LIMBS + 1] + (u32)(t >> 32);
    }
    if (sum[LIMBS] != 0 || !is_below(sum, s_modulus)) subtract(sum, s_modulus);
    for (u32 i = 0; i < LIMBS; i++) result[i] = sum[i];
}

static void power_65537(u32 *result, const u32 *number) {
    static const u32 one[LIMBS] = {1};
    u32 base[LIMBS];
    multiply(base, number, s_squared);
    for (u32 i = 0; i < LIMBS; i++) result[i] = base[i];
    for (u32 i = 0; i < 16; i++) multiply(result, result, result);
    multiply(result, result, base);
    multiply(result, result, one);
}

void setup(void) {
    u32 random = 12;
    for (u32 i = 0; i < LIMBS; i++) {
        s_modulus[i] = next_random(&random);
        s_signature[i] = next_random(&random);
    }
    s_modulus[0] |= 1;
    s_modulus[LIMBS - 1] |= 0x80000000u;
    s_signature[LIMBS - 1] &= 0x7fffffffu;
    s_inverse = 1; /* Newton: each step doubles the bits that are right */
    for (u32 i = 0; i < 5; i++) s_inverse *= 2 - s_modulus[0] * s_inverse;
    s_inverse = 0u - s_inverse;
    s_squared[0] = 1;
    for (u32 bit = 0; bit < 2 * 32 * LIMBS; bit++) {
        u32 carry = 0;
        for (u32 i = 0; i < LIMBS; i++) {
            u32 next = s_squared[i] >> 31;
            s_squared[i] = s_squared[i] << 1 | carry;
            carry = next;
        }
        if (carry || !is_below(s_squared, s_modulus)) subtract(s_squared, s_modulus);
    }
}

u64 run(u32 iterations) {
    u64 checksum = 0;
    for (u32 i = 0; i < iterations; i++) {
        u32 message[LIMBS];
        s_signature[0] = i;
        power_65537(message, s_signature);
        for (u32 k = 0; k < LIMBS; k += 8) checksum = mix(checksum, (u64)message[k] << 32 | message[k + 1]);
    }
    return checksum;
}
