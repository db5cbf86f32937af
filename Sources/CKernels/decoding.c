// Generation of tokens: attention of one new token per slot against the keys and values of the tokens before it, and the draw of the next.
#include "CKernels.h"
#include "kernel_math.h"
#include <stdlib.h>
#include <string.h>

#define UNROLLED _Pragma("clang loop unroll(full)") for

static long to_lanes(long count) { return (count + LANES - 1) / LANES * LANES; }
static long row_floats(const ApusCache *c) { return (c->heads + 2 * c->key_heads) * c->width; }
static float *keys_of(const ApusCache *c, long slot, long head) { return c->keys + (slot * c->key_heads + head) * c->width * c->capacity; }
static float *values_of(const ApusCache *c, long slot, long head) {
    return c->values + (slot * c->key_heads + head) * c->capacity * to_lanes(c->width);
}

void apus_cache_put(const ApusCache *c, const float *qkv, long rows, long slot, long position) {
    const long width = c->width, padded = to_lanes(width), jump = row_floats(c);
    for (long head = 0; head < c->key_heads; head++) {
        float *keys = keys_of(c, slot, head) + position, *values = values_of(c, slot, head) + position * padded;
        for (long row = 0; row < rows; row++) {
            const float *key = qkv + row * jump + (c->heads + head) * width, *value = key + c->key_heads * width;
            for (long i = 0; i < width; i++) keys[i * c->capacity + row] = key[i];
            memcpy(values + row * padded, value, (size_t)width * sizeof(float));
        }
    }
}

void apus_cache_copy(const ApusCache *c, long from, long to, long count) {
    const long padded = to_lanes(c->width);
    for (long head = 0; head < c->key_heads; head++) {
        for (long i = 0; i < c->width; i++)
            memcpy(keys_of(c, to, head) + i * c->capacity, keys_of(c, from, head) + i * c->capacity, (size_t)count * sizeof(float));
        memcpy(values_of(c, to, head), values_of(c, from, head), (size_t)(count * padded) * sizeof(float));
    }
}

// scores [count rounded up] = query · keys [width, capacity] · scale
INLINE void scores_of(const float *query, const float *keys, long capacity, long width, long count, float scale, float *scores) {
    long k = 0;
    for (; k + 2 * LANES <= to_lanes(count); k += 2 * LANES) {
        Lanes first = {0}, second = {0};
        for (long c = 0; c < width; c++) {
            first += query[c] * *(const Lanes *)(keys + c * capacity + k);
            second += query[c] * *(const Lanes *)(keys + c * capacity + k + LANES);
        }
        *(Lanes *)(scores + k) = first * scale;
        *(Lanes *)(scores + k + LANES) = second * scale;
    }
    if (k < count) {
        Lanes even = {0}, odd = {0};
        long c = 0;
        for (; c + 2 <= width; c += 2) {
            even += query[c] * *(const Lanes *)(keys + c * capacity + k);
            odd += query[c + 1] * *(const Lanes *)(keys + (c + 1) * capacity + k);
        }
        if (c < width) even += query[c] * *(const Lanes *)(keys + c * capacity + k);
        *(Lanes *)(scores + k) = (even + odd) * scale;
    }
}

