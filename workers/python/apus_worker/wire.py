"""The messages of proto/worker.proto as bytes: the few lines of protobuf that they need, so that a worker depends on pyzmq alone."""

import struct
from dataclasses import dataclass, field, fields

PROTOCOL = 1


def _varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(tag, value):
    return _varint(tag << 3) + _varint(value) if value else b""


def _bytes(tag, value):
    return _varint(tag << 3 | 2) + _varint(len(value)) + value


def _text(tag, value):
    return _bytes(tag, value.replace("\0", " ").encode()) if value else b""


def _packed(tag, values):
    return _bytes(tag, b"".join(map(_varint, values))) if values else b""


def _fields(data):
    """(tag, value) of every field: an int for numbers of fixed and of variable length, bytes for the rest."""
    position = 0

    def varint():
        nonlocal position
        value, shift = 0, 0
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    while position < len(data):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        length = {1: 8, 5: 4}.get(kind)
        if length is None:
            if kind != 2:
                raise ValueError(f"a field of wire type {kind}")
            length = varint()
        if position + length > len(data):
            raise ValueError("a field that is cut off")
        value = bytes(data[position : position + length])
        position += length
        yield key >> 3, value if kind == 2 else int.from_bytes(value, "little")


@dataclass
class Open:
    """What Apus asks for: `slots` instances of `environment`, each with its seed."""

    protocol: int = 0
    environment: str = ""
    slots: int = 0
    seeds: list = field(default_factory=list)
    options: dict = field(default_factory=dict)
    max_episode_steps: int = 0


def _double(bits):
    return struct.unpack("<d", bits.to_bytes(8, "little"))[0]


def _option(data):
    name, value = "", 0.0
    for tag, content in _fields(data):
        if tag == 1:
            name = content.decode()
        elif tag == 2:
            value = _double(content)
    return name, value


def _open(data):
    message = Open()
    for tag, value in _fields(data):
        if tag == 1:
            message.protocol = value
        elif tag == 2:
            message.environment = value.decode()
        elif tag == 3:
            message.slots = value
        elif tag == 4:
            packed = value if isinstance(value, bytes) else value.to_bytes(8, "little")
            message.seeds += [seed for (seed,) in struct.iter_unpack("<Q", packed)]
        elif tag == 5:
            name, number = _option(value)
            message.options[name] = number
        elif tag == 6:
            message.max_episode_steps = value
    return message


@dataclass
class Share:
    """Where steps are exchanged: descriptors of this process, and the places of tensors in the memory."""

    memory: int = 0
    worker_bell: int = 0
    apus_bell: int = 0
    size: int = 0
    actions: int = 0
    observations: int = 0
    rewards: int = 0
    terminated: int = 0
    truncated: int = 0
    final_observations: int = 0


def _share(data):
    names = [field.name for field in fields(Share)]
    return Share(**{names[tag - 1]: value for tag, value in _fields(data) if 1 <= tag <= len(names)})


RESET, STEP, CLOSE = _bytes(2, b""), _bytes(3, b""), _bytes(4, b"")
OBSERVATIONS, STEPPED, SHARED = _bytes(3, b""), _bytes(4, b""), _bytes(6, b"")


def from_apus(data):
    """An `Open`, a `Share`, or one of RESET, STEP and CLOSE."""
    for tag, value in _fields(data):
        if tag == 1:
            return _open(value)
        if tag in (2, 3, 4):
            return _bytes(tag, b"")
        if tag == 5:
            return _share(value)
    raise ValueError("an empty message")


def hello(name, libraries, shares_memory):
    body = _number(1, PROTOCOL) + _text(2, name) + b"".join(_text(3, library) for library in libraries)
    return _bytes(1, body + _number(4, int(shares_memory)))


def opened(slots):
    body = _bytes(1, slots.observation_space.encoded()) + _bytes(2, slots.action_space.encoded())
    body += _number(3, slots.max_episode_steps or 0)
    if slots.solved_return is not None:
        body += _bytes(4, _varint(1 << 3 | 1) + struct.pack("<d", slots.solved_return))
    return _bytes(2, body + _text(5, slots.notes))


def failure(problem, remedy="", refused=False, slots=()):
    return _bytes(5, _number(1, int(refused)) + _text(2, problem) + _text(3, remedy) + _packed(4, list(slots)))


class Discrete:
    """The numbers 0 ..< count (actions)."""

    def __init__(self, count):
        self.count = count
        self.shape, self.dtype = (), "int32"

    def encoded(self):
        return _bytes(1, _number(1, self.count))


class MultiDiscrete:
    """Several discrete choices at once (actions)."""

    def __init__(self, counts):
        self.counts = list(counts)
        self.shape, self.dtype = (len(self.counts),), "int32"

    def encoded(self):
        return _bytes(2, _packed(1, self.counts))


class Box:
    """float32 of a shape; `low` and `high` are flat sequences, one bound per element."""

    def __init__(self, shape, low, high):
        self.shape, self.dtype = tuple(shape), "float32"
        self.low, self.high = list(low), list(high)

    def encoded(self):
        # One number stands for bounds that are all the same.
        each = [values[:1] if len(set(values)) == 1 else values for values in (self.low, self.high)]
        bounds = [struct.pack(f"<{len(values)}f", *values) for values in each]
        return _bytes(3, _packed(1, self.shape) + _bytes(2, bounds[0]) + _bytes(3, bounds[1]))


class Bytes:
    """Whole numbers 0 … high in one byte each (observations)."""

    def __init__(self, shape, high=255):
        self.shape, self.dtype, self.high = tuple(shape), "uint8", high

    def encoded(self):
        return _bytes(4, _packed(1, self.shape) + _number(2, self.high))
