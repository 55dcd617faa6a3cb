"""Why a worker gets no parts: the names of the queues say of which builds they are."""

from typing import NamedTuple


class _QueueName(NamedTuple):
    """The fields of a queue's name (`farm_build.queue_name`)."""

    version: str
    renderer: str
    ffmpeg: str
    key: str
    encoder: str


def why_unfit(queue: str, own: str) -> str:
    """Return why a worker of a queue gets no parts of the queue `own`; empty if it does."""
    if queue == own:
        return ""
    try:
        other, this = _parse(queue), _parse(own)
    except (TypeError, ValueError):
        return "its build is not known here"
    if other.version != this.version:
        return f"it has Nemo Local {other.version} instead of {this.version}"
    if other.ffmpeg != this.ffmpeg:
        return f"it has another FFmpeg (binary {other.ffmpeg} instead of {this.ffmpeg})"
    if other.renderer != this.renderer:
        return f"its files of Nemo Local {other.version} differ from those here"
    return f"it encodes with {other.encoder} instead of {this.encoder}"


def _parse(queue: str) -> _QueueName:
    return _QueueName(*queue.removeprefix("nemolocal-").rsplit("-", 4))
