// Categorical distributions, one per row.
//
// Policies have few actions, so up to 16 columns are computed 16 rows at a time (lanes are rows); wider rows are computed along the row.
#include "CKernels.h"
#include "kernel_math.h"

// Rows start … start + 15 of x, transposed; lanes past the end repeat the last row and are never stored.
INLINE void load_block(const float *x, long start, long rows, long cols, float t[LANES][LANES]) {
    if (start + LANES <= rows) {
        for (long c = 0; c < cols; c++)
            EACH(long l = 0; l < LANES; l++) t[c][l] = x[(start + l) * cols + c];
    } else {
        for (long c = 0; c < cols; c++)
            for (long l = 0; l < LANES; l++) t[c][l] = x[(start + l < rows ? start + l : rows - 1) * cols + c];
    }
}
INLINE void store_block(float *y, long start, long rows, long cols, float t[LANES][LANES]) {
    if (start + LANES <= rows) {
        for (long c = 0; c < cols; c++)
            EACH(long l = 0; l < LANES; l++) y[(start + l) * cols + c] = t[c][l];
    } else {
        for (long c = 0; c < cols; c++)
            for (long l = 0; l < rows - start; l++) y[(start + l) * cols + c] = t[c][l];
    }
}
INLINE void block_maximum(float t[LANES][LANES], long cols, float *m) {
    for (long l = 0; l < LANES; l++) m[l] = t[0][l];
    for (long c = 1; c < cols; c++)
        EACH(long l = 0; l < LANES; l++) m[l] = t[c][l] > m[l] ? t[c][l] : m[l];
}

INLINE float row_maximum(const float *x, long n) {
    float m = x[0];
    long i = 0;
    if (n >= LANES) {
        Lanes lanes = *(const Lanes *)x;
        for (i = LANES; i + LANES <= n; i += LANES) lanes = __builtin_elementwise_max(lanes, *(const Lanes *)(x + i));
        for (int l = 0; l < LANES; l++) m = lanes[l] > m ? lanes[l] : m;
    }
    for (; i < n; i++) m = x[i] > m ? x[i] : m;
    return m;
}
#define CHUNK 64
// e[i] = exp(x[i] − m) for a chunk of at most CHUNK values; returns their sum.
INLINE float chunk_exp(const float *x, long n, float m, float *e) {
    if (n == CHUNK) {
        EACH(long i = 0; i < CHUNK; i++) e[i] = exp_of(x[i] - m);
    } else {
        EACH(long i = 0; i < n; i++) e[i] = exp_of(x[i] - m);
        for (long i = n; i < CHUNK; i++) e[i] = 0.0f;
    }
    Lanes sum = *(Lanes *)e + *(Lanes *)(e + 16) + (*(Lanes *)(e + 32) + *(Lanes *)(e + 48));
    return sum_of_lanes(&sum);
}
INLINE float row_exp_sum(const float *x, long n, float m) {
    float e[CHUNK], total = 0.0f;
    for (long i = 0; i < n; i += CHUNK) total += chunk_exp(x + i, n - i < CHUNK ? n - i : CHUNK, m, e);
    return total;
}

INLINE void log_softmax_narrow(const float *x, float *y, long rows, long cols) {
    for (long start = 0; start < rows; start += LANES) {
        float t[LANES][LANES], m[LANES], total[LANES];
        load_block(x, start, rows, cols, t);
        block_maximum(t, cols, m);
        for (long l = 0; l < LANES; l++) total[l] = 0.0f;
        for (long c = 0; c < cols; c++)
            EACH(long l = 0; l < LANES; l++) total[l] += exp_of(t[c][l] - m[l]);
        EACH(long l = 0; l < LANES; l++) m[l] += log_of(total[l]);
        for (long c = 0; c < cols; c++)
            EACH(long l = 0; l < LANES; l++) t[c][l] -= m[l];
        store_block(y, start, rows, cols, t);
    }
}
KERNEL void apus_log_softmax(const float *x, float *y, long rows, long cols) {
    switch (cols) {
    case 2: return log_softmax_narrow(x, y, rows, 2);
    case 3: return log_softmax_narrow(x, y, rows, 3);
    case 4: return log_softmax_narrow(x, y, rows, 4);
    case 6: return log_softmax_narrow(x, y, rows, 6);
    default:
        if (cols <= LANES) return log_softmax_narrow(x, y, rows, cols);
        for (long r = 0; r < rows; r++) {
            const float *row = x + r * cols;
            float *out = y + r * cols;
            float m = row_maximum(row, cols);
            float shift = m + log_of(row_exp_sum(row, cols, m));
            EACH(long c = 0; c < cols; c++) out[c] = row[c] - shift;
        }
    }
}

