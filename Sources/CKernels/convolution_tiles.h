// The inner loops of a convolution for one vector width; convolution.c includes this file once per processor level.
//
// The includer defines WIDTH (floats in a vector), ROWS (rows of a register tile two vectors wide; a tile one vector wide has twice as
// many), TARGET (the function attribute of the level) and NAMED(x) (x with the level's suffix). A panel is the part of a matrix that one
// tile takes: one or two vectors wide, its rows one after the other.
typedef float NAMED(Vector) __attribute__((vector_size(4 * WIDTH), aligned(4)));
typedef int NAMED(Mask) __attribute__((vector_size(4 * WIDTH), aligned(4)));
#define VECTOR NAMED(Vector)
#define UNROLLED _Pragma("clang loop unroll(full)") for

// sums[i] += Σ a[i][k] · b[k] over the segments of a row: `segments` runs of `length` values, `jump` values apart.
TARGET INLINE void NAMED(multiply)(
    const float *const *a, long segments, long jump, long length, const float *b, const int rows, const int vectors, VECTOR sums[][2]
) {
    for (long s = 0; s < segments; s++) {
        for (long k = s * jump; k < s * jump + length; k++) {
            VECTOR b0 = *(const VECTOR *)b, b1 = vectors > 1 ? *(const VECTOR *)(b + WIDTH) : b0;
            b += vectors * WIDTH;
            UNROLLED(int i = 0; i < rows; i++) {
                float value = a[i][k];
                sums[i][0] += value * b0;
                if (vectors > 1) sums[i][1] += value * b1;
            }
        }
    }
}

TARGET INLINE void NAMED(store_part)(float *y, const float *values, long count) {
    for (long l = 0; l < count; l++) y[l] = values[l];
}

// One panel of output channels, first … first + count − 1, for all pixels of a block.
TARGET INLINE void NAMED(forward_panel)(
    const Block *block, const float *panel, const float *bias, float *y, long filters, long count, int rectified, const int rows,
    const int vectors
) {
    VECTOR start[2];
    for (int v = 0; v < vectors; v++) start[v] = *(const VECTOR *)(bias + v * WIDTH);
    for (long pixel = 0; pixel < block->pixels; pixel += rows) {
        const float *a[2 * ROWS];
        UNROLLED(int i = 0; i < rows; i++) {
            long p = pixel + i < block->pixels ? pixel + i : block->pixels - 1;
            a[i] = block->x + block->offsets[p];
        }
        VECTOR sums[2 * ROWS][2];
        UNROLLED(int i = 0; i < rows; i++) {
            sums[i][0] = start[0];
            if (vectors > 1) sums[i][1] = start[1];
        }
        NAMED(multiply)(a, block->segments, block->jump, block->length, panel, rows, vectors, sums);
        if (rectified) {
            // Not a maximum, which would turn NaN into 0.
            UNROLLED(int i = 0; i < rows; i++) {
                sums[i][0] = (VECTOR)((NAMED(Mask))sums[i][0] & ~(sums[i][0] < 0.0f));
                if (vectors > 1) sums[i][1] = (VECTOR)((NAMED(Mask))sums[i][1] & ~(sums[i][1] < 0.0f));
            }
        }
        float *row = y + pixel * filters;
        if (pixel + rows <= block->pixels && count == vectors * WIDTH) {
            UNROLLED(int i = 0; i < rows; i++) {
                *(VECTOR *)(row + i * filters) = sums[i][0];
                if (vectors > 1) *(VECTOR *)(row + i * filters + WIDTH) = sums[i][1];
            }
        } else {
            float kept[2 * ROWS][2 * WIDTH];
            UNROLLED(int i = 0; i < rows; i++) {
                *(VECTOR *)kept[i] = sums[i][0];
                if (vectors > 1) *(VECTOR *)(kept[i] + WIDTH) = sums[i][1];
            }
            for (long i = 0; i < rows && pixel + i < block->pixels; i++) NAMED(store_part)(row + i * filters, kept[i], count);
        }
    }
}

// dw[i] += Σ x[offset of p + i] · g[p] over the pixels of a block, for `rows` neighbouring values of a patch; dw has rows of `width`.
TARGET INLINE void NAMED(weight_tile)(
    const Block *block, const float *x, const float *g, long filters, float *dw, long width, const int rows, const int vectors
) {
    VECTOR sums[2 * ROWS][2];
    UNROLLED(int i = 0; i < rows; i++) {
        sums[i][0] = *(VECTOR *)(dw + i * width);
        if (vectors > 1) sums[i][1] = *(VECTOR *)(dw + i * width + WIDTH);
    }
    for (long p = 0; p < block->pixels; p++) {
        const float *patch = x + block->offsets[p];
        VECTOR g0 = *(const VECTOR *)(g + p * filters), g1 = vectors > 1 ? *(const VECTOR *)(g + p * filters + WIDTH) : g0;
        UNROLLED(int i = 0; i < rows; i++) {
            sums[i][0] += patch[i] * g0;
            if (vectors > 1) sums[i][1] += patch[i] * g1;
        }
    }
    UNROLLED(int i = 0; i < rows; i++) {
        *(VECTOR *)(dw + i * width) = sums[i][0];
        if (vectors > 1) *(VECTOR *)(dw + i * width + WIDTH) = sums[i][1];
    }
}

