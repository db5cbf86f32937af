// Convolutions of channels-last images without an unfolded copy: a patch is `kernel_height` runs of contiguous values, so register tiles
// of output pixels × channels read it where it stands.
//
// A thread takes a range of images in blocks that stay in its second-level cache. Images that are bytes, channels-first or padded are
// first copied into a block of padded float images.
#include "CKernels.h"
#include "kernel_math.h"
#include <string.h>

// What the tiles see of some images: where the patch of each output pixel starts, and how its runs follow one another.
typedef struct {
    const float *x;
    const int32_t *offsets;
    long pixels, segments, jump, length;
} Block;

#if defined(__x86_64__) && defined(__linux__)
#define WIDTH 16
#define ROWS 12
#define TARGET __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#define NAMED(name) name##_v4
#include "convolution_tiles.h"
#define WIDTH 8
#define ROWS 6
#define TARGET __attribute__((target("arch=x86-64-v3")))
#define NAMED(name) name##_v3
#include "convolution_tiles.h"
#endif
#define WIDTH 4
#define ROWS 6
#define TARGET
#define NAMED(name) name##_base
#include "convolution_tiles.h"

typedef struct {
    long width;
    void (*forward)(const Block *, const float *, const float *, float *, long, int);
    void (*weight_gradient)(const Block *, const float *, long, float *, long);
    void (*input_gradient)(const Block *, const float *, const float *, long, float *);
} Level;

static Level level(void) {
#if defined(__x86_64__) && defined(__linux__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("x86-64-v4")) return (Level){16, forward_v4, weight_gradient_v4, input_gradient_v4};
    if (__builtin_cpu_supports("x86-64-v3")) return (Level){8, forward_v3, weight_gradient_v3, input_gradient_v3};
#endif
    return (Level){4, forward_base, weight_gradient_base, input_gradient_base};
}

static long rounded_up(long count, long unit) { return (count + unit - 1) / unit * unit; }
static long least(long a, long b) { return a < b ? a : b; }

// Sizes that follow from a convolution and its input.
typedef struct {
    Level level;
    ApusConvolution c;
    long padded_height, padded_width, image, out_pixels, out_image, depth, run, filters, images_per_block;
    int copies;
} Plan;

static Plan plan(const ApusConvolution *c, const ApusImages *x) {
    Plan p = {.level = level(), .c = *c};
    p.padded_height = c->height + 2 * c->padding;
    p.padded_width = c->width + 2 * c->padding;
    p.image = p.padded_height * p.padded_width * c->channels;
    p.out_pixels = c->out_height * c->out_width;
    p.out_image = p.out_pixels * c->filters;
    p.run = c->kernel_width * c->channels;
    p.depth = c->kernel_height * p.run;
    p.filters = rounded_up(c->filters, p.level.width);
    p.copies = x->bytes || x->channels_first || c->padding > 0;
    // Input, output and their gradients of a block in half a megabyte, at least one image.
    const long values = 2 * (p.image + p.out_image);
    p.images_per_block = values < (1 << 17) ? (1 << 17) / values : 1;
    return p;
}

// The parts of the workspace, in floats. What one thread has comes after what all share.
typedef struct {
    long packed, bias, own, offsets, images, gradient, weight_gradient, bias_gradient, input;
} Room;

static Room room(const Plan *p, int backward) {
    Room r = {0};
    const long packed_input = p->c.filters * p->c.kernel_height * rounded_up(p->run, p->level.width);
    const long packed_forward = p->depth * p->filters;
    r.packed = rounded_up(backward && packed_input > packed_forward ? packed_input : packed_forward, 16);
    r.bias = rounded_up(p->filters, 16);
    r.offsets = rounded_up(p->images_per_block * p->out_pixels, 16);
    r.images = p->copies ? rounded_up(p->images_per_block * p->image, 16) + 16 : 0;
    if (backward) {
        r.gradient = p->filters != p->c.filters ? rounded_up(p->images_per_block * p->out_pixels * p->filters, 16) : 0;
        r.weight_gradient = rounded_up(p->depth * p->filters, 16);
        r.bias_gradient = rounded_up(p->c.filters, 16);
        r.input = p->copies ? rounded_up(p->images_per_block * p->image, 16) : 0;
    }
    r.own = r.offsets + r.images + r.gradient + r.weight_gradient + r.bias_gradient + r.input;
    return r;
}

