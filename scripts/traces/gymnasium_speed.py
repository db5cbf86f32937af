#!/usr/bin/env python3
"""Prints Gymnasium's steps per second with random actions, resets included: median, lowest and highest of three measurements.

Usage: scripts/traces/gymnasium_speed.py ID…
"""

import sys
import time

import gymnasium
import numpy as np

SECONDS = 2.0


def make(name):
    if name == "LunarLanderContinuous-v3":
        return gymnasium.make("LunarLander-v3", continuous=True)
    return gymnasium.make(name)


def rates(name, repetitions=3):
    environment = make(name)
    space = environment.action_space
    space.seed(7)
    actions = [space.sample() for _ in range(256)]
    environment.reset(seed=0)
    for _ in range(repetitions):
        steps, began = 0, time.perf_counter()
        while time.perf_counter() - began < SECONDS:
            for action in actions:
                _, _, terminated, truncated, _ = environment.step(action)
                if terminated or truncated:
                    environment.reset()
            steps += len(actions)
        yield steps / (time.perf_counter() - began)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    print(f"gymnasium {gymnasium.__version__}: steps/s, lowest, highest")
    for identifier in sys.argv[1:]:
        measured = sorted(rates(identifier))
        print(f"{identifier:26}{measured[1]:10.0f}{measured[0]:10.0f}{measured[2]:10.0f}")