INLINE float row_sum(const float *x, long n) {
    Lanes partial = {0};
    long i = 0;
    for (; i + LANES <= n; i += LANES) partial += *(const Lanes *)(x + i);
    float total = sum_of_lanes(&partial);
    for (; i < n; i++) total += x[i];
    return total;
}
KERNEL void apus_row_sums(const float *x, float *y, long rows, long cols) {
    for (long r = 0; r < rows; r++) y[r] = row_sum(x + r * cols, cols);
}

KERNEL void apus_log_softmax_backward(const float *y, const float *g, float *dx, long rows, long cols) {
    if (cols <= LANES) {
        for (long start = 0; start < rows; start += LANES) {
            float t[LANES][LANES], d[LANES][LANES], total[LANES] = {0};
            load_block(y, start, rows, cols, t);
            load_block(g, start, rows, cols, d);
            for (long c = 0; c < cols; c++)
                EACH(long l = 0; l < LANES; l++) total[l] += d[c][l];
            for (long c = 0; c < cols; c++)
                EACH(long l = 0; l < LANES; l++) d[c][l] -= exp_of(t[c][l]) * total[l];
            store_block(dx, start, rows, cols, d);
        }
        return;
    }
    for (long r = 0; r < rows; r++) {
        const float *yr = y + r * cols, *gr = g + r * cols;
        float *out = dx + r * cols;
        float total = row_sum(gr, cols);
        EACH(long c = 0; c < cols; c++) out[c] = gr[c] - exp_of(yr[c]) * total;
    }
}

INLINE float entropy_term(float y) {
    float p = exp_of(y);
    return p > 0.0f ? -p * y : (p == 0.0f ? 0.0f : p);
}
KERNEL void apus_entropy(const float *y, float *h, long rows, long cols) {
    if (cols <= LANES) {
        for (long start = 0; start < rows; start += LANES) {
            float t[LANES][LANES], total[LANES] = {0};
            load_block(y, start, rows, cols, t);
            for (long c = 0; c < cols; c++)
                EACH(long l = 0; l < LANES; l++) total[l] += entropy_term(t[c][l]);
            for (long l = 0; l < LANES && start + l < rows; l++) h[start + l] = total[l];
        }
        return;
    }
    for (long r = 0; r < rows; r++) {
        float total = 0.0f;
        for (long i = 0; i < cols; i += CHUNK) {
            float e[CHUNK];
            long n = cols - i < CHUNK ? cols - i : CHUNK;
            EACH(long c = 0; c < n; c++) e[c] = entropy_term(y[r * cols + i + c]);
            total += row_sum(e, n);
        }
        h[r] = total;
    }
}
KERNEL void apus_entropy_backward(const float *y, const float *g, float *dy, long rows, long cols) {
    if (cols <= LANES) {
        for (long start = 0; start < rows; start += LANES) {
            float t[LANES][LANES], gs[LANES];
            load_block(y, start, rows, cols, t);
            for (long l = 0; l < LANES; l++) gs[l] = start + l < rows ? g[start + l] : 0.0f;
            for (long c = 0; c < cols; c++)
                EACH(long l = 0; l < LANES; l++) {
                    float p = exp_of(t[c][l]);
                    float d = -gs[l] * p * (t[c][l] + 1.0f);
                    t[c][l] = p == 0.0f ? 0.0f : d;
                }
            store_block(dy, start, rows, cols, t);
        }
        return;
    }
    for (long r = 0; r < rows; r++)
        EACH(long c = 0; c < cols; c++) {
            float p = exp_of(y[r * cols + c]);
            float d = -g[r] * p * (y[r * cols + c] + 1.0f);
            dy[r * cols + c] = p == 0.0f ? 0.0f : d;
        }
}

