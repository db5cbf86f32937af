#define _GNU_SOURCE
#include "CPlatform.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
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

void apus_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }
