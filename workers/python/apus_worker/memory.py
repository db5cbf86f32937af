"""Steps through memory that is shared with Apus, as proto/worker.proto says."""

import mmap
import os
import platform
import threading
from itertools import repeat
from time import perf_counter

import numpy

# Python has no fences. This processor shows writes in their order, and any lock is a full fence; others would need more.
POSSIBLE = platform.machine() in ("x86_64", "AMD64")

# Places of uint32, counted in fours of bytes.
REQUEST, KIND, ANSWER, ANSWER_KIND, ENDED, WORKER_SLEEPS, APUS_SLEEPS = 0, 1, 16, 17, 18, 32, 48
STEP, MESSAGE = 1, 2
RING = (1).to_bytes(8, "little")


class Memory:
    """The memory, and who waits for whom."""

    # Looks at the request before it is slept for: some 100 µs, twice as much as it takes to wake a sleeper.
    LOOKS = 1500
    # A sleep that was shorter than this was not worth its wake-up.
    SHORT = 150e-6
    MOST_CREDIT = 4

    def __init__(self, share, slots, count):
        """`share` is a `wire.Share`; `count` the number of slots."""
        self._map = mmap.mmap(share.memory, share.size)
        os.close(share.memory)
        self._words = memoryview(self._map).cast("I")
        self._bell, self._other_bell = share.worker_bell, share.apus_bell
        self._fence = threading.Lock()
        self._number = 0
        # How many more waits begin awake, although the last ones that did have ended asleep.
        self._credit = self.MOST_CREDIT

        def array(offset, shape, dtype):
            size = int(numpy.prod(shape, dtype=numpy.int64))
            return numpy.frombuffer(self._map, dtype, size, offset).reshape(shape)

        seen, acted = slots.observation_space, slots.action_space
        self._slots = slots
        self._actions = array(share.actions, (count, *acted.shape), acted.dtype)
        self._results = (
            array(share.observations, (count, *seen.shape), seen.dtype),
            array(share.rewards, (count,), "float32"),
            array(share.terminated, (count,), "uint8"),
            array(share.truncated, (count,), "uint8"),
        )
        self._final = array(share.final_observations, (count, *seen.shape), seen.dtype)

    def wait(self):
        """Waits for the next request and returns its kind."""
        words, number = self._words, self._number
        if self._credit:
            for _ in repeat(None, self.LOOKS):
                if words[REQUEST] != number:
                    self._credit = self.MOST_CREDIT
                    break
            else:
                self._credit -= 1
                self._sleep()
        else:
            start = perf_counter()
            self._sleep()
            self._credit = int(perf_counter() - start < self.SHORT)
        self._number = words[REQUEST]
        return words[KIND]

    def _sleep(self):
        words, number = self._words, self._number
        words[WORKER_SLEEPS] = 1
        self._order()
        while words[REQUEST] == number:
            os.read(self._bell, 8)
        words[WORKER_SLEEPS] = 0

    def _order(self):
        """Lets what was written be seen before anything is read."""
        self._fence.acquire()
        self._fence.release()

    def step(self):
        # A copy: an environment may keep its action beyond this step.
        *results, final = self._slots.step(self._actions.copy())
        for place, result in zip(self._results, results):
            place[...] = result if result.shape == place.shape else result.reshape(place.shape)
        ended = 0
        if final is not None:
            ended = len(final)
            self._final[:ended] = final.reshape((ended, *self._final.shape[1:]))
        self._words[ENDED] = ended
        self.answer(STEP)

    def answer(self, kind):
        words = self._words
        words[ANSWER_KIND] = kind
        words[ANSWER] = self._number
        self._order()
        if words[APUS_SLEEPS]:
            os.write(self._other_bell, RING)