long apus_convolution_workspace(const ApusConvolution *c, const ApusImages *x, int backward, int threads) {
    const Plan p = plan(c, x);
    const Room r = room(&p, backward);
    return r.packed + r.bias + threads * r.own;
}

// weight [filter][channel][row][column] → panels of filters, each [row, column, channel][filter]; filters that fill a panel up are 0.
static void pack_forward(const Plan *p, const float *weight, float *to) {
    const ApusConvolution *c = &p->c;
    const long area = c->kernel_height * c->kernel_width;
    for (long first = 0; first < p->filters; first += 2 * p->level.width) {
        const long columns = least(p->filters - first, 2 * p->level.width), valid = least(c->filters - first, columns);
        for (long s = 0; s < area; s++) {
            for (long channel = 0; channel < c->channels; channel++) {
                const float *from = weight + first * p->depth + channel * area + s;
                for (long f = 0; f < valid; f++) to[f] = from[f * p->depth];
                for (long f = valid; f < columns; f++) to[f] = 0.0f;
                to += columns;
            }
        }
    }
}

// weight [filter][channel][row][column] → per row of the kernel, panels of the values of its run, each [filter][value].
static void pack_backward(const Plan *p, const float *weight, float *to) {
    const ApusConvolution *c = &p->c;
    const long area = c->kernel_height * c->kernel_width, panel = 2 * p->level.width;
    for (long row = 0; row < c->kernel_height; row++) {
        for (long first = 0; first < p->run; first += panel) {
            const long valid = least(p->run - first, panel), columns = rounded_up(valid, p->level.width);
            for (long f = 0; f < c->filters; f++) {
                const float *from = weight + f * p->depth + row * c->kernel_width;
                long column = first / c->channels, channel = first % c->channels;
                for (long k = 0; k < valid; k++) {
                    to[k] = from[channel * area + column];
                    if (++channel == c->channels) {
                        channel = 0;
                        column++;
                    }
                }
                for (long k = valid; k < columns; k++) to[k] = 0.0f;
                to += columns;
            }
        }
    }
}

// dweight [filter][channel][row][column] += dw [row, column, channel][filter, filled up]
static void add_unpacked(const Plan *p, const float *dw, float *dweight) {
    const ApusConvolution *c = &p->c;
    const long area = c->kernel_height * c->kernel_width;
    for (long f = 0; f < c->filters; f++)
        for (long channel = 0; channel < c->channels; channel++)
            for (long s = 0; s < area; s++)
                dweight[f * p->depth + channel * area + s] += dw[(s * c->channels + channel) * p->filters + f];
}

INLINE void copy_row(const void *from, long at, int bytes, float scale, float *to, long count) {
    if (bytes) {
        const uint8_t *values = (const uint8_t *)from + at;
        EACH(long i = 0; i < count; i++) to[i] = (float)(int32_t)values[i] * scale;
    } else {
        const float *values = (const float *)from + at;
        EACH(long i = 0; i < count; i++) to[i] = values[i] * scale;
    }
}
// The values of one row of `channels` planes, interleaved.
INLINE void interleave_row(
    const void *from, long at, long plane, int bytes, float scale, float *to, long width, const long channels, const long step
) {
    if (bytes) {
        const uint8_t *values = (const uint8_t *)from + at;
        EACH(long x = 0; x < width; x++)
            for (long c = 0; c < channels; c++) to[x * step + c] = (float)(int32_t)values[c * plane + x] * scale;
    } else {
        const float *values = (const float *)from + at;
        EACH(long x = 0; x < width; x++)
            for (long c = 0; c < channels; c++) to[x * step + c] = values[c * plane + x] * scale;
    }
}

