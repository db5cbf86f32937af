#define _GNU_SOURCE
#include "CPlatform.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int apus_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

void apus_eventfd_signal(int descriptor) {
    uint64_t one = 1;
    // EAGAIN means that the counter is full: a wake-up is pending already.
    while (write(descriptor, &one, sizeof one) < 0 && errno == EINTR) {}
}

void apus_eventfd_drain(int descriptor) {
    uint64_t count;
    while (read(descriptor, &count, sizeof count) < 0 && errno == EINTR) {}
}

int apus_bell(void) { return eventfd(0, EFD_CLOEXEC); }

int apus_memory(void) { return memfd_create("apus", MFD_CLOEXEC | MFD_ALLOW_SEALING); }

void *apus_memory_map(int descriptor, size_t size) {
    if (ftruncate(descriptor, (off_t)size) != 0) return NULL;
    // Who shares it cannot make it smaller: reading beyond its end would end this process.
    if (fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) return NULL;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

uint32_t apus_load(const uint32_t *word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }

void apus_store(uint32_t *word, uint32_t value) {
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static int64_t clock_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// How often this thread has left its core to another. What a hypervisor takes is not counted.
static long displacements(void) {
    struct rusage usage;
    return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nivcsw : 0;
}

int apus_spin(const uint32_t *word, uint32_t value, int64_t nanoseconds) {
    // More than this between two looks: the core was elsewhere.
    const int64_t gap = 50000;
    const long displaced = displacements();
    int64_t before = clock_now();
    const int64_t end = before + nanoseconds;
    while (before < end) {
        for (int i = 0; i < 64; i++) {
            if (apus_load(word) != value) return 1;
#if defined(__x86_64__)
            __builtin_ia32_pause();
#elif defined(__aarch64__)
            __asm__ volatile("yield");
#endif
        }
        sched_yield();
        int64_t now = clock_now();
        if (now - before > gap) {
            if (displacements() != displaced) return apus_load(word) != value ? 1 : -1;
            now = clock_now();
        }
        before = now;
    }
    return 0;
}

static int signal_event = -1;

static void report_signal(int number) {
    (void)number;
    int error = errno;
    apus_eventfd_signal(signal_event);
    errno = error;
}

int apus_signal_descriptor(void) {
    if (signal_event >= 0) return signal_event;
    signal_event = apus_eventfd();
    if (signal_event < 0) return -1;
    struct sigaction action = {.sa_handler = report_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    // Whoever started this process may have had them blocked, and that is inherited.
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signal_event;
}

int apus_take_signals(int descriptor) {
    uint64_t count;
    return read(descriptor, &count, sizeof count) == sizeof count ? (int)count : 0;
}

int apus_die_with_parent(int parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return getppid() == parent;
}

// Between fork and exec only what is safe in a signal handler: other threads may hold any lock.
static void become(
    const char *program, char *const arguments[], char *const environment[], const int passed[], int count, int output, int parent,
    int report) {
    setpgid(0, 0);
    if (!apus_die_with_parent(parent)) _exit(127);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int nothing = open("/dev/null", O_RDONLY);
    if (nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 && dup2(output, STDERR_FILENO) >= 0) {
        // Out of the way of the numbers that the passed ones get.
        int first = STDERR_FILENO + 1, above = first + count;
        report = fcntl(report, F_DUPFD_CLOEXEC, above);
        int copies[count + 1];
        for (int i = 0; i < count; i++) copies[i] = fcntl(passed[i], F_DUPFD_CLOEXEC, above);
        int whole = report >= 0;
        for (int i = 0; i < count; i++) whole = dup2(copies[i], first + i) >= 0 && whole;
        // Closed by exec and not at once, for `report` is among them.
        close_range((unsigned)above, ~0U, CLOSE_RANGE_CLOEXEC);
        if (whole) execve(program, arguments, environment);
    }
    int error = errno;
    while (write(report, &error, sizeof error) < 0 && errno == EINTR) {}
    _exit(127);
}

int apus_spawn(
    const char *program, char *const arguments[], char *const environment[], const int passed[], int count, int *process, int *output) {
    int ends[2], report[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return errno;
    if (pipe2(report, O_CLOEXEC) != 0) {
        int error = errno;
        close(ends[0]);
        close(ends[1]);
        return error;
    }
    // Only this end: the program expects a standard output that blocks.
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    int parent = getpid();
    int error = 0;
    *process = fork();
    if (*process == 0) become(program, arguments, environment, passed, count, ends[1], parent, report[1]);
    if (*process < 0) error = errno;
    close(ends[1]);
    close(report[1]);
    if (*process > 0) {
        ssize_t count;
        while ((count = read(report[0], &error, sizeof error)) < 0 && errno == EINTR) {}
        if (count == sizeof error) {
            waitpid(*process, NULL, 0);
        } else {
            error = 0;
        }
    }
    close(report[0]);
    if (error != 0) close(ends[0]);
    *output = ends[0];
    return error;
}

void apus_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

int apus_limit_files(int process, int64_t bytes) {
    struct rlimit limit;
    if (prlimit(process, RLIMIT_FSIZE, NULL, &limit) != 0) return errno;
    limit.rlim_cur = bytes < 0 ? limit.rlim_max : (rlim_t)bytes;
    return prlimit(process, RLIMIT_FSIZE, &limit, NULL) == 0 ? 0 : errno;
}

void apus_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}
