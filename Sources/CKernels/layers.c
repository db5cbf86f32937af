// Bias and activation on a [rows, cols] matrix, forward in place and backward with the bias gradient.
//
// Fewer than 16 columns would leave vector lanes empty, so narrow matrices are taken as flat blocks of 16 rows: element i of a block
// belongs to column i mod cols, whatever the block.
#include "CKernels.h"
#include "kernel_math.h"

#define FORWARD(name, activation) \
    KERNEL void apus_##name(float *z, const float *bias, long rows, long cols) { \
        float pattern[LANES * LANES]; \
        const float *b = bias; \
        long width = cols, blocks = rows; \
        if (cols < LANES) { \
            width = LANES * cols; \
            blocks = rows / LANES; \
            for (long i = 0; i < width; i++) pattern[i] = bias[i % cols]; \
            b = pattern; \
        } \
        for (long k = 0; k < blocks; k++) { \
            float *row = z + k * width; \
            EACH(long i = 0; i < width; i++) { \
                float v = row[i] + b[i]; \
                row[i] = activation; \
            } \
        } \
        float *rest = z + blocks * width; \
        EACH(long i = 0; i < rows * cols - blocks * width; i++) { \
            float v = rest[i] + b[i]; \
            rest[i] = activation; \
        } \
    }
FORWARD(bias, v)
FORWARD(bias_tanh, tanh_of(v))
FORWARD(bias_relu, v < 0.0f ? 0.0f : v)

// `value(i)` is the gradient before the bias at flat index i of the block at `at`; it is stored by `store` and added to its column's sum.
#define COLUMN_SUMS(value, store) \
    float partial[LANES * LANES]; \
    float *sums = db; \
    long width = cols, at = 0; \
    if (cols < LANES) { \
        width = LANES * cols; \
        sums = partial; \
        for (long i = 0; i < width; i++) partial[i] = 0.0f; \
    } \
    const long count = rows * cols; \
    for (; at + 2 * width <= count; at += 2 * width) { \
        EACH(long i = 0; i < width; i++) { \
            float d0 = value(at + i), d1 = value(at + width + i); \
            store(at + i, d0); \
            store(at + width + i, d1); \
            sums[i] += d0 + d1; \
        } \
    } \
    while (at < count) { \
        long length = count - at < width ? count - at : width; \
        EACH(long i = 0; i < length; i++) { \
            float d = value(at + i); \
            store(at + i, d); \
            sums[i] += d; \
        } \
        at += length; \
    } \
    if (cols < LANES) \
        for (long i = 0; i < width; i++) db[i % cols] += partial[i];

#define PLAIN(i) g[i]
#define THROUGH_TANH(i) (g[i] * (1.0f - y[i] * y[i]))
#define THROUGH_RELU(i) (y[i] > 0.0f ? g[i] : 0.0f)
#define NOWHERE(i, d)
#define INTO_DZ(i, d) dz[i] = d

KERNEL void apus_bias_backward(const float *g, float *db, long rows, long cols) { COLUMN_SUMS(PLAIN, NOWHERE) }
KERNEL void apus_bias_tanh_backward(const float *y, const float *g, float *dz, float *db, long rows, long cols) {
    COLUMN_SUMS(THROUGH_TANH, INTO_DZ)
}
KERNEL void apus_bias_relu_backward(const float *y, const float *g, float *dz, float *db, long rows, long cols) {
    COLUMN_SUMS(THROUGH_RELU, INTO_DZ)
}
