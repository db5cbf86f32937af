// Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
#include "CKernels.h"
#include "kernel_math.h"

INLINE void rounds(uint32_t *c0, uint32_t *c1, uint32_t *c2, uint32_t *c3, uint32_t k0, uint32_t k1) {
    uint32_t a = *c0, b = *c1, c = *c2, d = *c3;
    for (int round = 0; round < 10; round++) {
        uint64_t p = (uint64_t)0xD2511F53u * a, q = (uint64_t)0xCD9E8D57u * c;
        a = (uint32_t)(q >> 32) ^ b ^ k0;
        b = (uint32_t)q;
        c = (uint32_t)(p >> 32) ^ d ^ k1;
        d = (uint32_t)p;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    *c0 = a;
    *c1 = b;
    *c2 = c;
    *c3 = d;
}

void apus_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t output[4]) {
    uint32_t a = counter[0], b = counter[1], c = counter[2], d = counter[3];
    rounds(&a, &b, &c, &d, key[0], key[1]);
    output[0] = a;
    output[1] = b;
    output[2] = c;
    output[3] = d;
}

KERNEL void apus_philox_uniforms(uint32_t key0, uint32_t key1, uint64_t step, float *out, long n) {
    EACH(long i = 0; i < n; i++) {
        uint32_t a = (uint32_t)i, b = (uint32_t)step, c = (uint32_t)(step >> 32), d = 0;
        rounds(&a, &b, &c, &d, key0, key1);
        out[i] = (float)(int32_t)(a >> 8) * 0x1p-24f;
    }
}
