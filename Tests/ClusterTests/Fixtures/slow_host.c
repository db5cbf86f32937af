/* What a process believes of its host, loaded before the C library (LD_PRELOAD):
 *   SLOW_DISK    a path: as long as a file stands there, flushing waits
 *   CLOCK_AHEAD  seconds that the wall clock is wrong */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void wait_for_disk(void) {
    const char *path = getenv("SLOW_DISK");
    while (path && access(path, F_OK) == 0) usleep(20000);
}

int fsync(int descriptor) {
    wait_for_disk();
    int (*next)(int) = dlsym(RTLD_NEXT, "fsync");
    return next(descriptor);
}

int fdatasync(int descriptor) {
    wait_for_disk();
    int (*next)(int) = dlsym(RTLD_NEXT, "fdatasync");
    return next(descriptor);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    static int (*next)(clockid_t, struct timespec *);
    if (!next) next = dlsym(RTLD_NEXT, "clock_gettime");
    int status = next(clock, time);
    const char *ahead = getenv("CLOCK_AHEAD");
    if (status == 0 && clock == CLOCK_REALTIME && ahead) time->tv_sec += atol(ahead);
    return status;
}
