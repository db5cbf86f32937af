"""Games of two agents behind PettingZoo's parallel interface, as a module that the worker imports by name."""

import sys
import types

import numpy
from gymnasium.spaces import Box, Discrete

from apus_worker import __main__ as worker
from apus_worker import serve


class Tag:
    """Agents see (number, steps). The first is out after two steps; the second is cut after six."""

    def __init__(self, actions=(2, 2)):
        self.possible_agents = ["first", "second"]
        self.actions = dict(zip(self.possible_agents, actions))

    def observation_space(self, agent):
        return Box(0, 10, (2,))

    def action_space(self, agent):
        return Discrete(self.actions[agent])

    def observe(self):
        return {agent: numpy.array([self.possible_agents.index(agent), self.steps], numpy.float32) for agent in self.agents}

    def reset(self, seed=None, options=None):
        self.agents, self.steps = list(self.possible_agents), 0
        return self.observe(), {}

    def close(self):
        pass

    def step(self, actions):
        assert set(actions) == set(self.agents)
        self.steps += 1
        playing = list(self.agents)
        rewards = {agent: 1.0 + self.possible_agents.index(agent) for agent in playing}
        terminated = {agent: agent == "first" and self.steps == 2 for agent in playing}
        truncated = {agent: self.steps == 6 for agent in playing}
        self.agents = [agent for agent in playing if not terminated[agent] and not truncated[agent]]
        # As many games do: what an agent that leaves has seen last is part of the step.
        observations = {agent: numpy.array([self.possible_agents.index(agent), self.steps], numpy.float32) for agent in playing}
        return observations, rewards, terminated, truncated, {}


for name, actions in (("tag", (2, 2)), ("unequal", (2, 3))):
    module = types.ModuleType(name)
    module.parallel_env = lambda actions=actions: Tag(actions)
    sys.modules[name] = module

serve(worker.make, "games.py")
