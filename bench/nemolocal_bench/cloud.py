"""The cloud's side: one export through the client, and the times that the vendor publishes."""

import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import msgspec

from nemolocal_client import Client, Notice, NoticeKind, Notify, host_of, is_loopback

from .variants import VariantResult
from .video_files import VideoFile

MESSAGE = "compress this video using RTK encoding to reduce file size without losing quality"
EXPORT_NAME = "cloud.mp4"
STAGES = ("upload", "edit", "queue", "render", "download")
PUBLISHED_LABEL = "published, not measured"


class OpenClient(Protocol):
    """Opens a client that reports its progress."""

    def __call__(self, base_url: str, notify: Notify) -> AbstractContextManager[Client]:
        """Open a client of the server at `base_url`."""


class PublishedTime(msgspec.Struct, frozen=True):
    """A range of seconds that the vendor publishes: for what, and where.

    `clip_seconds` is the length of the clip, 0.0 if none is named. `source` is a line of a
    seed document: S0 is ai-rtk-compressor, S3 is 4k-with-session.
    """

    what: str
    least_seconds: float
    most_seconds: float
    source: str
    label: str = PUBLISHED_LABEL
    clip_seconds: float = 0.0


PUBLISHED_TIMES = (
    PublishedTime("a clip of 30 s", 30.0, 90.0, "S0:56", clip_seconds=30.0),
    PublishedTime("2 minutes of 4K at 800 MB, to 1080p", 30.0, 90.0, "S0:10", clip_seconds=120.0),
    PublishedTime("each export job", 30.0, 90.0, "S0:20"),
)


class StageTimer:
    """Measures the time of each stage by the client's notices."""

    def __init__(self) -> None:
        self._begun: dict[str, float] = {}
        self._stage = ""
        self.stages: dict[str, float] = {}

    def start_stage(self, stage: str) -> None:
        """Start a stage and end the one before; "" ends the last."""
        now = time.perf_counter()
        if self._stage:
            self.stages[self._stage] = now - self._begun[self._stage]
        self._begun[stage] = now
        self._stage = stage

    def on_notice(self, notice: Notice) -> None:
        """Handle a notice: rendering or the download has begun."""
        begun: dict[NoticeKind, str] = {"download": "download"}
        if notice.progress:
            begun["render"] = "render"
        stage = begun.get(notice.kind)
        # A repeated notice does not start its stage again.
        if stage and self._stage in ("queue", "render") and stage != self._stage:
            self.start_stage(stage)


def run_cloud_export(
    open_client: OpenClient, base_url: str, clip: VideoFile, folder: Path
) -> VariantResult:
    """Upload, edit, export and download, each timed; the file is `folder / EXPORT_NAME`.

    Raises NemoError if the server rejects a request.
    """
    watch = StageTimer()
    with open_client(base_url, watch.on_notice) as client:
        client.connect()
        client.open_session()
        watch.start_stage("upload")
        client.upload(clip.path)
        watch.start_stage("edit")
        client.say(MESSAGE)
        watch.start_stage("queue")
        client.export(folder / EXPORT_NAME)
        watch.start_stage("")
    seconds = sum(watch.stages.values())
    return VariantResult(
        name=server_label(base_url),
        curve=server_label(base_url),
        where="cloud",
        note="not the cloud" if _is_local(base_url) else "",
        seconds=seconds,
        speed=clip.seconds / seconds,
        stages=watch.stages,
    )


def server_label(base_url: str) -> str:
    """Return the name of a server in a report."""
    return "local server" if _is_local(base_url) else f"cloud ({host_of(base_url)})"


def _is_local(base_url: str) -> bool:
    return is_loopback(host_of(base_url))
