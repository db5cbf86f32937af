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
/// y = x · Φ(x), Φ the normal distribution function (not its approximation by tanh); 2e-7 · |x|
void apus_gelu(const float *x, float *y, long n);
/// y = x · sigmoid(x)
void apus_silu(const float *x, float *y, long n);
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
/// y += share · (x − y)
void apus_approach(float share, const float *x, float *y, long n);

// Gradients: g is ∂loss/∂output, dx receives ∂loss/∂input.
/// dx = g · (1 − y²), y = tanh(x)
void apus_tanh_backward(const float *y, const float *g, float *dx, long n);
/// dx = g where y > 0, else 0
void apus_relu_backward(const float *y, const float *g, float *dx, long n);
/// dx = g · y · (1 − y), y = sigmoid(x)
void apus_sigmoid_backward(const float *y, const float *g, float *dx, long n);
/// dx = 2 · g · x
void apus_square_backward(const float *x, const float *g, float *dx, long n);
/// dx = g · (Φ(x) + x φ(x))
void apus_gelu_backward(const float *x, const float *g, float *dx, long n);
/// dx = g · s · (1 + x (1 − s)), s = sigmoid(x)
void apus_silu_backward(const float *x, const float *g, float *dx, long n);
/// db = −g · y / b, y = a / b
void apus_divide_backward(const float *y, const float *b, const float *g, float *db, long n);
/// dx = g where low ≤ x ≤ high, else 0
void apus_clamp_backward(const float *x, float low, float high, const float *g, float *dx, long n);
/// da = g where a < b, g / 2 where a = b, else 0. With a and b exchanged it serves the maximum.
void apus_less_backward(const float *a, const float *b, const float *g, float *da, long n);

// One row [cols] for all rows of a matrix [rows, cols].
void apus_add_row(const float *x, const float *row, float *y, long rows, long cols);
void apus_multiply_row(const float *x, const float *row, float *y, long rows, long cols);
/// drow += column sums of g · x
void apus_multiply_row_backward(const float *x, const float *g, float *drow, long rows, long cols);

// Normalisation of rows.
/// normalized = (x − mean) · scale, y = normalized · weight + bias, scale = 1 / √(variance + epsilon) per row in `scales`. Without a bias
/// (null) the mean is taken as 0: the root mean square norm.
void apus_layer_norm(
    const float *x, const float *weight, const float *bias, float epsilon, float *y, float *normalized, float *scales, long rows,
    long cols);
/// g = ∂loss/∂y becomes ∂loss/∂x; dweight and dbias are added to. Without dbias (null) it is that of the root mean square norm.
void apus_layer_norm_backward(
    const float *normalized, const float *scales, const float *weight, float *g, float *dweight, float *dbias, long rows, long cols);
/// y = (x − mean) · scale limited to ±limit, mean and scale [cols]
void apus_normalize(const float *x, const float *mean, const float *scale, float limit, float *y, long rows, long cols);
/// sums += Σ (x − shift), squares += Σ (x − shift)² per column
void apus_column_moments(const float *x, const double *shift, double *sums, double *squares, long rows, long cols);

// Recurrent layers of `size` units: one step of `rows` sequences. Gates lie side by side in a row.
/// gates [rows, 4 · size] in the order input, forget, cell, output hold the products of inputs and hidden state and become the activated
/// gates; cell = forget · cell_before + input · candidate, cell_tanh = tanh(cell), hidden = output · cell_tanh.
void apus_lstm_step(
    float *gates, const float *bias_input, const float *bias_hidden, const float *cell_before, float *hidden, float *cell,
    float *cell_tanh, long rows, long size);
/// dgates = the gradient before the activations; dcell = ∂loss/∂cell becomes ∂loss/∂cell_before.
void apus_lstm_step_backward(
    const float *gates, const float *cell_before, const float *cell_tanh, const float *dhidden, float *dcell, float *dgates, long rows,
    long size);
/// gates [rows, 3 · size] in the order reset, update, new hold the products of the inputs and become the activated gates; products
/// [rows, 3 · size] hold those of the hidden state, the third gets its bias; hidden = (1 − update) · new + update · before.
void apus_gru_step(
    float *gates, float *products, const float *bias_input, const float *bias_hidden, const float *before, float *hidden, long rows,
    long size);
/// dgates and dproducts = the gradients of both before the activations; dhidden becomes its direct share of ∂loss/∂before.
void apus_gru_step_backward(
    const float *gates, const float *products, const float *before, float *dhidden, float *dgates, float *dproducts, long rows,
    long size);

// Normal distributions with independent components, one per row. log_deviation is [cols] (deviation_jump 0) or [rows, cols]
// (deviation_jump cols).
/// y[row] = Σ −½ ((action − mean) / σ)² − log σ − ½ log 2π
void apus_gaussian_log_prob(
    const float *mean, const float *log_deviation, long deviation_jump, const float *action, float *y, long rows, long cols);