// One image as padded channels-last floats; the border of `to` is 0 already.
KERNEL static void copy_image(const ApusConvolution *c, const ApusImages *x, long image, float *to, long padded_width) {
    const long plane = c->height * c->width, start = image * plane * c->channels;
    for (long row = 0; row < c->height; row++) {
        float *out = to + ((row + c->padding) * padded_width + c->padding) * c->channels;
        if (!x->channels_first)
            copy_row(x->data, start + row * c->width * c->channels, x->bytes, x->scale, out, c->width * c->channels);
        else if (c->channels == 4)
            interleave_row(x->data, start + row * c->width, plane, x->bytes, x->scale, out, c->width, 4, 4);
        else
            for (long channel = 0; channel < c->channels; channel++)
                interleave_row(
                    x->data, start + channel * plane + row * c->width, plane, x->bytes, x->scale, out + channel, c->width, 1, c->channels);
    }
}

// The gradient of one padded channels-last image, brought to the layout of the input.
static void copy_gradient(const ApusConvolution *c, int channels_first, const float *from, long padded_width, float *to) {
    for (long row = 0; row < c->height; row++) {
        const float *in = from + ((row + c->padding) * padded_width + c->padding) * c->channels;
        if (!channels_first) {
            memcpy(to + row * c->width * c->channels, in, (size_t)(c->width * c->channels) * sizeof(float));
            continue;
        }
        for (long channel = 0; channel < c->channels; channel++)
            for (long x = 0; x < c->width; x++) to[(channel * c->height + row) * c->width + x] = in[x * c->channels + channel];
    }
}

static Block block_of(const Plan *p, int32_t *offsets) {
    const ApusConvolution *c = &p->c;
    int32_t *next = offsets;
    for (long image = 0; image < p->images_per_block; image++)
        for (long y = 0; y < c->out_height; y++)
            for (long x = 0; x < c->out_width; x++)
                *next++ = (int32_t)(image * p->image + (y * p->padded_width + x) * c->stride * c->channels);
    return (Block){.offsets = offsets, .segments = c->kernel_height, .jump = p->padded_width * c->channels, .length = p->run};
}

static const float *images_at(const Plan *p, const ApusImages *x, long first, long count, float *copies) {
    if (!p->copies) return (const float *)x->data + first * p->image;
    for (long i = 0; i < count; i++) copy_image(&p->c, x, first + i, copies + i * p->image, p->padded_width);
    return copies;
}

typedef struct {
    Plan plan;
    Room room;
    const ApusImages *x;
    long images;
    int activation;
    float *workspace;
    const float *output;
    float *y, *g, *dx;
} Work;

static float *own_room(const Work *w, int thread) { return w->workspace + w->room.packed + w->room.bias + thread * w->room.own; }

static void forward_part(void *context, int part, int parts) {
    const Work *w = context;
    const Plan *p = &w->plan;
    float *own = own_room(w, part), *copies = own + w->room.offsets;
    if (p->c.padding > 0) memset(copies, 0, (size_t)w->room.images * sizeof(float));
    Block block = block_of(p, (int32_t *)own);
    const long end = w->images * (part + 1) / parts;
    for (long image = w->images * part / parts; image < end; image += p->images_per_block) {
        const long count = least(p->images_per_block, end - image);
        block.x = images_at(p, w->x, image, count, copies);
        block.pixels = count * p->out_pixels;
        float *y = w->y + image * p->out_image;
        p->level.forward(&block, w->workspace, w->workspace + w->room.packed, y, p->c.filters, w->activation == APUS_RELU);
        if (w->activation == APUS_TANH) apus_tanh(y, y, count * p->out_image);
    }
}

