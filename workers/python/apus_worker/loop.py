"""Any Gymnasium environment, one after another."""

import gymnasium
import numpy

from . import spaces
from .serving import SlotError


class LoopSlots:
    """B environments that step in a plain loop: faster than Gymnasium's own, which collects the infos of every step."""

    def __init__(self, make, seeds, notes=""):
        first = make()
        self.observation_space, self._convert = spaces.observation(first.observation_space)
        self.action_space, self._actions = spaces.action(first.action_space)
        spec = first.spec
        self.max_episode_steps = spec.max_episode_steps if spec else None
        self.solved_return = spec.reward_threshold if spec else None
        self.notes = notes
        self._seeds = [spaces.seed(seed) for seed in seeds]
        self._environments = [first] + [make() for _ in seeds[1:]] if seeds else []
        count = len(seeds)
        self._single = first.observation_space.shape if self._convert is None else self.observation_space.shape
        self._observations = numpy.zeros((count, *self.observation_space.shape), self.observation_space.dtype)
        # [2, B]: terminated, truncated.
        self._ended = numpy.zeros((2, count), numpy.uint8)
        self._steps = [environment.step for environment in self._environments]

    def _array(self, observation):
        """An observation that may be assigned to its row: an assignment would stretch one of another shape."""
        if self._convert is not None:
            observation = self._convert(observation)
        shape = numpy.shape(observation)
        if shape != self._single:
            raise ValueError(f"an observation of shape {shape}, the space has {self._single}")
        return observation

    def close(self):
        for environment in self._environments:
            environment.close()

    def reset(self):
        seeds, self._seeds = self._seeds or [None] * len(self._environments), None
        for slot, (environment, seed) in enumerate(zip(self._environments, seeds)):
            try:
                self._observations[slot] = self._array(environment.reset(seed=seed)[0])
            except Exception as error:
                raise SlotError(slot, error) from error
        return self._observations

    def step(self, actions):
        final, rewards = [], []
        # Python's own time counts here, next to environments of a few microseconds: nothing is looked up twice.
        observations, single, convert, take = self._observations, self._single, self._convert, rewards.append
        self._ended.fill(0)
        slot = 0
        try:
            for slot, action in enumerate(self._actions(actions)):
                observation, reward, ended, cut, _ = self._steps[slot](action)
                if convert is not None or getattr(observation, "shape", None) != single:
                    observation = self._array(observation)
                observations[slot] = observation
                take(reward)
                if ended or cut:
                    self._ended[0 if ended else 1, slot] = 1
                    final.append(observations[slot].copy())
                    observations[slot] = self._array(self._environments[slot].reset()[0])
        except Exception as error:
            raise SlotError(slot, error) from error
        return observations, numpy.array(rewards, numpy.float32), *self._ended, numpy.stack(final) if final else None


def open_loop(name, message):
    """`name` in Gymnasium's registry; the options are keyword arguments of `gymnasium.make`."""
    arguments = {key: spaces.number(value) for key, value in message.options.items()}
    if message.max_episode_steps:
        arguments["max_episode_steps"] = message.max_episode_steps
    return LoopSlots(lambda: gymnasium.make(name, disable_env_checker=True, **arguments), message.seeds)
