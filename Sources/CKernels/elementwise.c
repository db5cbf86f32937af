#include "CKernels.h"
#include "kernel_math.h"

#define UNARY(name, result) \
    KERNEL void apus_##name(const float *x, float *y, long n) { \
        EACH(long i = 0; i < n; i++) { \
            float v = x[i]; \
            y[i] = result; \
        } \
    }
UNARY(exp, exp_of(v))
UNARY(log, log_of(v))
UNARY(tanh, tanh_of(v))
UNARY(relu, v < 0.0f ? 0.0f : v)
UNARY(sigmoid, sigmoid_of(v))
UNARY(square, v *v)
UNARY(gelu, v *normal_cdf_of(v))
UNARY(silu, v *sigmoid_of(v))

KERNEL void apus_affine(const float *x, float scale, float shift, float *y, long n) {
    EACH(long i = 0; i < n; i++) y[i] = scale * x[i] + shift;
}
KERNEL void apus_reciprocal(const float *x, float numerator, float *y, long n) {
    EACH(long i = 0; i < n; i++) y[i] = numerator / x[i];
}
KERNEL void apus_clamp(const float *x, float low, float high, float *y, long n) {
    EACH(long i = 0; i < n; i++) {
        float v = x[i] < low ? low : x[i];
        y[i] = v > high ? high : v;
    }
}

#define BINARY(name, result) \
    KERNEL void apus_##name(const float *a, const float *b, float *y, long n) { \
        EACH(long i = 0; i < n; i++) { \
            float u = a[i], v = b[i]; \
            y[i] = result; \
        } \
    }
BINARY(add, u + v)
BINARY(subtract, u - v)
BINARY(multiply, u *v)
BINARY(divide, u / v)
BINARY(minimum, ((u < v) | (u != u)) ? u : v)
BINARY(maximum, ((u > v) | (u != u)) ? u : v)

KERNEL void apus_axpy(float scale, const float *x, float *y, long n) {
    EACH(long i = 0; i < n; i++) y[i] += scale * x[i];
}

KERNEL void apus_approach(float share, const float *x, float *y, long n) {
    EACH(long i = 0; i < n; i++) y[i] += share * (x[i] - y[i]);
}

#define BACKWARD(name, result) \
    KERNEL void apus_##name##_backward(const float *saved, const float *g, float *dx, long n) { \
        EACH(long i = 0; i < n; i++) { \
            float s = saved[i], d = g[i]; \
            dx[i] = result; \
        } \
    }
BACKWARD(tanh, d * (1.0f - s * s))
BACKWARD(relu, s > 0.0f ? d : 0.0f)
BACKWARD(sigmoid, d *s *(1.0f - s))
BACKWARD(square, 2.0f * d * s)
BACKWARD(gelu, d *(normal_cdf_of(s) + s * 0.398942280401432678f * exp_of(-0.5f * s * s)))
BACKWARD(silu, d *sigmoid_of(s) * (1.0f + s * (1.0f - sigmoid_of(s))))

KERNEL void apus_divide_backward(const float *y, const float *b, const float *g, float *db, long n) {
    EACH(long i = 0; i < n; i++) db[i] = -g[i] * y[i] / b[i];
}
KERNEL void apus_clamp_backward(const float *x, float low, float high, const float *g, float *dx, long n) {
    EACH(long i = 0; i < n; i++) dx[i] = ((x[i] >= low) & (x[i] <= high)) ? g[i] : 0.0f;
}
KERNEL void apus_less_backward(const float *a, const float *b, const float *g, float *da, long n) {
    EACH(long i = 0; i < n; i++) {
        float half = a[i] == b[i] ? 0.5f * g[i] : 0.0f;
        da[i] = a[i] < b[i] ? g[i] : half;
    }
}

KERNEL void apus_add_row(const float *x, const float *row, float *y, long rows, long cols) {
    for (long r = 0; r < rows; r++)
        EACH(long c = 0; c < cols; c++) y[r * cols + c] = x[r * cols + c] + row[c];
}
KERNEL void apus_multiply_row(const float *x, const float *row, float *y, long rows, long cols) {
    for (long r = 0; r < rows; r++)
        EACH(long c = 0; c < cols; c++) y[r * cols + c] = x[r * cols + c] * row[c];
}
KERNEL void apus_multiply_row_backward(const float *x, const float *g, float *drow, long rows, long cols) {
    for (long r = 0; r < rows; r++)
        EACH(long c = 0; c < cols; c++) drow[c] += g[r * cols + c] * x[r * cols + c];
}