// The threshold u · total is below the total for every u ≤ 1 − 2⁻²⁴, and an action of probability 0 leaves the running sum as it was:
// counting the running sums at or below the threshold therefore never lands on such an action, nor past the last one.
INLINE void sample_narrow(const float *logits, const float *uniform, int32_t *action, float *log_prob, long rows, long cols) {
    for (long start = 0; start < rows; start += LANES) {
        float t[LANES][LANES], e[LANES][LANES], m[LANES], total[LANES] = {0}, threshold[LANES], sum[LANES] = {0}, chosen[LANES];
        int32_t count[LANES] = {0};
        load_block(logits, start, rows, cols, t);
        block_maximum(t, cols, m);
        for (long c = 0; c < cols; c++)
            EACH(long l = 0; l < LANES; l++) {
                e[c][l] = exp_of(t[c][l] - m[l]);
                total[l] += e[c][l];
            }
        for (long l = 0; l < LANES; l++) threshold[l] = uniform[start + l < rows ? start + l : rows - 1] * total[l];
        for (long l = 0; l < LANES; l++) chosen[l] = t[0][l];
        for (long c = 0; c + 1 < cols; c++)
            EACH(long l = 0; l < LANES; l++) {
                sum[l] += e[c][l];
                int32_t past = sum[l] <= threshold[l];
                count[l] += past;
                chosen[l] = past ? t[c + 1][l] : chosen[l];
            }
        EACH(long l = 0; l < LANES; l++) chosen[l] -= m[l] + log_of(total[l]);
        long lanes = rows - start < LANES ? rows - start : LANES;
        for (long l = 0; l < lanes; l++) {
            action[start + l] = count[l];
            log_prob[start + l] = chosen[l];
        }
    }
}
// The chunk is found by the chunks' sums, the action by a running sum inside it; rounding between the two ends at the chunk's last possible
// action.
INLINE void sample_wide(const float *x, float uniform, int32_t *action, float *log_prob, long cols) {
    float e[CHUNK];
    float m = row_maximum(x, cols), total = row_exp_sum(x, cols, m);
    float threshold = uniform * total, before = 0.0f;
    long chosen = 0;
    for (long i = 0; i < cols; i += CHUNK) {
        long n = cols - i < CHUNK ? cols - i : CHUNK;
        float chunk = chunk_exp(x + i, n, m, e);
        if (before + chunk <= threshold) {
            before += chunk;
            continue;
        }
        float sum = before;
        for (long c = 0; c < n; c++) {
            if (e[c] > 0.0f) chosen = i + c;
            sum += e[c];
            if (sum > threshold) break;
        }
        break;
    }
    *action = (int32_t)chosen;
    *log_prob = x[chosen] - m - log_of(total);
}
KERNEL void apus_sample(const float *logits, const float *uniform, int32_t *action, float *log_prob, long rows, long cols) {
    switch (cols) {
    case 2: return sample_narrow(logits, uniform, action, log_prob, rows, 2);
    case 3: return sample_narrow(logits, uniform, action, log_prob, rows, 3);
    case 4: return sample_narrow(logits, uniform, action, log_prob, rows, 4);
    case 6: return sample_narrow(logits, uniform, action, log_prob, rows, 6);
    default:
        if (cols <= LANES) return sample_narrow(logits, uniform, action, log_prob, rows, cols);
        for (long r = 0; r < rows; r++) sample_wide(logits + r * cols, uniform[r], action + r, log_prob + r, cols);
    }
}
