"""Atari 2600 games with the preprocessing that the field has agreed on (Mnih et al. 2015; Machado et al. 2018)."""

import sys

import gymnasium
import numpy

from . import spaces, wire
from .loop import LoopSlots
from .serving import Refused

# What a run may set, and the defaults: the environment's own version 5, its frames as agents usually see them.
DEFAULTS = {
    "repeat_action_probability": 0.25,
    "full_action_space": 0,
    "frameskip": 4,
    "max_num_frames_per_episode": 108_000,
    "noop_max": 30,
    "screen_size": 84,
    "stack": 4,
    "episodic_life": 0,
    "fire_reset": 0,
    "reward_clipping": 0,
    "threads": 1,
}


def open_atari(name, message):
    import ale_py

    gymnasium.register_envs(ale_py)
    spec = gymnasium.spec(name)
    for option in message.options:
        if option not in DEFAULTS:
            raise Refused(
                f'{name} has no option "{option}"',
                f"Known: {', '.join(DEFAULTS)}; preprocessing=0 gives the plain environment, with Gymnasium's options.",
            )
    defaults = DEFAULTS | {key: value for key, value in spec.kwargs.items() if key in DEFAULTS}
    settings = {key: spaces.number(value) for key, value in (defaults | message.options).items()}
    if message.max_episode_steps:
        settings["max_num_frames_per_episode"] = message.max_episode_steps * settings["frameskip"]
    try:
        from ale_py.vector_env import AtariVectorEnv
    except ImportError:
        return _loop(name, message, settings)
    return AtariSlots(AtariVectorEnv, spec, message, settings)


class AtariSlots:
    """All slots in ALE's own vector environment: emulation and preprocessing in C++ threads."""

    def __init__(self, vector, spec, message, settings):
        self._seeds = numpy.array([spaces.seed(seed) for seed in message.seeds])
        self._count = max(message.slots, 1)
        self._environment = vector(
            spec.kwargs["game"],
            self._count,
            num_threads=min(settings["threads"], self._count),
            max_num_frames_per_episode=settings["max_num_frames_per_episode"],
            repeat_action_probability=settings["repeat_action_probability"],
            full_action_space=bool(settings["full_action_space"]),
            autoreset_mode="SameStep",
            img_height=settings["screen_size"],
            img_width=settings["screen_size"],
            stack_num=settings["stack"],
            frameskip=settings["frameskip"],
            noop_max=settings["noop_max"],
            episodic_life=bool(settings["episodic_life"]),
            reward_clipping=bool(settings["reward_clipping"]),
            use_fire_reset=bool(settings["fire_reset"]),
        )
        self.observation_space, _ = spaces.observation(self._environment.single_observation_space)
        self.action_space = wire.Discrete(int(self._environment.single_action_space.n))
        self.max_episode_steps = settings["max_num_frames_per_episode"] // settings["frameskip"]
        self.solved_return = spec.reward_threshold
        size = settings["screen_size"]
        self.notes = f"{settings['stack']} grey frames of {size} × {size}, frame skip {settings['frameskip']}"

    def reset(self):
        seeds, self._seeds = self._seeds, None
        return self._environment.reset(seed=seeds)[0]

    def step(self, actions):
        observations, rewards, terminated, truncated, info = self._environment.step(actions)
        truncated &= ~terminated
        ended = terminated | truncated
        final = info["final_obs"][ended] if ended.any() else None
        return observations, rewards, terminated, truncated, final


def _loop(name, message, settings):
    """The same with Gymnasium's wrappers, for releases of ale-py that have no vector environment."""
    for option in ("fire_reset", "reward_clipping"):
        if settings[option]:
            raise Refused(f"{option} needs a newer ale-py", f"{sys.executable} -m pip install --upgrade ale-py")

    def make():
        environment = gymnasium.make(
            name,
            frameskip=1,
            repeat_action_probability=settings["repeat_action_probability"],
            full_action_space=bool(settings["full_action_space"]),
            # Counted outside: the emulator would count the idle frames at the start too, and call the cut an end.
            max_num_frames_per_episode=0,
            disable_env_checker=True,
        )
        environment = gymnasium.wrappers.AtariPreprocessing(
            environment,
            noop_max=settings["noop_max"],
            frame_skip=settings["frameskip"],
            screen_size=settings["screen_size"],
            terminal_on_life_loss=bool(settings["episodic_life"]),
        )
        environment = gymnasium.wrappers.FrameStackObservation(environment, settings["stack"])
        return gymnasium.wrappers.TimeLimit(environment, settings["max_num_frames_per_episode"] // settings["frameskip"])

    return LoopSlots(make, message.seeds, notes="preprocessed by Gymnasium's wrappers")