KERNEL void apus_decode(
    const ApusCache *c, const float *qkv, const int32_t *slots, const int32_t *positions, float scale, float *output, float *scores,
    long rows
) {
    const long width = c->width, padded = to_lanes(width), jump = row_floats(c), group = c->heads / c->key_heads;
    for (long row = 0; row < rows; row++)
        for (long head = 0; head < c->key_heads; head++) {
            const float *keys = keys_of(c, slots[row], head), *values = values_of(c, slots[row], head);
            const long seen = positions[row] + 1, count = to_lanes(seen);
            for (long h = head * group; h < (head + 1) * group; h++) {
                scores_of(qkv + row * jump + h * width, keys, c->capacity, width, seen, scale, scores);
                for (long k = seen; k < count; k++) scores[k] = -__builtin_inff();
                Lanes most = *(const Lanes *)scores;
                for (long k = LANES; k < count; k += LANES) most = __builtin_elementwise_max(most, *(const Lanes *)(scores + k));
                const float maximum = __builtin_reduce_max(most);
                Lanes total = {0};
                for (long k = 0; k < count; k += LANES) {
                    EACH(long l = 0; l < LANES; l++) scores[k + l] = exp_of(scores[k + l] - maximum);
                    total += *(const Lanes *)(scores + k);
                }
                const float inverse = 1.0f / sum_of_lanes(&total);
                float *to = output + (row * c->heads + h) * width;
                for (long first = 0; first < padded; first += LANES) {
                    Lanes sums[4] = {{0}, {0}, {0}, {0}};
                    long k = 0;
                    for (; k + 4 <= seen; k += 4)
                        UNROLLED(int l = 0; l < 4; l++) sums[l] += scores[k + l] * *(const Lanes *)(values + (k + l) * padded + first);
                    for (; k < seen; k++) sums[0] += scores[k] * *(const Lanes *)(values + k * padded + first);
                    const Lanes sum = ((sums[0] + sums[1]) + (sums[2] + sums[3])) * inverse;
                    if (first + LANES <= width)
                        *(Lanes *)(to + first) = sum;
                    else
                        memcpy(to + first, &sum, (size_t)(width - first) * sizeof(float));
                }
            }
        }
}

static int descending(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

// What the most probable outcomes that together reach `share` of the total have at least.
static float least_kept(const float *weights, float total, float share, float *sorted, long count) {
    memcpy(sorted, weights, (size_t)count * sizeof(float));
    qsort(sorted, (size_t)count, sizeof(float), descending);
    float sum = 0.0f;
    for (long i = 0; i < count; i++) {
        sum += sorted[i];
        if (sum >= share * total) return sorted[i];
    }
    return 0.0f;
}

INLINE void exponentials(const float *logits, float inverse_temperature, float *weights, long count) {
    float maximum = logits[0];
    for (long i = 1; i < count; i++) maximum = logits[i] > maximum ? logits[i] : maximum;
    EACH(long i = 0; i < count; i++) weights[i] = exp_of((logits[i] - maximum) * inverse_temperature);
}

KERNEL void apus_keep_nucleus(
    const float *logits, const int32_t *tokens, float inverse_temperature, float top_p, float *scaled, float *workspace, long rows, long cols
) {
    for (long row = 0; row < rows; row++) {
        float *weights = workspace, total = 0.0f;
        exponentials(logits + row * cols, inverse_temperature, weights, cols);
        for (long i = 0; i < cols; i++) total += weights[i];
        const float least = least_kept(weights, total, top_p, workspace + cols, cols);
        for (long i = 0; i < cols; i++)
            if (weights[i] < least && i != tokens[row]) scaled[row * cols + i] = -__builtin_inff();
    }
}

KERNEL void apus_draw_tokens(
    const float *logits, const float *uniform, float temperature, float top_p, int32_t *token, float *log_prob, float *workspace, long rows,
    long cols
) {
    for (long row = 0; row < rows; row++) {
        const float *x = logits + row * cols;
        long chosen = 0;
        if (temperature == 0.0f) {
            for (long i = 1; i < cols; i++) chosen = x[i] > x[chosen] ? i : chosen;
            token[row] = (int32_t)chosen;
            log_prob[row] = 0.0f;
            continue;
        }
        float *weights = workspace, total = 0.0f;
        exponentials(x, 1.0f / temperature, weights, cols);
        for (long i = 0; i < cols; i++) total += weights[i];
        if (top_p < 1.0f) {
            const float least = least_kept(weights, total, top_p, workspace + cols, cols);
            total = 0.0f;
            for (long i = 0; i < cols; i++) total += weights[i] = weights[i] >= least ? weights[i] : 0.0f;
        }
        // Rounding may leave the sum below the threshold: then the last possible outcome is drawn.
        const float threshold = uniform[row] * total;
        float sum = 0.0f;
        for (long i = 0; i < cols; i++) {
            if (weights[i] == 0.0f) continue;
            chosen = i;
            sum += weights[i];
            if (sum > threshold) break;
        }
        token[row] = (int32_t)chosen;
        log_prob[row] = log_of(weights[chosen]) - log_of(total);
    }
}
