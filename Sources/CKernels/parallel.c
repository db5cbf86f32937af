// A few threads that share the parts of one kernel call. They spin for some microseconds after a part, since the next layer's parts come
// soon, and sleep when none come.
#include "CKernels.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

// About 30 µs.
#define SPINS 2000

typedef void (*Body)(void *, int, int);

// What one worker is asked to do. An order that its worker has not begun when everything else is done is taken back: its core may be busy
// with another program.
enum { IDLE, ORDERED, BEGUN };
static struct Worker {
    atomic_int order, asleep;
    int started, part, parts;
    Body body;
    void *context;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
} workers[APUS_MOST_THREADS];
static pthread_mutex_t in_use = PTHREAD_MUTEX_INITIALIZER;

static atomic_int threads = 1;
// What runs as one of several parts has no further threads to share its own work.
static _Thread_local int within_part;

void apus_set_threads(int count) { atomic_store(&threads, count < 1 ? 1 : count > APUS_MOST_THREADS ? APUS_MOST_THREADS : count); }
int apus_threads(void) { return within_part ? 1 : atomic_load(&threads); }

static inline void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static void *serve(void *argument) {
    struct Worker *self = argument;
    for (;;) {
        for (int spins = 0; spins < SPINS && atomic_load_explicit(&self->order, memory_order_acquire) != ORDERED; spins++) relax();
        if (atomic_load_explicit(&self->order, memory_order_acquire) != ORDERED) {
            // Whoever orders looks at `asleep` afterwards, so one of the two sees the other.
            pthread_mutex_lock(&self->mutex);
            atomic_store(&self->asleep, 1);
            while (atomic_load(&self->order) != ORDERED) pthread_cond_wait(&self->wake, &self->mutex);
            atomic_store(&self->asleep, 0);
            pthread_mutex_unlock(&self->mutex);
        }
        int ordered = ORDERED;
        if (!atomic_compare_exchange_strong(&self->order, &ordered, BEGUN)) continue;
        within_part = 1;
        self->body(self->context, self->part, self->parts);
        within_part = 0;
        atomic_store_explicit(&self->order, IDLE, memory_order_release);
    }
    return 0;
}

static int start(struct Worker *worker) {
    if (worker->started) return 1;
    pthread_mutex_init(&worker->mutex, 0);
    pthread_cond_init(&worker->wake, 0);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    worker->started = pthread_create(&thread, &attributes, serve, worker) == 0;
    pthread_attr_destroy(&attributes);
    return worker->started;
}

static void post(struct Worker *worker, Body body, void *context, int part, int parts) {
    worker->body = body;
    worker->context = context;
    worker->part = part;
    worker->parts = parts;
    atomic_store(&worker->order, ORDERED);
    if (!atomic_load(&worker->asleep)) return;
    pthread_mutex_lock(&worker->mutex);
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->mutex);
}

static void finish(struct Worker *worker, Body body, void *context, int part, int parts) {
    int ordered = ORDERED;
    if (atomic_compare_exchange_strong(&worker->order, &ordered, IDLE)) {
        body(context, part, parts);
        return;
    }
    for (int spins = 0; atomic_load_explicit(&worker->order, memory_order_acquire) != IDLE; spins++) {
        if (spins < SPINS)
            relax();
        else
            sched_yield();
    }
}

void apus_parallel(int parts, Body body, void *context) {
    if (parts == 1) {
        body(context, 0, 1);
        return;
    }
    // When another thread has the workers, or there are none to be had, the parts run here one after the other: the same results.
    const int outer = within_part, alone = outer || pthread_mutex_trylock(&in_use) != 0;
    int posted = 1;
    for (; !alone && posted < parts && posted < APUS_MOST_THREADS && start(&workers[posted]); posted++)
        post(&workers[posted], body, context, posted, parts);
    within_part = 1;
    body(context, 0, parts);
    for (int part = posted; part < parts; part++) body(context, part, parts);
    for (int part = 1; part < posted; part++) finish(&workers[part], body, context, part, parts);
    within_part = outer;
    if (!alone) pthread_mutex_unlock(&in_use);
}
