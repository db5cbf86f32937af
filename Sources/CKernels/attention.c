// Causal attention over packed sequences of different lengths, with shared prefixes and grouped queries.
//
// One head is small: its keys are copied so that 16 of them fill a vector, eight queries at a time are multiplied with them, and the
// probabilities of those eight stay in the first-level cache. Rows of queries that a block of eight lacks are zeros.
#include "CKernels.h"
#include "kernel_math.h"
#include <string.h>

#define QUERIES 8
#define UNROLLED _Pragma("clang loop unroll(full)") for

static long to_lanes(long count) { return (count + LANES - 1) / LANES * LANES; }
// Row k of a segment's keys: those of its prefix, then its own.
static long key_row(const ApusSegment *s, long k) {
    return k < s->prefix_count ? s->prefix_start + k : s->start + k - s->prefix_count;
}
static long row_floats(const ApusAttention *a) { return (a->heads + 2 * a->key_heads) * a->width; }

// Scores of keys that a query does not see become −∞: those from `seen` to `count`, a multiple of 16 and less than 32 away.
INLINE void hide(float *scores, long seen, long count) {
    static const int32_t numbers[LANES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    for (long k = seen / LANES * LANES; k < count; k += LANES)
        EACH(long l = 0; l < LANES; l++) scores[k + l] = numbers[l] < (int32_t)(seen - k) ? scores[k + l] : -__builtin_inff();
}

// The places in the workspace for one head of the longest segment.
typedef struct {
    // [width, keys] and [keys, width rounded up]
    float *across, *along, *value_across, *value_along, *dkeys, *dvalues;
    // [QUERIES, keys]
    float *scores, *gradients;
    // [QUERIES, width rounded up]
    float *query, *output;
} Places;

static long longest(const ApusAttention *a) {
    long most = 0;
    for (long s = 0; s < a->segment_count; s++) {
        long keys = a->segments[s].prefix_count + a->segments[s].count;
        most = keys > most ? keys : most;
    }
    return to_lanes(most);
}
long apus_attention_workspace(const ApusAttention *a) {
    const long padded = to_lanes(a->width);
    return longest(a) * (6 * padded + 2 * QUERIES) + 2 * QUERIES * padded;
}

static Places places(const ApusAttention *a, float *workspace) {
    const long keys = longest(a), head = keys * to_lanes(a->width), block = QUERIES * keys, rows = QUERIES * to_lanes(a->width);
    float *at = workspace;
    Places p;
    p.across = at;
    p.along = at += head;
    p.value_across = at += head;
    p.value_along = at += head;
    p.dkeys = at += head;
    p.dvalues = at += head;
    p.scores = at += head;
    p.gradients = at += block;
    p.query = at += block;
    p.output = at + rows;
    return p;
}

// A head of one row: too short for a call.
INLINE void copy(const float *from, float *to, long width) {
    long c = 0;
    for (; c + LANES <= width; c += LANES) *(Lanes *)(to + c) = *(const Lanes *)(from + c);
    for (; c < width; c++) to[c] = from[c];
}

// to [keys rounded up, width rounded up] = the rows of a segment's keys or values, from column `first` of `x`; 0 beyond both ends.
INLINE void along(const ApusSegment *s, const float *x, long jump, long first, long width, float *to) {
    const long keys = s->prefix_count + s->count, padded = to_lanes(width);
    for (long k = 0; k < keys; k++) {
        copy(x + key_row(s, k) * jump + first, to + k * padded, width);
        for (long c = width; c < padded; c++) to[k * padded + c] = 0.0f;
    }
    memset(to + keys * padded, 0, (size_t)((to_lanes(keys) - keys) * padded) * sizeof(float));
}

// to [width rounded up, keys] = the transpose of from [keys, width rounded up]: four rounds of interleaving the halves of 16 rows.
INLINE void across(const float *from, long keys, long padded, float *to) {
    for (long k = 0; k < keys; k += LANES)
        for (long c = 0; c < padded; c += LANES) {
            Lanes rows[16], mixed[16];
            UNROLLED(int i = 0; i < 16; i++) rows[i] = *(const Lanes *)(from + (k + i) * padded + c);
            UNROLLED(int round = 0; round < 4; round++) {
                UNROLLED(int i = 0; i < 8; i++) {
                    mixed[2 * i] = __builtin_shufflevector(rows[i], rows[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
                    mixed[2 * i + 1] =
                        __builtin_shufflevector(rows[i], rows[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
                }
                UNROLLED(int i = 0; i < 16; i++) rows[i] = mixed[i];
            }
            UNROLLED(int i = 0; i < 16; i++) *(Lanes *)(to + (c + i) * keys + k) = rows[i];
        }
}

// to [QUERIES, padded] = `count` rows; 0 beyond them.
INLINE void block_of(const float *from, long jump, long count, long width, float *to) {
    const long padded = to_lanes(width);
    if (count < QUERIES || padded > width) memset(to, 0, (size_t)(QUERIES * padded) * sizeof(float));
    for (long i = 0; i < count; i++) copy(from + i * jump, to + i * padded, width);
}

// scores [QUERIES, keys] = query [QUERIES, padded] · across [width, keys], the first `count` columns
INLINE void scores_of(const float *query, long padded, long width, const float *across, long keys, long count, float *scores) {
    for (long k = 0; k < count; k += LANES) {
        Lanes sums[QUERIES];
        UNROLLED(int i = 0; i < QUERIES; i++) sums[i] = (Lanes){0};
        for (long c = 0; c < width; c++) {
            const Lanes key = *(const Lanes *)(across + c * keys + k);
            UNROLLED(int i = 0; i < QUERIES; i++) sums[i] += query[i * padded + c] * key;
        }
        UNROLLED(int i = 0; i < QUERIES; i++) *(Lanes *)(scores + i * keys + k) = sums[i];
    }
}

// to [QUERIES, padded] = weights [QUERIES, keys] · along [keys, padded], the first `count` keys
INLINE void mixture_of(const float *weights, const float *along, long keys, long padded, long count, float *to) {
    for (long c = 0; c < padded; c += LANES) {
        Lanes sums[QUERIES];
        UNROLLED(int i = 0; i < QUERIES; i++) sums[i] = (Lanes){0};
        for (long k = 0; k < count; k++) {
            const Lanes value = *(const Lanes *)(along + k * padded + c);
            UNROLLED(int i = 0; i < QUERIES; i++) sums[i] += weights[i * keys + k] * value;
        }
        UNROLLED(int i = 0; i < QUERIES; i++) *(Lanes *)(to + i * padded + c) = sums[i];
    }
}

// to [keys, padded] += the transpose of weights [QUERIES, keys] · block [QUERIES, padded], the first `count` keys
INLINE void spread_of(const float *weights, const float *block, long keys, long padded, long count, float *to) {
    for (long c = 0; c < padded; c += LANES) {
        Lanes rows[QUERIES];
        UNROLLED(int i = 0; i < QUERIES; i++) rows[i] = *(const Lanes *)(block + i * padded + c);
        for (long k = 0; k < count; k += 8) {
            Lanes sums[8];
            UNROLLED(int l = 0; l < 8; l++) sums[l] = *(const Lanes *)(to + (k + l) * padded + c);
            UNROLLED(int i = 0; i < QUERIES; i++) {
                UNROLLED(int l = 0; l < 8; l++) sums[l] += weights[i * keys + k + l] * rows[i];
            }
            UNROLLED(int l = 0; l < 8; l++) *(Lanes *)(to + (k + l) * padded + c) = sums[l];
        }
    }
}

KERNEL void apus_attention(
    const ApusAttention *a, long first_head, long last_head, float *output, float *log_sums, float *workspace
) {
    const long width = a->width, padded = to_lanes(width), jump = row_floats(a), group = a->heads / a->key_heads;
    const Places p = places(a, workspace);
    for (long s = 0; s < a->segment_count; s++) {
        const ApusSegment *segment = a->segments + s;
        const long before = segment->prefix_count, keys = to_lanes(before + segment->count);
        for (long head = first_head; head < last_head; head++) {
            along(segment, a->qkv, jump, (a->heads + head) * width, width, p.along);
            across(p.along, keys, padded, p.across);
            along(segment, a->qkv, jump, (a->heads + a->key_heads + head) * width, width, p.value_along);
            for (long h = head * group; h < (head + 1) * group; h++)
                for (long first = 0; first < segment->count; first += QUERIES) {
                    const long left = segment->count - first, rows = left < QUERIES ? left : QUERIES;
                    const long row = segment->start + first, seen = before + first + rows, count = to_lanes(seen);
                    block_of(a->qkv + row * jump + h * width, jump, rows, width, p.query);
                    scores_of(p.query, padded, width, p.across, keys, count, p.scores);
                    float totals[QUERIES], maxima[QUERIES];
                    for (long i = 0; i < QUERIES; i++) {
                        float *score = p.scores + i * keys;
                        hide(score, before + first + (i < rows ? i + 1 : rows), count);
                        Lanes most = *(const Lanes *)score, total = {0};
                        for (long k = LANES; k < count; k += LANES) most = __builtin_elementwise_max(most, *(const Lanes *)(score + k));
                        const float maximum = __builtin_reduce_max(most) * a->scale;
                        for (long k = 0; k < count; k += LANES) {
                            EACH(long l = 0; l < LANES; l++) score[k + l] = exp_of(score[k + l] * a->scale - maximum);
                            total += *(const Lanes *)(score + k);
                        }
                        totals[i] = sum_of_lanes(&total);
                        maxima[i] = maximum;
                    }
                    EACH(long i = 0; i < QUERIES; i++) maxima[i] += log_of(totals[i]);
                    for (long i = 0; i < rows; i++) log_sums[(row + i) * a->heads + h] = maxima[i];
                    mixture_of(p.scores, p.value_along, keys, padded, seen, p.output);
                    for (long i = 0; i < rows; i++) {
                        const float share = 1.0f / totals[i], *from = p.output + i * padded;
                        float *to = output + ((row + i) * a->heads + h) * width;
                        long c = 0;
                        for (; c + LANES <= width; c += LANES) *(Lanes *)(to + c) = *(const Lanes *)(from + c) * share;
                        for (; c < width; c++) to[c] = from[c] * share;
                    }
                }
        }
    }
}

// Adds the gradients of a segment's keys or values to the rows they belong to.
INLINE void give_back(const ApusSegment *s, const float *from, long width, float *to, long jump, long first) {
    const long padded = to_lanes(width);
    for (long k = 0; k < s->prefix_count + s->count; k++) {
        float *row = to + key_row(s, k) * jump + first;
        long c = 0;
        for (; c + LANES <= width; c += LANES) *(Lanes *)(row + c) += *(const Lanes *)(from + k * padded + c);
        for (; c < width; c++) row[c] += from[k * padded + c];
    }
}

KERNEL void apus_attention_backward(
    const ApusAttention *a, long first_head, long last_head, const float *output, const float *log_sums, const float *g, float *dqkv,
    float *workspace
) {
    const long width = a->width, padded = to_lanes(width), jump = row_floats(a), group = a->heads / a->key_heads, wide = a->heads * width;
    const Places p = places(a, workspace);
    for (long s = 0; s < a->segment_count; s++) {
        const ApusSegment *segment = a->segments + s;
        const long before = segment->prefix_count, keys = to_lanes(before + segment->count);
        for (long head = first_head; head < last_head; head++) {
            const long key_column = (a->heads + head) * width, value_column = key_column + a->key_heads * width;
            along(segment, a->qkv, jump, key_column, width, p.along);
            across(p.along, keys, padded, p.across);
            along(segment, a->qkv, jump, value_column, width, p.value_along);
            across(p.value_along, keys, padded, p.value_across);
            memset(p.dkeys, 0, (size_t)(keys * padded) * sizeof(float));
            memset(p.dvalues, 0, (size_t)(keys * padded) * sizeof(float));
            for (long h = head * group; h < (head + 1) * group; h++)
                for (long first = 0; first < segment->count; first += QUERIES) {
                    const long left = segment->count - first, rows = left < QUERIES ? left : QUERIES;
                    const long row = segment->start + first, seen = before + first + rows, count = to_lanes(seen);
                    block_of(a->qkv + row * jump + h * width, jump, rows, width, p.query);
                    block_of(g + row * wide + h * width, wide, rows, width, p.output);
                    scores_of(p.query, padded, width, p.across, keys, count, p.scores);
                    scores_of(p.output, padded, width, p.value_across, keys, count, p.gradients);
                    for (long i = 0; i < QUERIES; i++) {
                        float *score = p.scores + i * keys, *gradient = p.gradients + i * keys;
                        const long known = i < rows ? before + first + i + 1 : 0;
                        float delta = 0.0f, log_sum = 0.0f;
                        if (i < rows) {
                            const float *y = output + (row + i) * wide + h * width;
                            Lanes dot = {0};
                            long c = 0;
                            for (; c + LANES <= width; c += LANES) dot += *(const Lanes *)(y + c) * *(const Lanes *)(p.output + i * padded + c);
                            delta = sum_of_lanes(&dot);
                            for (; c < width; c++) delta += y[c] * p.output[i * padded + c];
                            log_sum = log_sums[(row + i) * a->heads + h];
                        }
                        hide(score, known, count);
                        for (long k = 0; k < count; k += LANES)
                            EACH(long l = k; l < k + LANES; l++) {
                                float probability = exp_of(score[l] * a->scale - log_sum);
                                score[l] = probability;
                                gradient[l] = probability * (gradient[l] - delta) * a->scale;
                            }
                    }
                    spread_of(p.scores, p.output, keys, padded, count, p.dvalues);
                    spread_of(p.gradients, p.query, keys, padded, count, p.dkeys);
                    // The block of the gradient has done its work: its place takes that of the queries.
                    mixture_of(p.gradients, p.along, keys, padded, seen, p.output);
                    for (long i = 0; i < rows; i++) copy(p.output + i * padded, dqkv + (row + i) * jump + h * width, width);
                }
            give_back(segment, p.dkeys, width, dqkv, jump, key_column);
            give_back(segment, p.dvalues, width, dqkv, jump, value_column);
        }
    }
}
