#include "CKernels.h"
#include "kernel_math.h"

KERNEL float apus_sum(const float *x, long n) {
    Lanes partial = {0};
    long i = 0;
    for (; i + LANES <= n; i += LANES) partial += *(const Lanes *)(x + i);
    float total = sum_of_lanes(&partial);
    for (; i < n; i++) total += x[i];
    return total;
}

KERNEL float apus_sum_of_squares(const float *x, long n) {
    Lanes partial = {0};
    long i = 0;
    for (; i + LANES <= n; i += LANES) {
        Lanes v = *(const Lanes *)(x + i);
        partial += v * v;
    }
    float total = sum_of_lanes(&partial);
    for (; i < n; i++) total += x[i] * x[i];
    return total;
}

KERNEL int apus_all_finite(const float *x, long n) {
    uint32_t bad = 0;
    EACH(long i = 0; i < n; i++) bad |= (bits_of(x[i]) & 0x7fffffff) >= 0x7f800000;
    return bad == 0;
}
