// Normalisation of rows, and the moments of columns.
#include "CKernels.h"
#include "kernel_math.h"

INLINE float row_total(const float *x, long n) {
    Lanes partial = {0};
    long i = 0;
    for (; i + LANES <= n; i += LANES) partial += *(const Lanes *)(x + i);
    float total = sum_of_lanes(&partial);
    for (; i < n; i++) total += x[i];
    return total;
}
// Σ (a − shift) · (b − shift)
INLINE float row_dot(const float *a, const float *b, float shift, long n) {
    Lanes partial = {0};
    long i = 0;
    for (; i + LANES <= n; i += LANES) partial += (*(const Lanes *)(a + i) - shift) * (*(const Lanes *)(b + i) - shift);
    float total = sum_of_lanes(&partial);
    for (; i < n; i++) total += (a[i] - shift) * (b[i] - shift);
    return total;
}

KERNEL void apus_layer_norm(
    const float *x, const float *weight, const float *bias, float epsilon, float *y, float *normalized, float *scales, long rows, long cols
) {
    for (long r = 0; r < rows; r++) {
        const float *from = x + r * cols;
        float *to = y + r * cols, *kept = normalized + r * cols;
        // The root mean square has no mean to take away.
        float mean = bias ? row_total(from, cols) / (float)cols : 0.0f;
        float scale = 1.0f / __builtin_elementwise_sqrt(row_dot(from, from, mean, cols) / (float)cols + epsilon);
        scales[r] = scale;
        if (bias) {
            EACH(long c = 0; c < cols; c++) {
                float v = (from[c] - mean) * scale;
                kept[c] = v;
                to[c] = v * weight[c] + bias[c];
            }
        } else {
            EACH(long c = 0; c < cols; c++) {
                float v = from[c] * scale;
                kept[c] = v;
                to[c] = v * weight[c];
            }
        }
    }
}

KERNEL void apus_layer_norm_backward(
    const float *normalized, const float *scales, const float *weight, float *g, float *dweight, float *dbias, long rows, long cols
) {
    for (long r = 0; r < rows; r++) {
        const float *v = normalized + r * cols;
        float *d = g + r * cols;
        EACH(long c = 0; c < cols; c++) dweight[c] += d[c] * v[c];
        if (dbias)
            EACH(long c = 0; c < cols; c++) dbias[c] += d[c];
        EACH(long c = 0; c < cols; c++) d[c] *= weight[c];
        const float mean = dbias ? row_total(d, cols) / (float)cols : 0.0f;
        const float slope = row_dot(d, v, 0.0f, cols) / (float)cols, scale = scales[r];
        EACH(long c = 0; c < cols; c++) d[c] = (d[c] - mean - v[c] * slope) * scale;
    }
}

KERNEL void apus_normalize(
    const float *x, const float *mean, const float *scale, float limit, float *y, long rows, long cols
) {
    for (long r = 0; r < rows; r++)
        EACH(long c = 0; c < cols; c++) {
            float v = (x[r * cols + c] - mean[c]) * scale[c];
            v = v < -limit ? -limit : v;
            y[r * cols + c] = v > limit ? limit : v;
        }
}

KERNEL void apus_column_moments(const float *x, const double *shift, double *sums, double *squares, long rows, long cols) {
    for (long r = 0; r < rows; r++)
        EACH(long c = 0; c < cols; c++) {
            double d = (double)x[r * cols + c] - shift[c];
            sums[c] += d;
            squares[c] += d * d;
        }
}
