"""Usage: worker.py ID SLOTS SECONDS [loop|gymnasium]    Steps per second of an environment from Python alone, with random actions.

loop: the worker's own slots, as Apus steps them, without Apus. gymnasium: Gymnasium's SyncVectorEnv.
"""

import os
import sys
import time

import numpy

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "workers", "python"))
os.environ.setdefault("OMP_NUM_THREADS", "1")

from apus_worker import __main__ as worker  # noqa: E402
from apus_worker import wire  # noqa: E402

name, slots, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
how = sys.argv[4] if len(sys.argv) > 4 else "loop"
if how == "gymnasium":
    import gymnasium

    environment = gymnasium.make_vec(
        name.partition(":")[2],
        num_envs=slots,
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": gymnasium.vector.AutoresetMode.SAME_STEP},
    )
    choices = int(environment.single_action_space.n)
else:
    environment = worker.make(wire.Open(wire.PROTOCOL, name, slots, list(range(slots)), {}, 0))
    choices = environment.action_space.count
actions = numpy.random.default_rng(1).integers(0, choices, (64, slots)).astype(numpy.int32)
environment.reset()


def measure(seconds):
    steps, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        environment.step(actions[steps % 64])
        steps += 1
    return steps * slots / (time.perf_counter() - begin)


measure(min(seconds, 0.5))
print(measure(seconds))