void apus_convolution(
    const ApusConvolution *c, const ApusImages *x, long images, const float *weight, const float *bias, int activation, float *y,
    float *workspace, int threads
) {
    Work w = {.plan = plan(c, x), .x = x, .images = images, .activation = activation, .workspace = workspace, .y = y};
    w.room = room(&w.plan, 0);
    pack_forward(&w.plan, weight, workspace);
    float *filled = workspace + w.room.packed;
    memset(filled, 0, (size_t)w.room.bias * sizeof(float));
    memcpy(filled, bias, (size_t)c->filters * sizeof(float));
    apus_parallel(threads, forward_part, &w);
}

static void backward_part(void *context, int part, int parts) {
    const Work *w = context;
    const Plan *p = &w->plan;
    const long filters = p->c.filters;
    float *own = own_room(w, part), *copies = own + w->room.offsets, *filled = copies + w->room.images;
    float *dw = filled + w->room.gradient, *db = dw + w->room.weight_gradient, *dx_copies = db + w->room.bias_gradient;
    memset(dw, 0, (size_t)(w->room.weight_gradient + w->room.bias_gradient) * sizeof(float));
    if (p->c.padding > 0) memset(copies, 0, (size_t)w->room.images * sizeof(float));
    if (w->room.gradient) memset(filled, 0, (size_t)w->room.gradient * sizeof(float));
    Block block = block_of(p, (int32_t *)own);
    const long end = w->images * (part + 1) / parts;
    for (long image = w->images * part / parts; image < end; image += p->images_per_block) {
        const long count = least(p->images_per_block, end - image), pixels = count * p->out_pixels;
        const float *y = w->output + image * p->out_image;
        float *g = w->g + image * p->out_image;
        switch (w->activation) {
        case APUS_RELU: apus_bias_relu_backward(y, g, g, db, pixels, filters); break;
        case APUS_TANH: apus_bias_tanh_backward(y, g, g, db, pixels, filters); break;
        default: apus_bias_backward(g, db, pixels, filters);
        }
        block.x = images_at(p, w->x, image, count, copies);
        block.pixels = pixels;
        if (w->room.gradient) {
            for (long pixel = 0; pixel < pixels; pixel++)
                memcpy(filled + pixel * p->filters, g + pixel * filters, (size_t)filters * sizeof(float));
            p->level.weight_gradient(&block, filled, p->filters, dw, p->filters);
        } else {
            p->level.weight_gradient(&block, g, filters, dw, p->filters);
        }
        if (!w->dx) continue;
        float *dx = p->copies ? dx_copies : w->dx + image * p->image;
        memset(dx, 0, (size_t)(count * p->image) * sizeof(float));
        p->level.input_gradient(&block, w->workspace, g, filters, dx);
        if (!p->copies) continue;
        const long values = p->c.height * p->c.width * p->c.channels;
        for (long i = 0; i < count; i++)
            copy_gradient(&p->c, w->x->channels_first, dx + i * p->image, p->padded_width, w->dx + (image + i) * values);
    }
}

void apus_convolution_backward(
    const ApusConvolution *c, const ApusImages *x, long images, const float *weight, const float *y, int activation, float *g,
    float *dweight, float *dbias, float *dx, float *workspace, int threads
) {
    Work w = {
        .plan = plan(c, x), .x = x, .images = images, .activation = activation, .workspace = workspace, .output = y, .g = g, .dx = dx};
    w.room = room(&w.plan, 1);
    if (dx) pack_backward(&w.plan, weight, workspace);
    apus_parallel(threads, backward_part, &w);
    for (int thread = 0; thread < threads; thread++) {
        const float *dw = own_room(&w, thread) + w.room.offsets + w.room.images + w.room.gradient;
        if (dweight) add_unpacked(&w.plan, dw, dweight);
        if (dbias) apus_axpy(1.0f, dw + w.room.weight_gradient, dbias, c->filters);
    }
}
