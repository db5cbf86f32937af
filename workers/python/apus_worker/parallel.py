"""PettingZoo's parallel environments by parameter sharing: every agent is a slot."""

import importlib

import numpy

from . import spaces
from .serving import Refused, SlotError


def open_parallel(name, message):
    """`name` is a module under `pettingzoo`, or anywhere: mpe/simple_spread_v3, butterfly/pistonball_v6, my_package/my_game."""
    arguments = {key: spaces.number(value) for key, value in message.options.items()}
    return ParallelSlots(_module(name), arguments, message)


def _module(name):
    path = name.replace("/", ".")
    # The particle environments have moved to a package of their own.
    candidates = [f"pettingzoo.{path}"] + ([f"mpe2.{path[4:]}"] if path.startswith("mpe.") else []) + [path]
    missing = []
    for candidate in candidates:
        try:
            module = importlib.import_module(candidate)
        except ImportError as error:
            missing.append(error)
            continue
        except AttributeError as error:
            missing.append(ImportError(str(error)))
            continue
        if hasattr(module, "parallel_env"):
            return module
        missing.append(ImportError(f"{candidate} has no parallel_env"))
    # A package that the environment itself needs says more than our own guesses at the module's name.
    guesses = (None, *candidates, candidates[-1].partition(".")[0])
    needed = [error for error in missing if error.name not in guesses]
    raise (needed or missing)[0]


class ParallelSlots:
    """Whole environments in a loop; slot e × A + a is agent a of environment e.

    An agent that is out before its environment ends sees zeros and earns nothing until then, so that a slot's episode is one game: its
    return is the agent's, and the value of the zeros is 0.
    """

    solved_return = None

    def __init__(self, module, arguments, message):
        first = module.parallel_env(**arguments)
        self._agents = list(first.possible_agents)
        count = len(self._agents)
        if message.slots % count:
            raise Refused(
                f"{message.slots} slots are no multiple of the {count} agents that play together",
                f"Ask for {max(message.slots // count, 1) * count} or {(message.slots // count + 1) * count} slots in every process.",
            )
        self.observation_space, self._convert = spaces.observation(self._same(first.observation_space, "observation"))
        self.action_space, self._actions = spaces.action(self._same(first.action_space, "action"))
        self.max_episode_steps = message.max_episode_steps or None
        self.notes = f"{count} agents share one policy"
        games = message.slots // count
        self._environments = ([first] + [module.parallel_env(**arguments) for _ in range(games - 1)])[:games]
        self._seeds = [spaces.seed(seed) for seed in message.seeds[::count]]
        self._observations = numpy.zeros((message.slots, *self.observation_space.shape), self.observation_space.dtype)
        self._ended = numpy.zeros((2, message.slots), bool)
        self._lengths = [0] * games

    def _same(self, space, what):
        found = [space(agent) for agent in self._agents]
        for agent, other in zip(self._agents, found):
            if other != found[0]:
                raise Refused(
                    f"{what} spaces differ: {self._agents[0]} has {found[0]}, {agent} has {other}",
                    "One policy for all agents needs equal spaces: pad them with SuperSuit's pad_observations_v0 and pad_action_space_v0.",
                )
        return found[0]

    def _write(self, first, observations):
        for index, agent in enumerate(self._agents):
            value = observations.get(agent)
            if value is None:
                self._observations[first + index] = 0
                continue
            value = numpy.asarray(value if self._convert is None else self._convert(value))
            if value.size != self._observations[0].size:
                raise ValueError(f"{agent} observes the shape {value.shape}, the space has {self.observation_space.shape}")
            self._observations[first + index] = value.reshape(self.observation_space.shape)

    def _start(self, game, seed=None):
        first = game * len(self._agents)
        self._lengths[game] = 0
        self._ended[:, first : first + len(self._agents)] = False
        self._write(first, self._environments[game].reset(seed=seed)[0])

    def close(self):
        for environment in self._environments:
            environment.close()

    def reset(self):
        seeds, self._seeds = self._seeds or [None] * len(self._environments), None
        for game, seed in enumerate(seeds):
            self._start(game, seed)
        return self._observations

    def step(self, actions):
        count = len(self._agents)
        actions = self._actions(actions)
        rewards = numpy.zeros(len(actions), numpy.float32)
        terminated, truncated = numpy.zeros(len(actions), bool), numpy.zeros(len(actions), bool)
        final = []
        for game, environment in enumerate(self._environments):
            first = game * count
            try:
                alive = set(environment.agents)
                chosen = {agent: actions[first + index] for index, agent in enumerate(self._agents) if agent in alive}
                observations, earned, ended, cut, _ = environment.step(chosen)
                self._write(first, observations)
                for index, agent in enumerate(self._agents):
                    rewards[first + index] = earned.get(agent, 0)
                    self._ended[0, first + index] |= bool(ended.get(agent, False))
                    self._ended[1, first + index] |= bool(cut.get(agent, False))
                self._lengths[game] += 1
                over = not environment.agents
                if over or self._lengths[game] == self.max_episode_steps:
                    rows = slice(first, first + count)
                    terminated[rows] = self._ended[0, rows]
                    truncated[rows] = ~terminated[rows]
                    final.append(self._observations[rows].copy())
                    self._start(game)
            except Exception as error:
                raise SlotError(first, error) from error
        return self._observations, rewards, terminated, truncated, numpy.concatenate(final) if final else None
