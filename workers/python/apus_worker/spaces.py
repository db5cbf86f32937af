"""Gymnasium's spaces as those of the wire, with the functions that convert what lies in them."""

import numpy
from gymnasium import spaces

from . import wire
from .serving import Refused


def observation(space):
    """The wire's space, and the function that makes an observation an array of it (None: nothing to do but the cast)."""
    if isinstance(space, spaces.Box):
        return _array(space), None
    if not _flattens(space):
        raise Refused(f"observations of {_culprit(space)} have no fixed number of elements", "Wrap the environment so that they are a Box.")
    return _array(spaces.flatten_space(space)), lambda value: spaces.flatten(space, value)


def _flattens(space):
    try:
        return isinstance(spaces.flatten_space(space), spaces.Box)
    except NotImplementedError:
        # A space of somebody's own.
        return False


def _culprit(space):
    """The part of a space that does not flatten."""
    parts = {}
    if isinstance(space, spaces.Dict):
        parts = space.spaces
    elif isinstance(space, spaces.Tuple):
        parts = dict(enumerate(space.spaces))
    for key, part in parts.items():
        if not _flattens(part):
            return f"{_culprit(part)} (key {key!r})"
    return f"the space {space}"


def _array(box):
    shape = box.shape or (1,)
    low, high = box.low.ravel(), box.high.ravel()
    # Flags and pixels stay bytes. Where the bounds differ a byte would not say what 1 is.
    whole = box.dtype.kind in "bu" or (box.dtype.kind == "i" and (low >= 0).all())
    if whole and (high == high[0]).all() and 1 <= int(high[0]) <= 255:
        return wire.Bytes(shape, int(high[0]))
    return wire.Box(shape, low.astype("float32").tolist(), high.astype("float32").tolist())


def action(space):
    """The wire's space, and the function that makes an array [B] + shape the list of what B environments take."""
    if isinstance(space, spaces.Discrete):
        start = int(space.start)
        return wire.Discrete(int(space.n)), lambda rows: (rows + start).tolist() if start else rows.tolist()
    if isinstance(space, spaces.MultiDiscrete):
        start = getattr(space, "start", numpy.zeros_like(space.nvec))
        return wire.MultiDiscrete(space.nvec.ravel().tolist()), lambda rows: list(
            (rows.reshape((-1, *space.shape)) + start).astype(space.dtype)
        )
    if isinstance(space, spaces.MultiBinary):
        count = int(numpy.prod(space.shape))
        return wire.MultiDiscrete([2] * count), lambda rows: list(rows.reshape((-1, *space.shape)).astype(space.dtype))
    if isinstance(space, spaces.Box) and space.dtype.kind == "f":
        box = wire.Box(space.shape or (1,), space.low.ravel().tolist(), space.high.ravel().tolist())
        return box, lambda rows: list(rows.reshape((-1, *space.shape)).astype(space.dtype))
    raise Refused(
        f"actions of the space {space} are not supported",
        "Wrap the environment so that they are Discrete, MultiDiscrete, MultiBinary or a Box of floats.",
    )


def number(value):
    """An option as Gymnasium's keyword argument: a whole number as an int."""
    return int(value) if float(value).is_integer() else value


def seed(value):
    """Environments pass seeds on to generators that take 31 bits."""
    return value & 0x7FFFFFFF
