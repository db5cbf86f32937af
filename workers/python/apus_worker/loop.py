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
        self._rewards = numpy.zeros(count, numpy.float32)
        self._terminated = numpy.zeros(count, numpy.uint8)
        self._truncated = numpy.zeros(count, numpy.uint8)

    def _write(self, slot, observation, target):
        if self._convert is not None:
            observation = self._convert(observation)
        shape = numpy.shape(observation)
        # An assignment would stretch an observation of another shape.
        if shape != self._single:
            raise ValueError(f"an observation of shape {shape}, the space has {self._single}")
        target[slot] = observation

    def reset(self):
        seeds, self._seeds = self._seeds or [None] * len(self._environments), None
        for slot, (environment, seed) in enumerate(zip(self._environments, seeds)):
            try:
                self._write(slot, environment.reset(seed=seed)[0], self._observations)
            except Exception as error:
                raise SlotError(slot, error) from error
        return self._observations

    def step(self, actions):
        final = []
        observations, rewards, terminated, truncated = self._observations, self._rewards, self._terminated, self._truncated
        slot = 0
        try:
            for slot, action in enumerate(self._actions(actions)):
                environment = self._environments[slot]
                observation, rewards[slot], ended, cut, _ = environment.step(action)
                self._write(slot, observation, observations)
                terminated[slot] = ended = bool(ended)
                truncated[slot] = cut = bool(cut) and not ended
                if ended or cut:
                    final.append(observations[slot].copy())
                    self._write(slot, environment.reset()[0], observations)
        except Exception as error:
            raise SlotError(slot, error) from error
        return observations, rewards, terminated, truncated, numpy.stack(final) if final else None


def open_loop(name, message):
    """`name` in Gymnasium's registry; the options are keyword arguments of `gymnasium.make`."""
    arguments = {key: spaces.number(value) for key, value in message.options.items()}
    if message.max_episode_steps:
        arguments["max_episode_steps"] = message.max_episode_steps
    return LoopSlots(lambda: gymnasium.make(name, disable_env_checker=True, **arguments), message.seeds)
