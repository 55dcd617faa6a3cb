"""Estimates the remaining time from the costs of steps, corrected by the finished ones."""

import time
from dataclasses import dataclass, field

from nemolocal_render.cpu_count import usable_cores

from .metrics import Instruments, pace_of
from .video_files import VideoFile

# Measured seconds of processor time for a 4K frame; finished steps soon correct them.
_PRESETS = {"ultrafast": 0.08, "veryfast": 0.16, "medium": 0.35, "slow": 0.6, "": 0.1}
_OTHER_PRESET = 0.4
_PASS, _METRICS = 0.12, 0.55
_PIXELS = 3840 * 2160


def run_cost(video: VideoFile, preset: str, instruments: Instruments) -> float:
    """Return the approximate seconds of processor time to encode and measure a video."""
    every = pace_of(video) if instruments.paced else 1
    frame = _PRESETS.get(preset, _OTHER_PRESET) + _PASS + _METRICS / every
    return video.frames * video.width * video.height / _PIXELS * frame


@dataclass
class TimeLeft:
    """The remaining steps by name, with their costs; finished steps give the speed."""

    steps: dict[str, float] = field(default_factory=dict)
    _done: float = 0.0
    _elapsed: float = 0.0
    _running: tuple[float, float] | None = None

    def plan(self, name: str, cost: float) -> None:
        """Add a step, or change its cost."""
        self.steps[name] = cost

    def begin(self, name: str) -> None:
        """Begin a step, which ends the one before; an unknown name only ends it."""
        now = time.perf_counter()
        if self._running is not None:
            began, cost = self._running
            self._elapsed += now - began
            self._done += cost
        cost = self.steps.pop(name, 0.0)
        self._running = (now, cost) if cost else None

    def skip(self, name: str) -> None:
        """Remove a step that is not needed."""
        self.steps.pop(name, None)

    def describe(self) -> str:
        """Return the time left for the running step and all others, as "about 3 min left"."""
        running = self._running[1] if self._running else 0.0
        pace = self._elapsed / self._done if self._done else 1 / usable_cores()
        return f"about {format_duration((running + sum(self.steps.values())) * pace)} left"


def format_duration(seconds: float) -> str:
    """Return seconds up to 90 s, else minutes, else hours and minutes."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"
