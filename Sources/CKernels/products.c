// Matrix products of the sizes of policy networks: hundreds of rows, tens to thousands of columns.
//
// The right matrix is packed in panels that a register tile reads in one stream; the left one is read where it stands, so that little is
// copied before the first multiplication, and bias and activation cost no pass of their own.
#include "CKernels.h"
#include "kernel_math.h"
#include <string.h>

// Where a tile's result goes.
typedef struct {
    long jump;
    int adds, rectifies;
} Target;

#if defined(__x86_64__) && defined(__linux__)
#define WIDTH 16
#define TARGET __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#define NAMED(name) name##_v4
#include "product_tiles.h"
#define WIDTH 8
#define TARGET __attribute__((target("arch=x86-64-v3")))
#define NAMED(name) name##_v3
#include "product_tiles.h"
#endif
#define WIDTH 4
#define TARGET
#define NAMED(name) name##_base
#include "product_tiles.h"

typedef struct {
    long width, rows;
    void (*plain)(const float *, long, const float *, long, long, const Target *, float *, const float *, long, long);
    void (*transposed)(const float *, const float *, long, long, const Target *, float *, const float *, long, long);
    void (*pack_rows)(const float *, long, long, long, float *);
    void (*pack_panels)(const float *, long, long, long, float *);
    void (*pack_transposed)(const float *, long, long, long, float *);
} Level;

