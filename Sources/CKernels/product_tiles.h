// The inner loops of matrix products for one vector width; products.c includes this file once per processor level.
//
// The includer defines WIDTH (floats in a vector), TARGET (the function attribute of the level) and NAMED(x) (x with the level's suffix).
// A panel is a strip of the right matrix, one or two vectors wide, its rows one after the other. Tiles are 1 … 12 rows high where there are
// registers for that, 6 otherwise.
typedef float NAMED(Vector) __attribute__((vector_size(4 * WIDTH), aligned(4)));
typedef int NAMED(Mask) __attribute__((vector_size(4 * WIDTH), aligned(4)));
#define VECTOR NAMED(Vector)
#define MASK NAMED(Mask)
#define UNROLLED _Pragma("clang loop unroll(full)") for
#define ROWS (WIDTH == 16 ? 12 : 6)

// One tile: `rows` rows of c, `count` columns. The values of a lie `jump` apart from row to row and `step` apart along the depth, the rows
// of the panel `next` apart.
TARGET INLINE void NAMED(tile)(
    const float *a, long jump, const long step, const float *panel, long next, long depth, const Target *to, float *c, const float *bias,
    long count, const int rows, const int vectors
) {
    VECTOR sums[ROWS][2];
    const int whole = count == vectors * WIDTH;
    const VECTOR first = *(const VECTOR *)bias, second = vectors > 1 ? *(const VECTOR *)(bias + WIDTH) : first;
    UNROLLED(int i = 0; i < rows; i++) {
        sums[i][0] = first;
        if (vectors > 1) sums[i][1] = second;
    }
    // What is written, and read if the tile adds, arrives while the tile is computed: it may come from beyond the second-level cache.
    UNROLLED(int i = 0; i < rows; i++) {
        __builtin_prefetch(c + i * to->jump, 1);
        if (vectors > 1) __builtin_prefetch(c + i * to->jump + WIDTH, 1);
    }
    for (long k = 0; k < depth; k++) {
        VECTOR b0 = *(const VECTOR *)panel, b1 = vectors > 1 ? *(const VECTOR *)(panel + WIDTH) : b0;
        panel += next;
        UNROLLED(int i = 0; i < rows; i++) {
            float value = a[i * jump + k * step];
            sums[i][0] += value * b0;
            if (vectors > 1) sums[i][1] += value * b1;
        }
    }
    if (to->adds && whole) {
        UNROLLED(int i = 0; i < rows; i++) {
            sums[i][0] += *(const VECTOR *)(c + i * to->jump);
            if (vectors > 1) sums[i][1] += *(const VECTOR *)(c + i * to->jump + WIDTH);
        }
    } else if (to->adds) {
        float kept[ROWS][2 * WIDTH] = {{0}};
        for (long i = 0; i < rows; i++)
            for (long l = 0; l < count; l++) kept[i][l] = c[i * to->jump + l];
        UNROLLED(int i = 0; i < rows; i++) {
            sums[i][0] += *(const VECTOR *)kept[i];
            if (vectors > 1) sums[i][1] += *(const VECTOR *)(kept[i] + WIDTH);
        }
    }
    if (to->rectifies) {
        // Not a maximum, which would turn NaN into 0.
        UNROLLED(int i = 0; i < rows; i++) {
            sums[i][0] = (VECTOR)((MASK)sums[i][0] & ~(sums[i][0] < 0.0f));
            if (vectors > 1) sums[i][1] = (VECTOR)((MASK)sums[i][1] & ~(sums[i][1] < 0.0f));
        }
    }
    if (whole) {
        UNROLLED(int i = 0; i < rows; i++) {
            *(VECTOR *)(c + i * to->jump) = sums[i][0];
            if (vectors > 1) *(VECTOR *)(c + i * to->jump + WIDTH) = sums[i][1];
        }
    } else {
        float kept[ROWS][2 * WIDTH];
        UNROLLED(int i = 0; i < rows; i++) {
            *(VECTOR *)kept[i] = sums[i][0];
            if (vectors > 1) *(VECTOR *)(kept[i] + WIDTH) = sums[i][1];
        }
        for (long i = 0; i < rows; i++)
            for (long l = 0; l < count; l++) c[i * to->jump + l] = kept[i][l];
    }
}

#define TILE(n) NAMED(tile)(from, jump, step, panel, next, depth, to, c, bias, count, n, vectors)
TARGET INLINE void NAMED(rows_of)(
    const float *a, long jump, const long step, long strip, const float *panel, long next, long depth, const Target *to, float *c,
    const float *bias, long rows, long count, const int vectors
) {
    long row = 0;
    for (; row + ROWS <= rows; row += ROWS, c += ROWS * to->jump) {
        const float *from = a + row * strip;
        TILE(ROWS);
    }
    const float *from = a + row * strip;
    switch (rows - row) {
    case 1: TILE(1); break;
    case 2: TILE(2); break;
    case 3: TILE(3); break;
    case 4: TILE(4); break;
    case 5: TILE(5); break;
#if WIDTH == 16
    case 6: TILE(6); break;
    case 7: TILE(7); break;
    case 8: TILE(8); break;
    case 9: TILE(9); break;
    case 10: TILE(10); break;
    case 11: TILE(11); break;
#endif
    default: break;
    }
}
#undef TILE

