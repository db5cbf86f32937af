/// What the Glibc module does not show: event descriptors, signals as descriptors, and a child's tie to its parent's life.
#pragma once

/// A non-blocking, close-on-exec eventfd, or -1.
int apus_eventfd(void);
/// Wakes whoever polls `descriptor`.
void apus_eventfd_signal(int descriptor);
/// Takes all pending wake-ups from `descriptor`.
void apus_eventfd_drain(int descriptor);

/// Makes SIGINT and SIGTERM wake whoever polls the descriptor that is returned (-1: there is none left), instead of ending the process.
/// A handler and not a blocked mask: libraries start threads before `main`, and those would take what is blocked elsewhere.
int apus_signal_descriptor(void);
/// How many signals have come since the last call.
int apus_take_signals(int descriptor);

/// Asks the kernel to send SIGKILL to this process when the thread that started it is gone. Returns 0 if the parent has already gone.
int apus_die_with_parent(int parent);
/// Starts `program` in a process group of its own, with an empty standard input. What it writes to standard output and error comes from the
/// non-blocking descriptor `output`. The kernel kills it when the calling thread is gone; no other descriptor of this process is passed on.
/// Returns 0, the process id and the descriptor, or an error number.
int apus_spawn(const char *program, char *const arguments[], char *const environment[], int *process, int *output);
/// A name for the calling thread (15 characters).
void apus_name_thread(const char *name);
