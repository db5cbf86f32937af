#!/usr/bin/env python3
"""Records steps of Gymnasium's MuJoCo environments: one row per step with the state before it (positions, velocities), the action, the
observation, the reward and the flags. Every step starts from its recorded state alone, so that a row can be replayed by itself.

Needs gymnasium with mujoco (pip install "gymnasium[mujoco]"). Usage:
  scripts/traces/mujoco_environments.py FOLDER ID…     writes FOLDER/ID.csv
"""

import os
import sys

import gymnasium
import mujoco
import numpy as np

ROWS = 300


def columns(prefix, count):
    return [f"{prefix}{index}" for index in range(count)]


def record(folder, name):
    environment = gymnasium.make(name)
    inner = environment.unwrapped
    generator = np.random.default_rng(7)
    space = environment.action_space
    states = inner.model.nq + inner.model.nv
    with open(os.path.join(folder, f"{name}.csv"), "w", encoding="ascii") as file:
        file.write(",".join(
            ["episode", "step"] + columns("state", states) + columns("action", space.shape[0])
            + columns("obs", environment.observation_space.shape[0]) + ["reward", "terminated", "truncated"]) + "\n")
        episode, step = 0, 0
        environment.reset(seed=0)
        for _ in range(ROWS):
            # Every other episode leaves the range of the controls, which MuJoCo clamps and the reward does not.
            reach = 1.5 if episode % 2 else 1.0
            action = (generator.uniform(-reach, reach, space.shape) * space.high).astype(np.float32)
            state = inner.state_vector().copy()
            mujoco.mj_resetData(inner.model, inner.data)
            inner.set_state(state[: inner.model.nq], state[inner.model.nq :])
            observation, reward, terminated, truncated, _ = environment.step(action)
            numbers = [repr(float(x)) for part in (state, action, observation, [reward]) for x in part]
            file.write(",".join([str(episode), str(step)] + numbers + [str(int(terminated)), str(int(truncated))]) + "\n")
            step += 1
            if terminated or truncated:
                episode, step = episode + 1, 0
                environment.reset(seed=episode)
    print(f"{name}: {episode + 1} episodes, mujoco {mujoco.__version__}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    for argument in sys.argv[2:]:
        record(sys.argv[1], argument)
