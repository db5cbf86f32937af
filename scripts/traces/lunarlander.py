#!/usr/bin/env python3
"""Records Gymnasium's LunarLander-v3 for Tests/EnvironmentsTests/Fixtures.

Needs gymnasium with box2d (pip install "gymnasium[box2d]"). Writes, for the discrete and the continuous variant:
  NAME-starts.csv   one row per episode: every random draw of its start and the first observation
  NAME.csv          one row per step: the draws of the engines' dispersion, action, observation, reward, terminated
  NAME-returns.csv  the returns of 1,000 episodes of Gymnasium's own heuristic, with their lengths
Usage: scripts/traces/lunarlander.py [FOLDER]
"""

import os
import sys

import numpy as np
from gymnasium.envs.box2d.lunar_lander import LunarLander, heuristic

LIMIT = 1000  # steps after which the registered environment truncates


class RecordingGenerator:
    """A generator that remembers what it gave."""

    def __init__(self, generator):
        self.generator = generator
        self.drawn = []

    def uniform(self, *arguments, **named):
        value = self.generator.uniform(*arguments, **named)
        self.drawn.extend(np.ravel(value).tolist())
        return value

    def integers(self, *arguments, **named):
        value = self.generator.integers(*arguments, **named)
        self.drawn.append(int(value))
        return value

    def take(self):
        drawn, self.drawn = self.drawn, []
        return drawn


class RecordedLander(LunarLander):
    """LunarLander whose draws can be read; everything else is Gymnasium's."""

    @property
    def np_random(self):
        generator = LunarLander.np_random.fget(self)
        if getattr(self, "recorder", None) is None or self.recorder.generator is not generator:
            self.recorder = RecordingGenerator(generator)
        return self.recorder


def columns(prefix, count):
    return [f"{prefix}{index}" for index in range(count)]


def row(*values):
    """Shortest digits that give the number back: float32 as float32, the rest as double."""
    return ",".join(str(value) if isinstance(value, np.float32) else repr(value) for value in values) + "\n"


def action_of(policy, environment, observation, rng):
    if policy == "heuristic":
        return heuristic(environment, observation)
    if environment.continuous:
        return rng.uniform(-1.2, 1.2, 2).astype(np.float32)
    return int(rng.integers(4))


def record(folder, name, continuous, episodes):
    starts = open(os.path.join(folder, f"{name}-starts.csv"), "w", encoding="ascii")
    steps = open(os.path.join(folder, f"{name}.csv"), "w", encoding="ascii")
    starts.write(",".join(
        ["episode", "enable_wind", "gravity"] + columns("height", 12) + columns("force", 2)
        + ["wind_index", "turbulence_index"] + columns("dispersion", 2) + columns("obs", 8)) + "\n")
    steps.write(",".join(
        ["episode", "step"] + columns("dispersion", 2) + columns("action", 2 if continuous else 1) + columns("obs", 8)
        + ["reward", "terminated"]) + "\n")
    for episode, (policy, wind, gravity) in enumerate(episodes):
        environment = RecordedLander(continuous=continuous, enable_wind=wind, gravity=gravity)
        rng = np.random.default_rng(1000 + episode)
        observation, _ = environment.reset(seed=episode)
        drawn = environment.recorder.take()
        heights, force, dispersion = drawn[:12], drawn[12:14], drawn[-2:]
        winds = drawn[14:16] if wind else [0, 0]
        assert len(drawn) == (18 if wind else 16)
        starts.write(row(episode, int(wind), gravity, *heights, *force, *winds, *dispersion, *observation))
        for step in range(LIMIT):
            action = action_of(policy, environment, observation, rng)
            observation, reward, terminated, _, _ = environment.step(action)
            dispersion = environment.recorder.take()
            assert len(dispersion) == 2
            given = [np.float32(a) for a in action] if continuous else [int(action)]
            steps.write(row(episode, step, *dispersion, *given, *observation, float(reward), int(terminated)))
            if terminated:
                break


def returns(folder, name, continuous, episodes=1000):
    environment = LunarLander(continuous=continuous)
    with open(os.path.join(folder, f"{name}-returns.csv"), "w", encoding="ascii") as file:
        file.write("return,length\n")
        for episode in range(episodes):
            observation, _ = environment.reset(seed=10_000 + episode)
            total, length, terminated = 0.0, 0, False
            while not terminated and length < LIMIT:
                observation, reward, terminated, _, _ = environment.step(heuristic(environment, observation))
                total += float(reward)
                length += 1
            file.write(f"{total:.4f},{length}\n")


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    target = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../../Tests/EnvironmentsTests/Fixtures")
    plan = [("heuristic", False, -10.0), ("random", False, -10.0), ("heuristic", True, -10.0), ("heuristic", False, -6.0)]
    for variant, is_continuous in (("LunarLander-v3", False), ("LunarLanderContinuous-v3", True)):
        record(target, variant, is_continuous, plan)
        returns(target, variant, is_continuous)
