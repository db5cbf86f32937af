// One step of a recurrent layer for all sequences. State that enters a step is already cleared where an episode starts there.
//
// Each activation has a loop of its own: in a loop over all of them the processor sees too little beyond the divisions to do meanwhile.
#include "CKernels.h"
#include "kernel_math.h"

// z = activation(z + one bias + the other)
INLINE void sigmoids(float *z, const float *one, const float *other, long n) {
    EACH(long k = 0; k < n; k++) z[k] = sigmoid_of(z[k] + one[k] + other[k]);
}
INLINE void tanhs(float *z, const float *one, const float *other, long n) {
    EACH(long k = 0; k < n; k++) z[k] = tanh_of(z[k] + one[k] + other[k]);
}

KERNEL void apus_lstm_step(
    float *gates, const float *bias_input, const float *bias_hidden, const float *cell_before, float *hidden, float *cell,
    float *cell_tanh, long rows, long size
) {
    for (long r = 0; r < rows; r++) {
        float *i = gates + r * 4 * size, *f = i + size, *g = f + size, *o = g + size;
        const float *before = cell_before + r * size;
        float *h = hidden + r * size, *c = cell + r * size, *t = cell_tanh + r * size;
        sigmoids(i, bias_input, bias_hidden, 2 * size);
        tanhs(g, bias_input + 2 * size, bias_hidden + 2 * size, size);
        sigmoids(o, bias_input + 3 * size, bias_hidden + 3 * size, size);
        EACH(long k = 0; k < size; k++) {
            float value = f[k] * before[k] + i[k] * g[k], bounded = tanh_of(value);
            c[k] = value;
            t[k] = bounded;
            h[k] = o[k] * bounded;
        }
    }
}

KERNEL void apus_lstm_step_backward(
    const float *gates, const float *cell_before, const float *cell_tanh, const float *dhidden, float *dcell, float *dgates, long rows,
    long size
) {
    for (long r = 0; r < rows; r++) {
        const float *i = gates + r * 4 * size, *f = i + size, *g = f + size, *o = g + size;
        const float *before = cell_before + r * size, *t = cell_tanh + r * size, *dh = dhidden + r * size;
        float *di = dgates + r * 4 * size, *df = di + size, *dg = df + size, *dout = dg + size, *dc = dcell + r * size;
        EACH(long k = 0; k < size; k++) {
            float d = dc[k] + dh[k] * o[k] * (1.0f - t[k] * t[k]);
            dout[k] = dh[k] * t[k] * o[k] * (1.0f - o[k]);
            di[k] = d * g[k] * i[k] * (1.0f - i[k]);
            df[k] = d * before[k] * f[k] * (1.0f - f[k]);
            dg[k] = d * i[k] * (1.0f - g[k] * g[k]);
            dc[k] = d * f[k];
        }
    }
}

KERNEL void apus_gru_step(
    float *gates, float *products, const float *bias_input, const float *bias_hidden, const float *before, float *hidden, long rows,
    long size
) {
    for (long row = 0; row < rows; row++) {
        float *r = gates + row * 3 * size, *z = r + size, *n = z + size, *p = products + row * 3 * size;
        const float *old = before + row * size;
        float *h = hidden + row * size;
        EACH(long k = 0; k < 2 * size; k++) r[k] = sigmoid_of(r[k] + bias_input[k] + p[k] + bias_hidden[k]);
        EACH(long k = 0; k < size; k++) {
            float product = p[2 * size + k] + bias_hidden[2 * size + k];
            float candidate = tanh_of(n[k] + bias_input[2 * size + k] + r[k] * product);
            n[k] = candidate;
            p[2 * size + k] = product;
            h[k] = candidate + z[k] * (old[k] - candidate);
        }
    }
}

KERNEL void apus_gru_step_backward(
    const float *gates, const float *products, const float *before, float *dhidden, float *dgates, float *dproducts, long rows,
    long size
) {
    for (long row = 0; row < rows; row++) {
        const float *r = gates + row * 3 * size, *z = r + size, *n = z + size, *p = products + row * 3 * size + 2 * size;
        const float *old = before + row * size;
        float *dr = dgates + row * 3 * size, *dz = dr + size, *dn = dz + size, *dp = dproducts + row * 3 * size;
        float *dh = dhidden + row * size;
        EACH(long k = 0; k < size; k++) {
            float d = dh[k];
            float candidate = d * (1.0f - z[k]) * (1.0f - n[k] * n[k]);
            float update = d * (old[k] - n[k]) * z[k] * (1.0f - z[k]);
            float reset = candidate * p[k] * r[k] * (1.0f - r[k]);
            dr[k] = reset;
            dz[k] = update;
            dn[k] = candidate;
            dp[k] = reset;
            dp[size + k] = update;
            dp[2 * size + k] = candidate * r[k];
            dh[k] = d * z[k];
        }
    }
}
