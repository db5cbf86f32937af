#!/usr/bin/env python3
"""Records episodes of the MinAtar package as fixtures for Tests/EnvironmentsTests.

    ${PYTHON:-python3} scripts/traces/record-minatar.py [GAME ...]        (needs: pip install minatar numpy)

The package's random numbers come from a generator here that writes down each draw, so that another implementation can be given the
same ones. Some episodes are of a player that looks ahead, some of one that is mostly random and dies early, and some go on after every
death, which brings the fullest boards and the highest difficulty. Sticky actions (0.1) and difficulty ramping are on. Each episode uses
a new environment: in the package the action that a sticky action repeats would outlive the end of an episode.

File format: bytes, after the line "minatar trace 1\\n" and one byte with the number of planes C. An observation is 100·C bits in the order
[row, column, plane]. Then records until the end of the file:

    kind       0: an episode starts, 1: a step
    action     index into the minimal action set                               (steps only)
    reward     whole number                                                    (steps only)
    terminated 0 or 1                                                          (steps only)
    draws      count, then two bytes each: bound n and result. n = 0: a uniform number, (2·result + 1) / 512; else one of 0 ..< n
    changes    count of bits that differ from the record before (at a start: from 0), then each one's distance to the one before it
               (the first: to bit -1), counts and distances as little-endian base 128
"""
import copy
import pathlib
import sys

import numpy as np
from minatar import Environment

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "EnvironmentsTests" / "Fixtures"
STICKY = 0.1


class Draws:
    """Stands in for numpy's RandomState; every number fits one byte and is written down."""

    def __init__(self, seed, record=True):
        self.source = np.random.RandomState(seed)
        self.record = record
        self.taken = []

    def one(self, bound, result):
        if self.record:
            self.taken.append((bound, result))
        return result

    def rand(self, *shape):
        count = int(np.prod(shape)) if shape else 1
        values = [(2 * self.one(0, int(self.source.randint(256))) + 1) / 512 for _ in range(count)]
        return np.array(values).reshape(shape) if shape else values[0]

    def randint(self, low, high=None, size=None):
        low, high = (0, low) if high is None else (low, high)
        values = [low + self.one(high - low, int(self.source.randint(high - low))) for _ in range(1 if size is None else size)]
        return values[0] if size is None else np.array(values)

    def __deepcopy__(self, memo):
        # A copy is for looking ahead: it draws something else and leaves the record alone.
        return Draws(np.random.randint(1 << 31), record=False)


def shaping(name, env):
    """What a board is worth to the player that looks ahead, besides its rewards."""
    if name == "seaquest":
        value = 0.8 * min(env.diver_count, 6)
        if env.diver_count >= 6 or (env.oxygen < 30 and env.diver_count > 0):
            return value - 0.3 * env.sub_y
        distances = [abs(d[0] - env.sub_x) + abs(d[1] - env.sub_y) for d in env.divers]
        return value - 0.03 * (min(distances) if distances else 5) - (0.5 if env.sub_y == 0 else 0)
    if name == "breakout":
        return 0.02 * -abs(env.ball_x - env.pos) if env.ball_dir >= 2 else 0.0
    if name == "freeway":
        return -0.1 * env.pos
    return 0.0


def look_ahead(name, env, actions, rng, depth, tries):
    best, choice = -np.inf, 0
    for index, first in enumerate(actions):
        total = 0.0
        for _ in range(tries):
            future = copy.deepcopy(env)
            action, value = first, 0.0
            for step in range(depth):
                reward, terminal = future.act(action)
                value += reward * 0.97**step
                if terminal:
                    value -= 10 * 0.9**step
                    break
                if rng.rand() < 0.4:
                    action = actions[rng.randint(len(actions))]
            total += value + shaping(name, future)
        total += 1e-6 * rng.rand()
        if total > best:
            best, choice = total, index
    return choice


def errand(env):
    """Seaquest's action on the way to the next diver or, with enough divers or little oxygen, to the surface; regardless of enemies."""
    if env.diver_count >= 6 or (env.oxygen < 60 and env.diver_count != 0):
        return 2
    if not env.divers:
        return 4 if env.sub_y < 4 else 5
    x, y = min(env.divers, key=lambda d: abs(d[0] - env.sub_x) + abs(d[1] - env.sub_y))[:2]
    if x != env.sub_x:
        return 1 if x < env.sub_x else 3
    return 2 if y < env.sub_y else 4


def number(value):
    """Little-endian base 128."""
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def changes(before, after):
    bits = np.flatnonzero(before != after)
    return number(len(bits)) + b"".join(number(int(d)) for d in np.diff(bits, prepend=-1))


def draws(taken):
    return bytes([len(taken)]) + bytes(b for pair in taken for b in pair)


def record(name, plan, seed, folder=FIXTURES):
    """plan: (steps at most, share of random actions, depth, tries) per episode; depth 0: it goes on after every death."""
    rng = np.random.RandomState(seed)
    np.random.seed(seed)
    planes = Environment(name).n_channels
    out = bytearray(b"minatar trace 1\n" + bytes([planes]))
    for number_of_episode, (limit, randomness, depth, tries) in enumerate(plan):
        environment = Environment(name, sticky_action_prob=STICKY, difficulty_ramping=True)
        source = Draws(1000 * seed + number_of_episode)
        environment.random = environment.env.random = source
        environment.reset()
        actions = environment.minimal_action_set()
        before = environment.state().reshape(-1)
        out += b"\0" + draws(source.taken) + changes(np.zeros_like(before), before)
        rewards, steps, terminal = 0, 0, False
        while steps < limit and not terminal:
            if rng.rand() < randomness:
                index = rng.randint(len(actions))
            elif depth == 0:
                index = errand(environment.env)
            else:
                index = look_ahead(name, environment.env, actions, rng, depth, tries)
            source.taken = []
            reward, terminal = environment.act(actions[index])
            after = environment.state().reshape(-1)
            out += bytes([1, index, int(reward), int(terminal)]) + draws(source.taken) + changes(before, after)
            before, rewards, steps = after, rewards + int(reward), steps + 1
            if depth == 0 and getattr(environment.env, "oxygen", 1) > 0:
                environment.env.terminal = terminal = False
        print(f"{name}: {steps} steps, return {rewards}, ramp {environment.env.difficulty_ramp()}, terminal {bool(terminal)}", flush=True)
    path = folder / f"MinAtar-{name}.trace"
    path.write_bytes(out)
    print(f"{path.name}: {len(out)} bytes")


PLANS = {
    "asterix": [(1000, 0.02, 10, 4)] * 2 + [(300, 0.9, 4, 1)] * 6 + [(1500, 1.0, 0, 0)],
    "breakout": [(1400, 0.02, 20, 5)] * 5 + [(300, 0.7, 6, 1)] * 12,
    "freeway": [(2600, 0.05, 4, 1)],
    "seaquest": [(800, 0.02, 12, 4)] * 2 + [(300, 0.9, 4, 1)] * 8 + [(1000, 0.3, 0, 0)],
    "space_invaders": [(1500, 0.03, 10, 3)] * 2 + [(300, 0.9, 4, 1)] * 6 + [(500, 1.0, 0, 0)],
}

if __name__ == "__main__":
    for game in sys.argv[1:] or PLANS:
        record(game, PLANS[game], seed=1 + list(PLANS).index(game))
