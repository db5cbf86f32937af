// What transformers need beside products, norms and attention.
#include "CKernels.h"
#include "kernel_math.h"
#include <string.h>

// y = x · cosine + (x with the halves of each head exchanged) · sine; the table's sine carries the sign.
KERNEL void apus_rotary(
    const float *x, const float *cosine, const float *sine, const int32_t *positions, float direction, float *y, long rows, long heads,
    long width, long cols
) {
    const long half = width / 2;
    for (long row = 0; row < rows; row++) {
        const float *from = x + row * cols, *c = cosine + positions[row] * width, *s = sine + positions[row] * width;
        float *to = y + row * cols;
        if (width == LANES) {
            const Lanes turn = *(const Lanes *)s * direction, keep = *(const Lanes *)c;
            for (long h = 0; h < heads; h++) {
                const Lanes v = *(const Lanes *)(from + h * LANES);
                const Lanes other = __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
                *(Lanes *)(to + h * LANES) = v * keep + other * turn;
            }
        } else {
            for (long h = 0; h < heads; h++) {
                const float *a = from + h * width, *b = a + half;
                float *u = to + h * width, *v = u + half;
                EACH(long i = 0; i < half; i++) {
                    float first = a[i], second = b[i];
                    u[i] = first * c[i] + second * (s[i] * direction);
                    v[i] = second * c[half + i] + first * (s[half + i] * direction);
                }
            }
        }
        if (y != x) memcpy(to + heads * width, from + heads * width, (size_t)(cols - heads * width) * sizeof(float));
    }
}

KERNEL void apus_swiglu(const float *x, float *y, long rows, long cols) {
    for (long row = 0; row < rows; row++) {
        const float *gate = x + row * 2 * cols, *up = gate + cols;
        float *to = y + row * cols;
        EACH(long i = 0; i < cols; i++) to[i] = gate[i] * sigmoid_of(gate[i]) * up[i];
    }
}
KERNEL void apus_swiglu_backward(const float *x, const float *g, float *dx, long rows, long cols) {
    for (long row = 0; row < rows; row++) {
        const float *gate = x + row * 2 * cols, *up = gate + cols, *d = g + row * cols;
        float *dgate = dx + row * 2 * cols, *dup = dgate + cols;
        EACH(long i = 0; i < cols; i++) {
            float v = gate[i], s = sigmoid_of(v), given = d[i];
            float other = up[i];
            dgate[i] = given * other * s * (1.0f + v * (1.0f - s));
            dup[i] = given * v * s;
        }
    }
}

KERNEL void apus_add_rows_at(const float *g, const int32_t *indices, float *table, long rows, long cols) {
    for (long row = 0; row < rows; row++) {
        float *to = table + indices[row] * cols;
        const float *from = g + row * cols;
        EACH(long i = 0; i < cols; i++) to[i] += from[i];
    }
}

KERNEL void apus_token_gradient(
    const float *log_probs, const int32_t *tokens, const float *entropies, const float *g, const float *gentropy, float scale, float *dx,
    long rows, long cols
) {
    for (long row = 0; row < rows; row++) {
        const float *y = log_probs + row * cols;
        float *to = dx + row * cols;
        const float chosen = g[row], spread = gentropy[row], entropy = entropies[row];
        EACH(long i = 0; i < cols; i++) {
            float p = exp_of(y[i]);
            float d = -p * (chosen + spread * (y[i] + entropy)) * scale;
            to[i] = p == 0.0f ? 0.0f : d;
        }
        to[tokens[row]] += chosen * scale;
    }
}