/// dmean is written (its negative is the gradient of the action), ddeviation added to.
void apus_gaussian_log_prob_backward(
    const float *mean, const float *log_deviation, long deviation_jump, const float *action, const float *g, float *dmean,
    float *ddeviation, long rows, long cols);
/// y[row] = Σ log(1 − tanh² u)
void apus_squash_log_slope(const float *u, float *y, long rows, long cols);
void apus_squash_log_slope_backward(const float *u, const float *g, float *du, long rows, long cols);

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

// Threads.
#define APUS_MOST_THREADS 64
/// How many threads the caller's kernels shall share, for `apus_threads`; 1 until it is set, and always 1 inside of a part.
void apus_set_threads(int count);
int apus_threads(void);
/// Runs body(context, part, parts) for every part in 0 … parts − 1, each on a thread of its own where one is free; returns when all are
/// done.
void apus_parallel(int parts, void (*body)(void *context, int part, int parts), void *context);

// Matrix products, row-major and contiguous.
/// c [rows, columns] = op(a) · op(b) + bias, added to what stands in c if `adds`; relu of it if `rectifies`.
///
/// op(a) is [rows, depth]: a, or the transpose of a [depth, rows]; op(b) is [depth, columns]: b, or the transpose of b [columns, depth].
/// `bias` [columns] may be null. Both matrices transposed are not supported.
typedef struct {
    long rows, columns, depth;
    const float *a, *b, *bias;
    /// What `apus_product_pack` made of b, or null.
    const float *packed;
    float *c;
    int a_transposed, b_transposed, adds, rectifies, threads;
} ApusProduct;
/// Whether `apus_product` is the faster way on this machine than a general library's; it is right in any case.
int apus_product_pays(const ApusProduct *p);
/// Prepares b for several products: `packed` has room for depth · (columns rounded up to a multiple of 16) floats, aligned to 64 bytes.
/// Only `columns`, `depth`, `b`, `b_transposed` and `threads` count; all but `threads` stay as they are.
void apus_product_pack(const ApusProduct *p, float *packed);
/// The floats of workspace that the product needs, aligned to 64 bytes; it need not be cleared.
long apus_product_workspace(const ApusProduct *p);
void apus_product(const ApusProduct *p, float *workspace);

// Convolutions. Images are [N, height, width, channels] floats ("channels-last") unless `ApusImages` says otherwise; outputs are
// [N, out_height, out_width, filters]; weights are [filters, channels, kernel_height, kernel_width] as in PyTorch.
typedef struct {
    long height, width, channels, filters, kernel_height, kernel_width, stride, padding, out_height, out_width;
} ApusConvolution;
/// N images: float or uint8, channels-last or [N, channels, height, width]; uint8 values, and floats that need a copy anyway, are
/// multiplied by `scale`.
typedef struct {
    const void *data;
    int bytes, channels_first;
    float scale;
} ApusImages;
enum { APUS_LINEAR = 0, APUS_TANH = 1, APUS_RELU = 2 };
/// The floats of workspace that the two functions below need; the workspace is aligned to 64 bytes and need not be cleared.
long apus_convolution_workspace(const ApusConvolution *c, const ApusImages *x, int backward, int threads);
/// y = activation(x * weight + bias)
void apus_convolution(
    const ApusConvolution *c, const ApusImages *x, long images, const float *weight, const float *bias, int activation, float *y,
    float *workspace, int threads);
/// g = ∂loss/∂y is overwritten by the gradient before the activation; dweight and dbias are added to, dx (in the layout of x) is written;
/// those that are null are left out.
void apus_convolution_backward(
    const ApusConvolution *c, const ApusImages *x, long images, const float *weight, const float *y, int activation, float *g,
    float *dweight, float *dbias, float *dx, float *workspace, int threads);

/// y = scale · x, x uint8
void apus_bytes_to_floats(const void *x, float scale, float *y, long n);

// Pooling of channels-last images.
typedef struct {
    long height, width, channels, kernel, stride, padding, out_height, out_width;
} ApusPooling;
/// y = the largest value of each window; NaN when one of them is.
void apus_max_pool(const ApusPooling *p, const float *x, long images, float *y);
/// dx += g where x is the first maximum of its window; g is used up.
void apus_max_pool_backward(const ApusPooling *p, const float *x, const float *y, float *g, long images, float *dx);

