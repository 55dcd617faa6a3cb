"""Media that were damaged by a seed: flipped bytes, cut off, doubled, spliced, blown up numbers."""

import random
from collections.abc import Callable, Iterator, Mapping

Content = bytes
_Mutation = Callable[[random.Random, Content, Content], Content]
# Most damage is done where a container says what follows.
_HEAD = 512
# What a field of a size, a rate or a count may be made to say.
_NUMBERS = (
    *(bytes(4), b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\1", b"\1\0\0\0"),
    *(bytes(8), b"\xff" * 8, b"\x7f" + b"\xff" * 7),
)


def mutated(
    samples: Mapping[str, Content], draw: random.Random, count: int
) -> Iterator[tuple[str, Content]]:
    """So many damaged files with the extension of what they were; every sample takes its turn."""
    names = sorted(samples)
    for number in range(count):
        name = names[number % len(names)]
        content, other = samples[name], samples[draw.choice(names)]
        for _ in range(draw.choice((1, 1, 1, 2, 3))):
            content = draw.choice(_MUTATIONS)(draw, content, other)
        yield name.rpartition(".")[2], content


def _place(draw: random.Random, content: Content | bytearray) -> int:
    end = len(content) if draw.random() < 0.5 else min(_HEAD, len(content))
    return draw.randrange(end + 1)


def _flip(draw: random.Random, content: Content, _other: Content) -> Content:
    created = bytearray(content or b"\0")
    for _ in range(draw.choice((1, 2, 8, 64))):
        created[min(_place(draw, created), len(created) - 1)] ^= 1 << draw.randrange(8)
    return bytes(created)


def _overwrite(draw: random.Random, content: Content, _other: Content) -> Content:
    number, place = draw.choice(_NUMBERS), _place(draw, content)
    return content[:place] + number + content[place + len(number) :]


def _scramble(draw: random.Random, content: Content, _other: Content) -> Content:
    place, length = _place(draw, content), draw.choice((4, 32, 256, 4096))
    length = min(length, len(content) - place)
    return content[:place] + draw.randbytes(length) + content[place + length :]


def _cut_off(draw: random.Random, content: Content, _other: Content) -> Content:
    return content[: _place(draw, content)]


def _behead(draw: random.Random, content: Content, _other: Content) -> Content:
    keep = draw.choice((0, 12, 64))
    return content[:keep] + content[max(keep, _place(draw, content)) :]


def _leave_out(draw: random.Random, content: Content, _other: Content) -> Content:
    first, last = sorted((_place(draw, content), _place(draw, content)))
    return content[:first] + content[last:]


def _double(draw: random.Random, content: Content, _other: Content) -> Content:
    first, last = sorted((_place(draw, content), _place(draw, content)))
    return content[:last] + content[first:last] * draw.choice((1, 1, 7)) + content[last:]


def _append_itself(_draw: random.Random, content: Content, _other: Content) -> Content:
    return content * 2


def _splice(draw: random.Random, content: Content, other: Content) -> Content:
    return content[: _place(draw, content)] + other[_place(draw, other) :]


def _insert(draw: random.Random, content: Content, other: Content) -> Content:
    place, begin = _place(draw, content), _place(draw, other)
    return content[:place] + other[begin : begin + 4096] + content[place:]


_MUTATIONS: tuple[_Mutation, ...] = (
    *(_flip, _flip, _overwrite, _overwrite, _scramble, _cut_off, _behead, _leave_out),
    *(_double, _append_itself, _splice, _insert),
)
