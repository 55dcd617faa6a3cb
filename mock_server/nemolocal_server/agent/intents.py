"""What a user can want: the vocabulary between understanding and editing."""

from typing import Literal

import msgspec


class Span(msgspec.Struct, frozen=True):
    """A stretch of the timeline in ms: `last_ms` counts from the end, else `start_ms` to `end_ms`.

    `end_ms` None is the end of the timeline.
    """

    start_ms: int = 0
    end_ms: int | None = None
    last_ms: int | None = None

    def resolve(self, total_ms: int) -> tuple[int, int]:
        """The start and the end on a timeline of this length."""
        if self.last_ms is not None:
            return max(0, total_ms - self.last_ms), total_ms
        end = total_ms if self.end_ms is None else min(self.end_ms, total_ms)
        return min(self.start_ms, end), end


class PlaceUploads(msgspec.Struct, frozen=True):
    """Put what was uploaded on the timeline."""


class Keep(msgspec.Struct, frozen=True):
    """Trim to a span."""

    span: Span


class Remove(msgspec.Struct, frozen=True):
    """Cut a span out."""

    span: Span


class AddTitle(msgspec.Struct, frozen=True):
    """Show a text; without a span for its first seconds."""

    text: str
    span: Span | None = None
    color: str | None = None
    position: str | None = None


class AddMusic(msgspec.Struct, frozen=True):
    """Put background music under everything; replaces the music that was there."""

    mood: str
    volume: float


class Generate(msgspec.Struct, frozen=True):
    """Make a clip out of nothing: `scene` is a key of the renderer's SCENES, `prompt` the words."""

    scene: str
    seconds: float
    prompt: str


class SetMusicVolume(msgspec.Struct, frozen=True):
    """Change how loud the music is."""

    volume: float


class Compress(msgspec.Struct, frozen=True):
    """Make the export smaller than its sources without visible loss."""

    mode: Literal["rtk"] = "rtk"


Edit = Generate | PlaceUploads | Keep | Remove | AddTitle | AddMusic | SetMusicVolume | Compress


Topic = Literal["hello", "how", "declined", "unknown"]


class Talk(msgspec.Struct, frozen=True):
    """Nothing to do: answer and charge nothing. `topic` names the answer in `speech`."""

    topic: Topic
