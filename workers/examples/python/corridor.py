"""The smallest worker in Python: walk to the end of a corridor that is worth it.

    apus environments check worker:workers/examples/python/corridor.py

Apus runs it with its own Python package in reach, whose `serve` speaks the protocol (proto/worker.proto) over pyzmq.
"""

import numpy

from apus_worker import Box, Discrete, Refused, serve


class Corridor:
    """Observation: the place in 0 … 1, and the end that is worth 1 (−1 left, 1 right). Actions: 0 left, 1 right."""

    observation_space = Box((2,), low=[0, -1], high=[1, 1])
    action_space = Discrete(2)
    solved_return = None
    notes = "a corridor with a reward at one end"

    def __init__(self, request):
        if unknown := set(request.options) - {"length"}:
            raise Refused(f"the corridor has no option {sorted(unknown)[0]}", "Known: length.")
        self.last = int(request.options.get("length", 9)) - 1
        if self.last < 2:
            raise Refused(f"a corridor of {self.last + 1} places", "It needs at least 3.")
        self.max_episode_steps = request.max_episode_steps or 50
        # Each slot draws from its own seed: what happens in one never depends on the others.
        self.random = [numpy.random.default_rng(seed) for seed in request.seeds]
        count = len(request.seeds)
        self.place, self.goal, self.steps = (numpy.zeros(count, int) for _ in range(3))

    def start(self, slot):
        self.place[slot] = self.random[slot].integers(1, self.last)
        self.goal[slot] = self.random[slot].choice([-1, 1])
        self.steps[slot] = 0

    def observations(self):
        return numpy.stack([self.place / self.last, self.goal], axis=1).astype(numpy.float32)

    def reset(self):
        for slot in range(len(self.random)):
            self.start(slot)
        return self.observations()

    def step(self, actions):
        self.place += 2 * actions - 1
        self.steps += 1
        terminated = (self.place == 0) | (self.place == self.last)
        truncated = (self.steps == self.max_episode_steps) & ~terminated
        won = terminated & ((self.place > 0) == (self.goal > 0))
        ended = terminated | truncated
        # The last observations come before the slots start again, in the same step.
        final = self.observations()[ended] if ended.any() else None
        for slot in numpy.flatnonzero(ended):
            self.start(slot)
        return self.observations(), numpy.where(won, 1.0, -0.01), terminated, truncated, final


serve(Corridor, "corridor.py")
