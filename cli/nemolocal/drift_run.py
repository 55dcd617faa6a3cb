"""Runs `nemolocal drift`: replays, a second one where something differs, and the reports."""

import argparse
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from nemolocal_client import is_loopback
from nemolocal_client.httpx_adapter import host_of
from nemolocal_contract.clock import ManualClock, WallClock
from nemolocal_contract.endpoints import ANONYMOUS_TOKEN_PREFIX, CLOUD_BASE_URL
from nemolocal_recording.drift.drift_evaluation import compare_replay, confirm
from nemolocal_recording.drift.drift_files import (
    drift_html,
    drift_json,
    drift_lines,
    drift_markdown,
)
from nemolocal_recording.drift.drift_report import DriftReport
from nemolocal_recording.drift.recording_player import LOCAL_PACE, Pace, RecordingPlayer
from nemolocal_recording.drift.replay_plan import RecordingPlan, ReplayBudget, plan_replay
from nemolocal_recording.learning.observations import read_observations
from nemolocal_recording.recording import Recording, assemble
from nemolocal_recording.recording_file import RecordingUnreadable, read_lines

from .conform_target import resolve_token
from .errors import UsageError
from .report_files import write_report_files

# A token for what was recorded with one of the user.
_MOCK_TOKEN = f"{ANONYMOUS_TOKEN_PREFIX}drift"
_MOCK_CREDITS = 100_000


class DriftTarget(msgspec.Struct, frozen=True):
    """A server to play on: its base URL and name, the user's token, and how fast it is polled."""

    base_url: str
    name: str
    token: str
    pace: Pace


def run_drift(arguments: argparse.Namespace) -> int:
    """Play a recording, print and write the report; return the exit status."""
    path = Path(arguments.recording)
    if arguments.base_url and arguments.config:
        raise UsageError("--config is about the local server: give it or --base-url, not both")
    try:
        recording = assemble(read_lines(path))
        observations = read_observations(Path(arguments.observations))
    except RecordingUnreadable as problem:
        raise UsageError(str(problem)) from None
    if arguments.base_url:
        report = _play_on_url(arguments, recording, path.name)
    else:
        report = _play_on_mock(recording, path.name, arguments.config)
    if arguments.report:
        reports = [report]
        if arguments.base_url:
            reports.append(_play_on_mock(recording, path.name, None))
        contents = {
            "drift.json": drift_json(report),
            "drift.html": drift_html(reports, observations),
            "drift.md": drift_markdown(reports, observations),
        }
        write_report_files(Path(arguments.report), contents)
    if arguments.json:
        print(drift_json(report), end="")
    else:
        for line in drift_lines(report):
            print(line)
    return report.exit_status


def _play_on_url(arguments: argparse.Namespace, recording: Recording, name: str) -> DriftReport:
    budget = ReplayBudget(arguments.max_credits, arguments.max_tokens)
    plan = plan_replay(recording, budget)
    base_url = arguments.base_url.rstrip("/")
    print(f"nemolocal drift: {plan.cost_message}", file=sys.stderr, flush=True)
    target = DriftTarget(base_url, base_url, resolve_token(arguments), _pace(base_url))
    return _play_twice(target, recording, name, plan, again=plan.fits(budget, times=2))


def _pace(base_url: str) -> Pace:
    """Return the pace of the contract; that of a server on this machine is faster."""
    is_local = is_loopback(host_of(base_url))
    return Pace(poll=1.0, longest_wait=60.0) if is_local else Pace()


def _play_on_mock(recording: Recording, name: str, config: str | None) -> DriftReport:
    plan = plan_replay(recording, ReplayBudget())
    with _mock_server(config) as base_url:
        target = DriftTarget(base_url, "mock", _MOCK_TOKEN, LOCAL_PACE)
        return _play_twice(target, recording, name, plan, again=True)


def _play_twice(
    target: DriftTarget, recording: Recording, name: str, plan: RecordingPlan, *, again: bool
) -> DriftReport:
    """Play a recording, and a second time if that is allowed and something differs."""

    def play() -> DriftReport:
        server = "cloud" if target.base_url == CLOUD_BASE_URL else "other"
        player = RecordingPlayer(
            target.base_url,
            recording,
            WallClock(),
            pace=target.pace,
            token=target.token,
            server=server,
        )
        replay = player.play(plan)
        cost = "The mock charges nothing" if target.name == "mock" else plan.cost_message
        return compare_replay(recording, replay, name=name, server=target.name, cost=cost)

    first = play()
    return confirm(first, play()) if again and first.verdict == "changed" else first


@contextlib.contextmanager
def _mock_server(config: str | None) -> Iterator[str]:
    """Open a local server whose clock jumps; raises UsageError for an invalid file."""
    from nemolocal_server.data.tokens import NewToken
    from nemolocal_server.serving import LocalServer
    from nemolocal_server.settings import Settings
    from nemolocal_server.settings_loader import load_settings

    try:
        found: Settings = load_settings(Path(config) if config else None)
    except ValueError as error:
        raise UsageError(str(error)) from error
    own = NewToken(token=_MOCK_TOKEN, credits=_MOCK_CREDITS)
    settings = msgspec.structs.replace(
        found, port=0, host="127.0.0.1", data_dir=None, tokens=(*found.tokens, own)
    )
    with LocalServer(settings, ManualClock(autojump=True)) as server:
        yield server.base_url
