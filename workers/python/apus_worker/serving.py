"""The conversation with Apus: one request, one answer."""

import sys
import traceback

import numpy
import zmq

from . import memory, wire


class Refused(Exception):
    """A request that cannot be met, now or later; `remedy` says what to do, if possible as a command."""

    def __init__(self, problem, remedy=""):
        super().__init__(problem)
        self.remedy = remedy


class SlotError(Exception):
    """An error of one slot's environment."""

    def __init__(self, slot, error):
        super().__init__(describe(error))
        self.slot = slot


def describe(error):
    return f"{type(error).__name__}: {error}".replace("\n", " ")


def serve(make, name, libraries=(), address=None):
    """Answers Apus until it says Close.

    `make` takes a `wire.Open` and returns slots: an object with

    - `observation_space`, `action_space`: of `wire`; `max_episode_steps`, `solved_return`: numbers or None; `notes`: one line,
    - `reset()`: starts an episode in every slot and returns the observations, an array [B] + shape,
    - `step(actions)`: takes an array [B] + shape and returns observations, rewards [B], terminated [B], truncated [B], and the final
      observations of the slots whose episode ended, [E] + shape (None: none ended). Such a slot starts its next episode in the same step.

    It may have `close()`. `slots` is 0 when only the spaces are asked for. Arrays that were returned may be written again at the next call.
    """
    socket = zmq.Context().socket(zmq.PAIR)
    socket.setsockopt(zmq.LINGER, 2000)
    socket.connect(address or sys.argv[-1])
    socket.send(wire.hello(name, libraries, memory.POSSIBLE))
    slots, count, shared = None, 0, None
    while True:
        if shared is not None and shared.wait() == memory.STEP:
            try:
                shared.step()
            except Exception as error:  # whatever an environment raises is Apus's to deal with
                traceback.print_exc()
                socket.send(_failure(error))
                shared.answer(memory.MESSAGE)
            continue
        frames = socket.recv_multipart()
        try:
            # What comes most often is told apart without being parsed.
            message = wire.STEP if frames[0] == wire.STEP else wire.from_apus(frames[0])
            if message == wire.CLOSE:
                close = getattr(slots, "close", None)
                return close() if close else None
            answer = _answer(message, frames, slots)
            if isinstance(message, wire.Open):
                slots, count = _opened(make, message), message.slots
                answer = [wire.opened(slots)]
            if isinstance(message, wire.Share):
                shared, answer = memory.Memory(message, slots, count), [wire.SHARED]
        except Exception as error:
            traceback.print_exc()
            answer = [_failure(error)]
        # In lockstep nobody writes these arrays before Apus has read them.
        socket.send_multipart(answer, copy=False)
        if shared is not None:
            shared.answer(memory.MESSAGE)


def _opened(make, message):
    if message.protocol != wire.PROTOCOL:
        raise Refused(
            f"Apus speaks version {message.protocol} of the worker protocol, this worker version {wire.PROTOCOL}",
            "Use the worker that came with this version of Apus.",
        )
    if len(message.seeds) != message.slots:
        raise Refused(f"{len(message.seeds)} seeds for {message.slots} slots")
    return make(message)


def _answer(message, frames, slots):
    if message == wire.STEP:
        space = slots.action_space
        observations, rewards, terminated, truncated, final = slots.step(
            numpy.frombuffer(frames[1], space.dtype).reshape((-1, *space.shape))
        )
        return [
            wire.STEPPED,
            _raw(observations, slots.observation_space.dtype),
            _raw(rewards, "float32"),
            _raw(terminated, "uint8"),
            _raw(truncated, "uint8"),
            b"" if final is None else _raw(final, slots.observation_space.dtype),
        ]
    if message == wire.RESET:
        return [wire.OBSERVATIONS, _raw(slots.reset(), slots.observation_space.dtype)]
    return None


def _raw(array, dtype):
    if array.dtype != dtype or not array.flags.c_contiguous:
        array = numpy.ascontiguousarray(array, dtype)
    return array if array.size else b""


def _failure(error):
    if isinstance(error, Refused):
        return wire.failure(str(error), error.remedy, refused=True)
    if isinstance(error, SlotError):
        return wire.failure(str(error), slots=[error.slot])
    return wire.failure(describe(error))
