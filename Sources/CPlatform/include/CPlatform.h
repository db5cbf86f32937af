/// What the Glibc module does not show: event descriptors, signals as descriptors, and a child's tie to its parent's life.
#pragma once

/// A non-blocking, close-on-exec eventfd, or -1.
int apus_eventfd(void);
/// Wakes whoever polls `descriptor`.
void apus_eventfd_signal(int descriptor);
/// Takes all pending wake-ups from `descriptor`.
void apus_eventfd_drain(int descriptor);

/// Blocks SIGINT and SIGTERM in this thread (and those it starts) and returns a descriptor that reports them, or -1.
int apus_signal_descriptor(void);
/// The next signal reported by `descriptor`, or 0.
int apus_next_signal(int descriptor);

/// Unblocks all signals: a child started by `posix_spawn` inherits the mask otherwise.
void apus_unblock_signals(void);
/// Asks the kernel to send SIGKILL to this process when the thread that started it is gone. Returns 0 if the parent has already gone.
int apus_die_with_parent(int parent);
/// A name for the calling thread (15 characters).
void apus_name_thread(const char *name);
