/// Vector kernels on contiguous float buffers.
///
/// Every kernel is compiled for x86-64-v4 (AVX-512), x86-64-v3 (AVX2) and the baseline, and the loader picks one: the same input gives the
/// same bits on the same machine. Where a kernel reads and writes, the output may be exactly an input (in place) but must not overlap it
/// otherwise.
#pragma once
#include <stdint.h>

// One value to one value. Errors against exact values: exp 2e-7 relative, log 2e-7 relative (absolute near 1), tanh 3e-7 absolute (4e-7
// without FMA).
void apus_exp(const float *x, float *y, long n);
void apus_log(const float *x, float *y, long n);
void apus_tanh(const float *x, float *y, long n);
void apus_relu(const float *x, float *y, long n);
void apus_sigmoid(const float *x, float *y, long n);
void apus_square(const float *x, float *y, long n);
/// y = scale · x + shift
void apus_affine(const float *x, float scale, float shift, float *y, long n);
/// y = numerator / x
void apus_reciprocal(const float *x, float numerator, float *y, long n);
/// y = x limited to low … high; NaN stays NaN.
void apus_clamp(const float *x, float low, float high, float *y, long n);

// Two values to one. Minimum and maximum give NaN when either is NaN.
void apus_add(const float *a, const float *b, float *y, long n);
void apus_subtract(const float *a, const float *b, float *y, long n);
void apus_multiply(const float *a, const float *b, float *y, long n);
void apus_divide(const float *a, const float *b, float *y, long n);
void apus_minimum(const float *a, const float *b, float *y, long n);
void apus_maximum(const float *a, const float *b, float *y, long n);
/// y += scale · x
void apus_axpy(float scale, const float *x, float *y, long n);

// Gradients: g is ∂loss/∂output, dx receives ∂loss/∂input.
/// dx = g · (1 − y²), y = tanh(x)
void apus_tanh_backward(const float *y, const float *g, float *dx, long n);
/// dx = g where y > 0, else 0
void apus_relu_backward(const float *y, const float *g, float *dx, long n);
/// dx = g · y · (1 − y), y = sigmoid(x)
void apus_sigmoid_backward(const float *y, const float *g, float *dx, long n);
/// dx = 2 · g · x
void apus_square_backward(const float *x, const float *g, float *dx, long n);
/// db = −g · y / b, y = a / b
void apus_divide_backward(const float *y, const float *b, const float *g, float *db, long n);
/// dx = g where low ≤ x ≤ high, else 0
void apus_clamp_backward(const float *x, float low, float high, const float *g, float *dx, long n);
/// da = g where a < b, g / 2 where a = b, else 0. With a and b exchanged it serves the maximum.
void apus_less_backward(const float *a, const float *b, const float *g, float *da, long n);

// Layers on z [rows, cols].
/// z = z + bias, tanh(z + bias), relu(z + bias), in place; bias [cols]
void apus_bias(float *z, const float *bias, long rows, long cols);
void apus_bias_tanh(float *z, const float *bias, long rows, long cols);
void apus_bias_relu(float *z, const float *bias, long rows, long cols);
/// db [cols] += column sums of g
void apus_bias_backward(const float *g, float *db, long rows, long cols);
/// dz = gradient through the activation from its output y; db += column sums of dz
void apus_bias_tanh_backward(const float *y, const float *g, float *dz, float *db, long rows, long cols);
void apus_bias_relu_backward(const float *y, const float *g, float *dz, float *db, long rows, long cols);

// Categorical distributions, one per row.
/// y = x − log Σ exp x, per row
void apus_log_softmax(const float *x, float *y, long rows, long cols);
/// dx = g − exp(y) · Σ g, per row
void apus_log_softmax_backward(const float *y, const float *g, float *dx, long rows, long cols);
/// h[row] = −Σ exp(y) · y over a row of log-probabilities; a probability of 0 adds 0.
void apus_entropy(const float *y, float *h, long rows, long cols);
/// dy = −g[row] · exp(y) · (y + 1); 0 where the probability is 0
void apus_entropy_backward(const float *y, const float *g, float *dy, long rows, long cols);
/// action = the first c whose cumulative probability exceeds uniform[row] in [0, 1), log_prob = its log-probability.
/// An action of probability 0 (logit −∞) is never drawn.
void apus_sample(const float *logits, const float *uniform, int32_t *action, float *log_prob, long rows, long cols);

// Reductions; 16 partial sums.
float apus_sum(const float *x, long n);
float apus_sum_of_squares(const float *x, long n);
/// y[row] = sum of the row
void apus_row_sums(const float *x, float *y, long rows, long cols);
/// 1 when no value is infinite or NaN, else 0
int apus_all_finite(const float *x, long n);

// Optimisers: one step on n parameters; the gradient is multiplied by `gradient_scale` first.
/// m = m + (1 − β1)(g − m); v = β2 v + (1 − β2) g²; w −= step_size · m / (√v / root_correction + ε)
void apus_adam(
    float *w, const float *g, float *m, float *v, float gradient_scale, float beta1, float beta2, float epsilon, float step_size,
    float root_correction, long n);
/// s = α s + (1 − α) g²; w −= learning_rate · g / (√s + ε)
void apus_rmsprop(float *w, const float *g, float *s, float gradient_scale, float alpha, float epsilon, float learning_rate, long n);

// Philox4x32-10 (Salmon et al., 2011).
/// One block: 128 random bits from a counter and a key.
void apus_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t output[4]);
/// out[i] = the upper 24 bits of the first word of the block with counter (i, step low, step high, 0), in [0, 1)
void apus_philox_uniforms(uint32_t key0, uint32_t key1, uint64_t step, float *out, long n);

/// The processor level whose variant of the kernels runs here, in words.
const char *apus_kernel_target(void);