TARGET INLINE void NAMED(weight_panel)(const Block *block, const float *g, long filters, float *dw, long width, const int vectors) {
    for (long s = 0; s < block->segments; s++) {
        const float *x = block->x + s * block->jump;
        float *row = dw + s * block->length * width;
        long k = 0;
        for (; k + ROWS <= block->length; k += ROWS) NAMED(weight_tile)(block, x + k, g, filters, row + k * width, width, ROWS, vectors);
        for (; k + 4 <= block->length; k += 4) NAMED(weight_tile)(block, x + k, g, filters, row + k * width, width, 4, vectors);
        for (; k < block->length; k++) NAMED(weight_tile)(block, x + k, g, filters, row + k * width, width, 1, vectors);
    }
}

// dx[offset of p + k] += Σ g[p][o] · panel[o][k], `count` values k of one segment, for all pixels of a block.
TARGET INLINE void NAMED(input_panel)(
    const Block *block, const float *panel, const float *g, long filters, float *dx, long count, const int rows, const int vectors
) {
    for (long pixel = 0; pixel < block->pixels; pixel += rows) {
        const float *a[2 * ROWS];
        UNROLLED(int i = 0; i < rows; i++) a[i] = g + (pixel + i < block->pixels ? pixel + i : block->pixels - 1) * filters;
        VECTOR sums[2 * ROWS][2];
        UNROLLED(int i = 0; i < rows; i++) {
            sums[i][0] = (VECTOR){0};
            if (vectors > 1) sums[i][1] = (VECTOR){0};
        }
        NAMED(multiply)(a, 1, 0, filters, panel, rows, vectors, sums);
        // Neighbouring patches overlap, so one row after the other.
        if (pixel + rows <= block->pixels && count == vectors * WIDTH) {
            UNROLLED(int i = 0; i < rows; i++) {
                float *to = dx + block->offsets[pixel + i];
                *(VECTOR *)to += sums[i][0];
                if (vectors > 1) *(VECTOR *)(to + WIDTH) += sums[i][1];
            }
        } else {
            float kept[2 * ROWS][2 * WIDTH];
            UNROLLED(int i = 0; i < rows; i++) {
                *(VECTOR *)kept[i] = sums[i][0];
                if (vectors > 1) *(VECTOR *)(kept[i] + WIDTH) = sums[i][1];
            }
            for (long i = 0; i < rows && pixel + i < block->pixels; i++)
                for (long l = 0; l < count; l++) dx[block->offsets[pixel + i] + l] += kept[i][l];
        }
    }
}

TARGET static void NAMED(forward)(
    const Block *block, const float *packed, const float *bias, float *y, long filters, int rectified
) {
    const long depth = block->segments * block->length;
    for (long first = 0; first < filters; first += 2 * WIDTH) {
        const long count = filters - first < 2 * WIDTH ? filters - first : 2 * WIDTH;
        const float *panel = packed + first * depth;
        if (count > WIDTH)
            NAMED(forward_panel)(block, panel, bias + first, y + first, filters, count, rectified, ROWS, 2);
        else
            NAMED(forward_panel)(block, panel, bias + first, y + first, filters, count, rectified, 2 * ROWS, 1);
    }
}

TARGET static void NAMED(weight_gradient)(const Block *block, const float *g, long filters, float *dw, long width) {
    for (long first = 0; first < filters; first += 2 * WIDTH) {
        if (filters - first > WIDTH)
            NAMED(weight_panel)(block, g + first, filters, dw + first, width, 2);
        else
            NAMED(weight_panel)(block, g + first, filters, dw + first, width, 1);
    }
}

TARGET static void NAMED(input_gradient)(const Block *block, const float *packed, const float *g, long filters, float *dx) {
    for (long s = 0; s < block->segments; s++) {
        for (long first = 0; first < block->length; first += 2 * WIDTH) {
            const long count = block->length - first < 2 * WIDTH ? block->length - first : 2 * WIDTH;
            float *to = dx + s * block->jump + first;
            if (count > WIDTH) {
                NAMED(input_panel)(block, packed, g, filters, to, count, ROWS, 2);
                packed += 2 * WIDTH * filters;
            } else {
                NAMED(input_panel)(block, packed, g, filters, to, count, 2 * ROWS, 1);
                packed += WIDTH * filters;
            }
        }
    }
}

#undef VECTOR
#undef UNROLLED
#undef WIDTH
#undef ROWS
#undef TARGET
#undef NAMED
