"""Environments that show every kind of space, and some that go wrong at their fourth step."""

import os

import gymnasium
import numpy
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Sequence

from apus_worker import Refused, serve
from apus_worker.loop import LoopSlots


class World(gymnasium.Env):
    def __init__(self, observation_space, action_space, observe, reward=lambda action: 0.0):
        self.observation_space, self.action_space = observation_space, action_space
        self.observe, self.reward = observe, reward

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return self.observe(0, None), {}

    def step(self, action):
        self.steps += 1
        return self.observe(self.steps, action), self.reward(action), False, False, {}


def plain(observe):
    return World(Box(-1, 1, (2,)), Discrete(2), observe)


def at_four(bad):
    return lambda: plain(lambda steps, action: bad(action) if steps == 4 else numpy.zeros(2, numpy.float32))


def raises(action):
    if action == 1:
        raise ValueError("no more luck")
    return numpy.zeros(2, numpy.float32)


WORLDS = {
    "pixels": lambda: World(
        Box(0, 255, (3, 4, 2), numpy.uint8), Discrete(3, start=5), lambda *_: numpy.full((3, 4, 2), 9, numpy.uint8), lambda action: action
    ),
    "flags": lambda: World(MultiBinary(5), MultiBinary(3), lambda *_: numpy.ones(5, numpy.int8)),
    "place": lambda: World(Discrete(6), MultiDiscrete([2, 3]), lambda *_: 4),
    "parts": lambda: World(
        Dict(room=Discrete(3), at=Box(-1, 1, (2,))),
        Box(numpy.array([-1, -numpy.inf]), numpy.array([1, numpy.inf]), dtype=numpy.float64),
        lambda *_: {"room": 2, "at": numpy.array([0.5, -0.25])},
        lambda action: action[1],
    ),
    "words": lambda: World(Dict(number=Discrete(2), text=Sequence(Discrete(9))), Discrete(2), lambda *_: {}),
    "raises": at_four(raises),
    "shapes": at_four(lambda action: numpy.zeros(3, numpy.float32)),
    "nan": at_four(lambda action: numpy.array([0, numpy.nan], numpy.float32)),
    "leaves": at_four(lambda action: os._exit(9)),
}


def make(request):
    if request.environment not in WORLDS:
        raise Refused(f"no world {request.environment}")
    return LoopSlots(WORLDS[request.environment], request.seeds)


serve(make, "worlds.py")