// Attention.
/// A run of rows that belong together: row start + i sees all `prefix_count` rows from `prefix_start` on, then the rows start … start + i.
typedef struct {
    long start, count, prefix_start, prefix_count;
} ApusSegment;
/// qkv [rows, (heads + 2 · key_heads) · width] has in each row the queries of `heads`, then the keys and then the values of `key_heads`, each
/// of which serves heads / key_heads consecutive heads of queries. Scores are multiplied by `scale`.
typedef struct {
    const ApusSegment *segments;
    long segment_count, heads, key_heads, width;
    float scale;
    const float *qkv;
} ApusAttention;
/// The floats of workspace that the two functions below need, aligned to 64 bytes; it need not be cleared.
long apus_attention_workspace(const ApusAttention *a);
/// For the key heads first_head … last_head − 1: output [rows, heads · width] and the logarithm of each query's sum of exponentials,
/// log_sums [rows, heads], for the gradient.
void apus_attention(const ApusAttention *a, long first_head, long last_head, float *output, float *log_sums, float *workspace);
/// g = ∂loss/∂output; dqkv, cleared before, receives the gradients of queries, keys and values. Different key heads write to different places.
void apus_attention_backward(
    const ApusAttention *a, long first_head, long last_head, const float *output, const float *log_sums, const float *g, float *dqkv,
    float *workspace);

// Tokens.
/// Rotary positions (Su et al., 2021; the halves of a head as in Llama) of the first `heads` heads of each row, the rest copied; `cosine`
/// and `sine` [positions, width], the first half of a row of `sine` negative. Direction −1 turns back: the gradient. In place if y = x.
void apus_rotary(
    const float *x, const float *cosine, const float *sine, const int32_t *positions, float direction, float *y, long rows, long heads,
    long width, long cols);
/// y [rows, cols] = silu(a) · b, a and b side by side in x [rows, 2 · cols]
void apus_swiglu(const float *x, float *y, long rows, long cols);
void apus_swiglu_backward(const float *x, const float *g, float *dx, long rows, long cols);
/// Row indices[r] of the table += row r of g
void apus_add_rows_at(const float *g, const int32_t *indices, float *table, long rows, long cols);
/// dx = the gradient with respect to the logits of the log-probability of a token (g) and of the entropy (gentropy), one of each per row,
/// where log_probs = log-softmax(scale · logits); dx may be log_probs.
void apus_token_gradient(
    const float *log_probs, const int32_t *tokens, const float *entropies, const float *g, const float *gentropy, float scale, float *dx,
    long rows, long cols);

// Generation.
/// Keys [slots, key_heads, width, capacity] and values [slots, key_heads, capacity, width rounded up to 16] of the tokens so far; the
/// capacity is a multiple of 16.
typedef struct {
    long heads, key_heads, width, capacity;
    float *keys, *values;
} ApusCache;
/// Keys and values of rows of qkv (see `ApusAttention`) to a slot, the first of them at `position`.
void apus_cache_put(const ApusCache *c, const float *qkv, long rows, long slot, long position);
/// The first `count` positions of a slot to another.
void apus_cache_copy(const ApusCache *c, long from, long to, long count);
/// Row r of qkv is that of the token at positions[r] of slots[r], whose keys and values were put there: output [rows, heads · width].
/// `scores` has room for `capacity` floats.
void apus_decode(
    const ApusCache *c, const float *qkv, const int32_t *slots, const int32_t *positions, float scale, float *output, float *scores,
    long rows);
/// What apus_draw_tokens leaves out becomes -inf in `scaled` [rows, cols], except for the token of the row: the least probable tokens of
/// softmax(logits · inverse_temperature). `workspace` has room for 2 · cols floats.
void apus_keep_nucleus(
    const float *logits, const int32_t *tokens, float inverse_temperature, float top_p, float *scaled, float *workspace, long rows, long cols);
/// Draws a token per row from softmax(logits / temperature), of which only the most probable ones that together have `top_p` are left
/// (equally probable ones all or none), and its log-probability under just that distribution. Temperature 0 takes the most probable one,
/// whose log-probability is 0. `workspace` has room for 2 · cols floats.
void apus_draw_tokens(
    const float *logits, const float *uniform, float temperature, float top_p, int32_t *token, float *log_prob, float *workspace, long rows,
    long cols);

// Philox4x32-10 (Salmon et al., 2011).
/// One block: 128 random bits from a counter and a key.
void apus_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t output[4]);
/// out[i] = the upper 24 bits of the first word of the block with counter (i, step low, step high, 0), in [0, 1)
void apus_philox_uniforms(uint32_t key0, uint32_t key1, uint64_t step, float *out, long n);
/// z = Φ⁻¹(uniform) at the middle of the 24-bit cell that a number of [0, 1) names; relative error 1e-6
void apus_normal_quantiles(const float *uniform, float *z, long n);

/// The processor level whose variant of the kernels runs here, in words.
const char *apus_kernel_target(void);
