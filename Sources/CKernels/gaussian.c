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

// √2 · erf⁻¹(2p − 1) by Giles (2012), "Approximating the erfinv function", single precision.
KERNEL void apus_normal_quantiles(const float *uniform, float *z, long n) {
    EACH(long i = 0; i < n; i++) {
        // 2p − 1 of the cell's middle has 24 bits: it is exact, and so is its distance from ±1.
        float x = (2.0f * uniform[i] - 1.0f) + 0x1p-24f;
        float w = -log_of((1.0f - x) * (1.0f + x));
        float middle = w - 2.5f, far = __builtin_elementwise_sqrt(w) - 3.0f;
        float p = 2.81022636e-08f;
        p = p * middle + 3.43273939e-07f;
        p = p * middle - 3.5233877e-06f;
        p = p * middle - 4.39150654e-06f;
        p = p * middle + 0.00021858087f;
        p = p * middle - 0.00125372503f;
        p = p * middle - 0.00417768164f;
        p = p * middle + 0.246640727f;
        p = p * middle + 1.50140941f;
        float q = -0.000200214257f;
        q = q * far + 0.000100950558f;
        q = q * far + 0.00134934322f;
        q = q * far - 0.00367342844f;
        q = q * far + 0.00573950773f;
        q = q * far - 0.0076224613f;
        q = q * far + 0.00943887047f;
        q = q * far + 1.00167406f;
        q = q * far + 2.83297682f;
        z[i] = 1.41421356237309505f * x * (w < 5.0f ? p : q);
    }
}