#define LEVEL(width, rows, name) \
    (Level) { width, rows, plain_##name, transposed_##name, pack_rows_##name, pack_panels_##name, pack_transposed_##name }
static Level level(void) {
#if defined(__x86_64__) && defined(__linux__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("x86-64-v4")) return LEVEL(16, 12, v4);
    if (__builtin_cpu_supports("x86-64-v3")) return LEVEL(8, 6, v3);
#endif
    return LEVEL(4, 6, base);
}

// A panel of this depth takes 48 KiB, a block of the left matrix of this many rows 360 KiB at most: both stay in the second-level cache.
// The rows are whole tiles at every level.
#define DEPTH 384
#define BLOCK_ROWS 240
// Rows that lie a multiple of this many values apart compete for the same lines of the first-level cache: they are read from a copy.
#define ALIASED 512
#define COPY_JUMP (DEPTH + 16)
// Panels, and strips of the left matrix, that are packed together.
#define GROUP 4

static long rounded_up(long count, long unit) { return (count + unit - 1) / unit * unit; }
static long least(long a, long b) { return a < b ? a : b; }

typedef struct {
    const ApusProduct *p;
    Level level;
    // Whether threads share the rows of c or its columns.
    int by_rows;
    long columns, own;
    float *workspace;
} Work;

static int copies_rows(const ApusProduct *p) { return !p->a_transposed && p->depth % ALIASED == 0 && p->columns >= 64; }

static Work work_of(const ApusProduct *p) {
    Work w = {.p = p, .level = level()};
    const long panel = 2 * w.level.width, depth = least(p->depth, DEPTH);
    // Every thread packs what it needs of the right matrix: all of it when they share the rows.
    w.by_rows = !p->a_transposed && (p->columns <= panel || p->rows >= 512L * p->threads);
    const long panels = (p->columns + panel - 1) / panel;
    w.columns = w.by_rows ? panels * panel : (panels + p->threads - 1) / p->threads * panel;
    const long strips = p->a_transposed ? rounded_up(p->rows, w.level.rows) * depth : copies_rows(p) ? BLOCK_ROWS * COPY_JUMP : 0;
    w.own = rounded_up(panel + (p->packed ? 0 : w.columns * depth) + strips, 16);
    return w;
}

// A tile with few columns would leave most lanes of its vectors empty: then the transpose is computed.
static int is_narrow(const ApusProduct *p) {
    return !p->packed && 2 * p->columns <= level().width && p->rows > p->columns && p->a_transposed != p->b_transposed;
}
static ApusProduct exchanged(const ApusProduct *p, float *c) {
    return (ApusProduct){
        .rows = p->columns, .columns = p->rows, .depth = p->depth, .a = p->b, .b = p->a, .c = c, .a_transposed = p->a_transposed,
        .b_transposed = p->b_transposed, .threads = p->threads};
}

long apus_product_workspace(const ApusProduct *p) {
    if (!is_narrow(p)) return work_of(p).own * p->threads;
    const ApusProduct q = exchanged(p, 0);
    return work_of(&q).own * q.threads + p->rows * p->columns;
}

// Columns first … first + columns − 1 of b between start and start + depth.
static void pack(const Level *level, const ApusProduct *p, long start, long depth, long first, long columns, float *to) {
    if (p->b_transposed)
        level->pack_transposed(p->b + first * p->depth + start, p->depth, depth, columns, to);
    else
        level->pack_panels(p->b + start * p->columns + first, p->columns, depth, columns, to);
}

typedef struct {
    const ApusProduct *p;
    Level level;
    float *packed;
} Packing;

static void pack_part(void *context, int part, int parts) {
    const Packing *w = context;
    const ApusProduct *p = w->p;
    const long width = rounded_up(p->columns, w->level.width), group = 2 * w->level.width * GROUP;
    const long groups = (p->columns + group - 1) / group, end = least(p->columns, groups * (part + 1) / parts * group);
    for (long start = 0; start < p->depth; start += DEPTH) {
        const long depth = least(p->depth - start, DEPTH);
        for (long first = groups * part / parts * group; first < end; first += group)
            pack(&w->level, p, start, depth, first, least(end - first, group), w->packed + start * width + first * depth);
    }
}

void apus_product_pack(const ApusProduct *p, float *packed) {
    Packing w = {p, level(), packed};
    apus_parallel(p->threads, pack_part, &w);
}

static void product_part(void *context, int part, int parts) {
    const Work *w = context;
    const ApusProduct *p = w->p;
    const Level *level = &w->level;
    const long panel = 2 * level->width;
    long row = 0, row_end = p->rows, column = 0, column_end = p->columns;
    if (w->by_rows) {
        const long units = (p->rows + level->rows - 1) / level->rows;
        row = units * part / parts * level->rows;
        row_end = least(p->rows, units * (part + 1) / parts * level->rows);
    } else {
        column = least(p->columns, w->columns * part);
        column_end = least(p->columns, w->columns * (part + 1));
    }
    if (row >= row_end || column >= column_end) return;
    float *bias = w->workspace + part * w->own, *packed = bias + panel;
    float *strips = packed + (p->packed ? 0 : w->columns * least(p->depth, DEPTH));
    // Whoever reads a row of the right matrix once reads it where it stands.
    const int direct = !p->packed && !p->b_transposed && row_end - row <= level->rows;
    for (long start = 0; start < p->depth; start += DEPTH) {
        const long depth = least(p->depth - start, DEPTH);
        const int last = start + depth == p->depth;
        const Target to = {.jump = p->columns, .adds = p->adds || start > 0, .rectifies = last && p->rectifies};
        if (p->a_transposed)
            for (long r = 0; r < p->rows; r += GROUP * level->rows)
                level->pack_rows(p->a + start * p->rows + r, p->rows, depth, least(p->rows - r, GROUP * level->rows), strips + r * depth);
        for (long block = row; block < row_end; block += BLOCK_ROWS) {
            const long rows = least(row_end - block, BLOCK_ROWS);
            const float *a = p->a + block * p->depth + start;
            long jump = p->depth;
            if (copies_rows(p)) {
                for (long r = 0; r < rows; r++) memcpy(strips + r * COPY_JUMP, a + r * jump, (size_t)depth * sizeof(float));
                a = strips;
                jump = COPY_JUMP;
            }
            for (long first = column; first < column_end; first += panel) {
                const long count = least(column_end - first, panel), width = rounded_up(count, level->width);
                const float *strip = packed + (first - column) * depth;
                const int stands = direct && count == width;
                if (p->packed) {
                    strip = p->packed + start * rounded_up(p->columns, level->width) + first * depth;
                } else if (block == row && !stands && (direct || (first - column) % (GROUP * panel) == 0)) {
                    const long columns = least(column_end - first, direct ? panel : GROUP * panel);
                    pack(level, p, start, depth, first, columns, packed + (first - column) * depth);
                }
                const long next = stands ? p->columns : width;
                if (stands) strip = p->b + start * p->columns + first;
                memset(bias, 0, (size_t)panel * sizeof(float));
                if (p->bias && start == 0) memcpy(bias, p->bias + first, (size_t)count * sizeof(float));
                float *c = p->c + block * p->columns + first;
                if (p->a_transposed)
                    level->transposed(strips + block * depth, strip, next, depth, &to, c, bias, rows, count);
                else
                    level->plain(a, jump, strip, next, depth, &to, c, bias, rows, count);
            }
        }
    }
}

int apus_product_pays(const ApusProduct *p) {
    if (p->a_transposed && p->b_transposed) return 0;
    // Of few rows, packing would cost more than the product; the smallest products are calls more than anything else.
    return level().width >= 8 && p->rows * p->columns * p->depth >= 10000 && (!p->b_transposed || p->rows >= 8);
}

static void run(const ApusProduct *p, float *workspace) {
    Work w = work_of(p);
    w.workspace = workspace;
    apus_parallel(p->threads, product_part, &w);
}

void apus_product(const ApusProduct *p, float *workspace) {
    if (!is_narrow(p)) return run(p, workspace);
    float *c = workspace;
    const ApusProduct q = exchanged(p, c);
    run(&q, workspace + p->rows * p->columns);
    for (long column = 0; column < p->columns; column++) {
        const float bias = p->bias ? p->bias[column] : 0.0f;
        for (long row = 0; row < p->rows; row++) {
            float *to = p->c + row * p->columns + column;
            float value = c[column * p->rows + row] + bias + (p->adds ? *to : 0.0f);
            *to = p->rectifies && value < 0.0f ? 0.0f : value;
        }
    }
}
