"""What a rendered file sounds like: its samples, how loud they are, how strong a tone is."""

import array
import math
from pathlib import Path

import av

RATE = 48_000


def read_samples(path: Path) -> "array.array[float]":
    """The samples of the left channel of an AAC track."""
    heard = array.array("f")
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            heard.frombytes(bytes(frame.planes[0])[: frame.samples * 4])
    return heard


def loudness(heard: "array.array[float]", start: float, end: float) -> float:
    """The root mean square of samples between two seconds."""
    part = _between(heard, start, end)
    return math.sqrt(sum(value * value for value in part) / len(part))


def tone_strength(heard: "array.array[float]", hertz: float, start: float, end: float) -> float:
    """How strong a tone is between two seconds of samples: the height of its wave."""
    part = _between(heard, start, end)
    angle = 2 * math.pi * hertz / RATE
    sums = [sum(v * turn(n * angle) for n, v in enumerate(part)) for turn in (math.sin, math.cos)]
    return 2 * math.hypot(*sums) / len(part)


def _between(heard: "array.array[float]", start: float, end: float) -> "array.array[float]":
    return heard[int(start * RATE) : int(end * RATE)]
