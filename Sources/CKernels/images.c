#include "CKernels.h"
#include "kernel_math.h"

KERNEL void apus_bytes_to_floats(const void *x, float scale, float *y, long n) {
    const uint8_t *bytes = x;
    EACH(long i = 0; i < n; i++) y[i] = (float)(int32_t)bytes[i] * scale;
}

KERNEL void apus_max_pool(const ApusPooling *p, const float *x, long images, float *y) {
    const long channels = p->channels;
    for (long image = 0; image < images; image++) {
        const float *from = x + image * p->height * p->width * channels;
        for (long oy = 0; oy < p->out_height; oy++) {
            for (long ox = 0; ox < p->out_width; ox++, y += channels) {
                EACH(long c = 0; c < channels; c++) y[c] = -__builtin_inff();
                for (long ky = 0; ky < p->kernel; ky++) {
                    const long row = oy * p->stride + ky - p->padding;
                    if (row < 0 || row >= p->height) continue;
                    for (long kx = 0; kx < p->kernel; kx++) {
                        const long column = ox * p->stride + kx - p->padding;
                        if (column < 0 || column >= p->width) continue;
                        const float *values = from + (row * p->width + column) * channels;
                        EACH(long c = 0; c < channels; c++) y[c] = ((values[c] > y[c]) | (values[c] != values[c])) ? values[c] : y[c];
                    }
                }
            }
        }
    }
}

// The window is searched again for its maximum: cheaper than to write and read where it was.
KERNEL void apus_max_pool_backward(const ApusPooling *p, const float *x, const float *y, float *g, long images, float *dx) {
    const long channels = p->channels;
    for (long image = 0; image < images; image++) {
        const long start = image * p->height * p->width * channels;
        for (long oy = 0; oy < p->out_height; oy++) {
            for (long ox = 0; ox < p->out_width; ox++, y += channels, g += channels) {
                for (long ky = 0; ky < p->kernel; ky++) {
                    const long row = oy * p->stride + ky - p->padding;
                    if (row < 0 || row >= p->height) continue;
                    for (long kx = 0; kx < p->kernel; kx++) {
                        const long column = ox * p->stride + kx - p->padding;
                        if (column < 0 || column >= p->width) continue;
                        const float *values = x + start + (row * p->width + column) * channels;
                        float *to = dx + start + (row * p->width + column) * channels;
                        // What has been handed out is 0 for the rest of the window.
                        EACH(long c = 0; c < channels; c++) {
                            float part = values[c] == y[c] ? g[c] : 0.0f;
                            to[c] += part;
                            g[c] -= part;
                        }
                    }
                }
            }
        }
    }
}
