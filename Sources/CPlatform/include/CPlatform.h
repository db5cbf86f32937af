/// What the Glibc module does not show: event descriptors and sets of descriptors, signals as descriptors, memory that processes share, and a
/// child's tie to its parent's life.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

/// A non-blocking, close-on-exec eventfd, or -1.
int apus_eventfd(void);
/// Wakes whoever polls `descriptor`.
void apus_eventfd_signal(int descriptor);
/// Takes all pending wake-ups from `descriptor`.
void apus_eventfd_drain(int descriptor);

/// An eventfd whose reader waits, close-on-exec, or -1.
int apus_bell(void);

/// A file of no size that is memory only, close-on-exec, or -1.
int apus_memory(void);
/// Gives it a size that nobody can change any more and maps it for reading and writing; NULL: there is not that much.
void *apus_memory_map(int descriptor, size_t size);

/// A number that another process writes; what it wrote before is seen from then on.
uint32_t apus_load(const uint32_t *word);
/// Writes a number after all that was written before, and before all that is read from now on.
void apus_store(uint32_t *word, uint32_t value);
/// Looks at `word` until it is something else than `value` or `nanoseconds` have passed, and lets others have the core meanwhile.
/// Returns 1 when it has changed, 0 when time is up, -1 when somebody else has needed the core.
int apus_spin(const uint32_t *word, uint32_t value, int64_t nanoseconds);

/// Makes SIGINT and SIGTERM wake whoever polls the descriptor that is returned (-1: there is none left), instead of ending the process.
/// A handler and not a blocked mask: libraries start threads before `main`, and those would take what is blocked elsewhere.
int apus_signal_descriptor(void);
/// How many signals have come since the last call.
int apus_take_signals(int descriptor);

/// Lets this process have as many descriptors as it may.
void apus_raise_descriptor_limit(void);

/// Asks the kernel to send SIGKILL to this process when the thread that started it is gone. Returns 0 if the parent has already gone.
int apus_die_with_parent(int parent);
/// Starts `program` in a process group of its own, with an empty standard input. What it writes to standard output and error comes from the
/// non-blocking descriptor `output`. The kernel kills it when the calling thread is gone. Of this process's descriptors only `passed` are
/// passed on, as 3, 4 and so on. Returns 0, the process id and the descriptor, or an error number.
int apus_spawn(
    const char *program, char *const arguments[], char *const environment[], const int passed[], int count, int *process, int *output);
/// A name for the calling thread (15 characters).
void apus_name_thread(const char *name);

/// Limits how long the files may become that a running process writes; a negative number lifts the limit. Returns 0, or an error number.
int apus_limit_files(int process, int64_t bytes);