// c [rows, count] = a · panel with a [rows, depth], its rows `jump` values apart.
TARGET static void NAMED(plain)(
    const float *a, long jump, const float *panel, long next, long depth, const Target *to, float *c, const float *bias, long rows,
    long count
) {
    if (count > WIDTH)
        NAMED(rows_of)(a, jump, 1, jump, panel, next, depth, to, c, bias, rows, count, 2);
    else
        NAMED(rows_of)(a, jump, 1, jump, panel, next, depth, to, c, bias, rows, count, 1);
}

// c [rows, count] = aᵀ · panel; `a` is packed in strips of ROWS columns, each [depth, ROWS].
TARGET static void NAMED(transposed)(
    const float *a, const float *panel, long next, long depth, const Target *to, float *c, const float *bias, long rows, long count
) {
    if (count > WIDTH)
        NAMED(rows_of)(a, 1, ROWS, depth, panel, next, depth, to, c, bias, rows, count, 2);
    else
        NAMED(rows_of)(a, 1, ROWS, depth, panel, next, depth, to, c, bias, rows, count, 1);
}

// Strips of the columns of b, each `width` wide, the last filled up with 0 to a whole number of vectors if it is narrower: the rows of a
// strip lie one after the other, the strips depth × width apart. All strips of a row are written in one go, which reads b in order.
TARGET INLINE void NAMED(pack_strips)(const float *b, long jump, long depth, long columns, const long width, const long unit, float *to) {
    const long whole = columns / width * width, rest = columns - whole, last = (rest + unit - 1) / unit * unit;
    for (long k = 0; k < depth; k++) {
        const float *from = b + k * jump;
        for (long first = 0; first < whole; first += width)
            __builtin_memcpy(to + first * depth + k * width, from + first, (unsigned long)width * sizeof(float));
        float *end = to + whole * depth + k * last;
        for (long l = 0; l < rest; l++) end[l] = from[whole + l];
        for (long l = rest; l < last; l++) end[l] = 0.0f;
    }
}
TARGET static void NAMED(pack_panels)(const float *b, long jump, long depth, long columns, float *to) {
    NAMED(pack_strips)(b, jump, depth, columns, 2 * WIDTH, WIDTH, to);
}
TARGET static void NAMED(pack_rows)(const float *a, long jump, long depth, long columns, float *to) {
    NAMED(pack_strips)(a, jump, depth, columns, ROWS, ROWS, to);
}

// The same panels of the transpose of b: its first `valid` rows become columns.
TARGET INLINE void NAMED(pack_panel_transposed)(const float *b, long jump, long depth, long valid, float *to) {
    const long columns = valid > WIDTH ? 2 * WIDTH : WIDTH;
    for (long first = 0; first < columns; first += WIDTH) {
        long k = 0;
#if WIDTH == 16
        // Four rounds of interleaving the two halves of 16 rows transpose them.
        if (first + WIDTH <= valid) {
            for (; k + 16 <= depth; k += 16) {
                VECTOR rows[16], mixed[16];
                UNROLLED(int i = 0; i < 16; i++) rows[i] = *(const VECTOR *)(b + (first + i) * jump + k);
                UNROLLED(int round = 0; round < 4; round++) {
                    UNROLLED(int i = 0; i < 8; i++) {
                        mixed[2 * i] =
                            __builtin_shufflevector(rows[i], rows[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
                        mixed[2 * i + 1] =
                            __builtin_shufflevector(rows[i], rows[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
                    }
                    UNROLLED(int i = 0; i < 16; i++) rows[i] = mixed[i];
                }
                UNROLLED(int i = 0; i < 16; i++) *(VECTOR *)(to + (k + i) * columns + first) = rows[i];
            }
        }
#endif
        for (; k < depth; k++)
            for (long l = first; l < first + WIDTH; l++) to[k * columns + l] = l < valid ? b[l * jump + k] : 0.0f;
    }
}

TARGET static void NAMED(pack_transposed)(const float *b, long jump, long depth, long columns, float *to) {
    for (long first = 0; first < columns; first += 2 * WIDTH)
        NAMED(pack_panel_transposed)(
            b + first * jump, jump, depth, columns - first < 2 * WIDTH ? columns - first : 2 * WIDTH, to + first * depth);
}

#undef VECTOR
#undef MASK
#undef UNROLLED
#undef ROWS
#undef WIDTH
#undef TARGET
#undef NAMED
