#include "CKernels.h"
#include "kernel_math.h"

KERNEL void apus_adam(
    float *w, const float *g, float *m, float *v, float gradient_scale, float beta1, float beta2, float epsilon, float step_size,
    float root_correction, long n
) {
    const float weight1 = 1.0f - beta1, weight2 = 1.0f - beta2, inverse_correction = 1.0f / root_correction;
    EACH(long i = 0; i < n; i++) {
        float d = g[i] * gradient_scale;
        float first = m[i] + weight1 * (d - m[i]);
        float second = beta2 * v[i] + weight2 * (d * d);
        m[i] = first;
        v[i] = second;
        // sqrtf would set errno and stay scalar.
        w[i] -= step_size * first / (__builtin_elementwise_sqrt(second) * inverse_correction + epsilon);
    }
}

KERNEL void apus_rmsprop(
    float *w, const float *g, float *s, float gradient_scale, float alpha, float epsilon, float learning_rate, long n
) {
    const float weight = 1.0f - alpha;
    EACH(long i = 0; i < n; i++) {
        float d = g[i] * gradient_scale;
        float mean = alpha * s[i] + weight * (d * d);
        s[i] = mean;
        w[i] -= learning_rate * d / (__builtin_elementwise_sqrt(mean) + epsilon);
    }
}
