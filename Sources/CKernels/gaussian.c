// Normal distributions with independent components, one per row.
#include "CKernels.h"
#include "kernel_math.h"

#define CHUNK 64

KERNEL void apus_gaussian_log_prob(
    const float *mean, const float *log_deviation, long deviation_jump, const float *action, float *y, long rows, long cols
) {
    const float half_log_two_pi = 0.918938533204672742f;
    for (long r = 0; r < rows; r++) {
        const float *m = mean + r * cols, *s = log_deviation + r * deviation_jump, *a = action + r * cols;
        float total = 0.0f;
        for (long start = 0; start < cols; start += CHUNK) {
            float terms[CHUNK];
            const long n = cols - start < CHUNK ? cols - start : CHUNK;
            EACH(long c = 0; c < n; c++) {
                float z = (a[start + c] - m[start + c]) * exp_of(-s[start + c]);
                terms[c] = -0.5f * z * z - s[start + c] - half_log_two_pi;
            }
            for (long c = 0; c < n; c++) total += terms[c];
        }
        y[r] = total;
    }
}

KERNEL void apus_gaussian_log_prob_backward(
    const float *mean, const float *log_deviation, long deviation_jump, const float *action, const float *g, float *dmean,
    float *ddeviation, long rows, long cols
) {
    for (long r = 0; r < rows; r++) {
        const float *m = mean + r * cols, *s = log_deviation + r * deviation_jump, *a = action + r * cols;
        float *dm = dmean + r * cols, *ds = ddeviation + r * deviation_jump;
        const float d = g[r];
        EACH(long c = 0; c < cols; c++) {
            float inverse = exp_of(-s[c]), z = (a[c] - m[c]) * inverse;
            dm[c] = d * z * inverse;
            ds[c] += d * (z * z - 1.0f);
        }
    }
}

// log(1 − tanh² u) = 2 (log 2 − u − softplus(−2u)), with softplus(v) = max(v, 0) + log(1 + exp(−|v|)).
INLINE float squash_term(float u) {
    float v = -2.0f * u, size = v < 0.0f ? -v : v;
    float soft = (v > 0.0f ? v : 0.0f) + log_of(1.0f + exp_of(-size));
    return 2.0f * (0.693147180559945309f - u - soft);
}
KERNEL void apus_squash_log_slope(const float *u, float *y, long rows, long cols) {
    for (long r = 0; r < rows; r++) {
        float total = 0.0f;
        for (long start = 0; start < cols; start += CHUNK) {
            float terms[CHUNK];
            const long n = cols - start < CHUNK ? cols - start : CHUNK;
            EACH(long c = 0; c < n; c++) terms[c] = squash_term(u[r * cols + start + c]);
            for (long c = 0; c < n; c++) total += terms[c];
        }
        y[r] = total;
    }
}
KERNEL void apus_squash_log_slope_backward(const float *u, const float *g, float *du, long rows, long cols) {
    for (long r = 0; r < rows; r++)
        EACH(long c = 0; c < cols; c++) du[r * cols + c] = -2.0f * g[r] * tanh_of(u[r * cols + c]);
}
