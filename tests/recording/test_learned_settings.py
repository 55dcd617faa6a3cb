"""A server with the settings that were learnt behaves as the one that was recorded."""

import tomllib
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import msgspec
import pytest

from nemolocal.main import main
from nemolocal_client import Attribution, Client
from nemolocal_client.profile import MemoryProfile
from nemolocal_contract.endpoints import BALANCE, RENDER, STATE, bearer_header
from nemolocal_recording.learning.learned_settings import learned_toml
from nemolocal_recording.learning.learned_values import age_in_words, learn_values
from nemolocal_recording.learning.new_names import new_names
from nemolocal_recording.learning.observations import (
    CountObservation,
    ObservationLine,
    RecordingSource,
    ValueObservation,
)
from nemolocal_recording.learning.traffic_view import TrafficView
from nemolocal_render.media import MediaInfo
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from nemolocal_server.settings_loader import load_settings
from tests.mutation.clients.lockstep_clock import LockstepClock, lockstep_transport
from tests.support.executor import FakeRenderExecutor
from tests.support.recorder import running_recorder

TODAY = "2026-01-31"
EDITS = 10
SKILL = Attribution("s", "1.0")


class OneClientId(MemoryProfile):
    """The random choices of a server depend on the client id."""

    def renew_client_id(self, base_url: str = "") -> str:
        self._client_ids[base_url] = "client-1"
        return "client-1"


def play(base_url: str, clock: LockstepClock, folder: Path) -> None:
    """Talk, edit, export, and make some calls that are refused."""
    profile = OneClientId()
    with Client(
        base_url, attribution=SKILL, profile=profile, clock=clock, environment={}
    ) as client:
        client.balance()
        client.say("hello")
        clip = folder / "clip.mp4"
        clip.write_bytes(b"a clip")
        client.upload(clip)
        client.balance()
        client.say("put my clip on the timeline")
        for number in range(EDITS):
            client.balance()
            client.say(f"add a title 'Title {number}' for 1 second")
        client.balance()
        client.export(folder / "out.mp4")
        state = client.state()
        kept = profile.token(base_url)
    assert kept is not None
    with httpx.Client(base_url=base_url, trust_env=False, timeout=60) as http:
        http.headers.update(bearer_header(kept.token.reveal()))
        http.get(BALANCE.path())
        body = {"id": "render_x", "sessionId": state.session_id, "draft": state.state.draft}
        http.post(RENDER.path(), json=body)
        http.get(STATE.path(user="me", session="1234567890123456789"))
        http.get(BALANCE.path(), headers=bearer_header("nmv_usr_nobody"))


async def fake_probe(path: Path, extension: str) -> MediaInfo:
    del path
    return MediaInfo("video", extension, 10.0, 1280, 720, 30.0, "h264", "yuv420p", "aac")


def record(settings: Settings, path: Path) -> RecordingSource:
    """Record a client and a server that share a clock, on which hours take no time."""
    clock = LockstepClock()
    with (
        mock.patch("nemolocal_client.client.Transport", lockstep_transport(clock)),
        mock.patch("nemolocal_server.api.upload_endpoints.probe", fake_probe),
        LocalServer(settings, clock, FakeRenderExecutor(), wrap=clock.wrap_app) as server,
    ):
        server.call(clock.attach())
        with running_recorder(server.base_url, path, clock=clock) as recorder:
            play(recorder.base_url, clock, path.parent)
    return RecordingSource.read(path)


DIALECTS: dict[str, dict[str, Any]] = {
    "skills": {"heartbeat_seconds": 12.0},
    "reference": {
        "sse": "typed", "heartbeat": "event", "render": "nested", "errors": "http",
        "export_402": "out_of_credits", "heartbeat_seconds": 9.5,
    },
    "adk": {"errors": "adk"},
}  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["reference", *(pytest.param(name, marks=pytest.mark.slow) for name in ("skills", "adk"))],
)
def test_recording_of_the_learned_server_shows_the_same(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    seen = {
        "port": 0, "seed": 3, "dialect": DIALECTS[name], "silence": {"rate": 0.5},
        "tariff": {"grant": 130, "editing": 40}, "render_queue": (40.0, 70.0),
        "turn_times": {"talk": (3.0, 7.0), "edit": (50.0, 80.0)},
    }  # fmt: skip
    first = record(load_settings(given=seen), tmp_path / "first.jsonl")
    assert main(["learn", "first.jsonl"]) == 0
    learned = load_settings(Path("learned.toml"), {"port": 0, "seed": 3})
    second = record(learned, tmp_path / "second.jsonl")

    was, now = first.observe(), second.observe()
    assert rules_of(now) == rules_of(was)
    assert variants_of(now) == variants_of(was)
    held_before, again = values_of(was), values_of(now)
    assert again.keys() == held_before.keys()
    for key, held in held_before.items():
        # A silent turn has no length of its own: its text is missing at the end.
        spoken = held_before[key.replace("silent ", "")]
        low, high = min(*held, *spoken), max(*held, *spoken)
        assert all(low <= number <= high for number in again[key]), key
    assert held_before["heartbeat interval"][0] == DIALECTS[name].get("heartbeat_seconds", 15.0)
    assert held_before["price: first edit of a session"] == (40,)
    assert held_before["render queue, at most"] == (60.0,)
    assert new_names([TrafficView(first.recording), TrafficView(second.recording)]) == []
    assert 0 < learned.silence.rate < 1
    assert learned.speed == 1


def rules_of(lines: list[ObservationLine]) -> set[tuple[str, str, str]]:
    return {
        (line["rule"], line["outcome"], line.get("alternative", ""))
        for line in map(as_dict, lines)
        if "rule" in line
    }


def variants_of(lines: list[ObservationLine]) -> set[tuple[str, str]]:
    return {(one.name, one.variant) for one in lines if isinstance(one, CountObservation)}


def values_of(lines: list[ObservationLine]) -> dict[str, tuple[float, ...]]:
    return {one.name: one.seen for one in lines if isinstance(one, ValueObservation)}


def as_dict(line: ObservationLine) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(line)
    return found


def values(name: str, *seen: float, day: str = TODAY, recording: str = "a") -> ValueObservation:
    unit: Any = "credits" if "price" in name or "credits" in name else "s"
    return ValueObservation(name, unit, seen, day, recording, "cloud")


def variants(name: str, **counts: int) -> list[CountObservation]:
    return [
        CountObservation(name, variant, count, TODAY, "a", "cloud")
        for variant, count in counts.items()
    ]


def settings_of(*lines: ObservationLine) -> tuple[str, dict[str, Any]]:
    """The file that these observations make, as text and as settings that a server accepts."""
    text = learned_toml(learn_values(lines), "the cloud", TODAY)
    found = tomllib.loads(text)
    load_settings(given=found)
    return text, found


def test_each_value_has_its_count_source_and_age() -> None:
    text, found = settings_of(
        values("heartbeat interval", 15.0, 15.5, day="2026-01-20"),
        values("heartbeat interval", 14.5, day="2026-01-28", recording="b"),
    )
    assert found["dialect"]["heartbeat_seconds"] == 15.0
    assert "# SSE-3: 14.5 to 15.5 s, median 15 s, seen 3 times\n" in text
    source = "# 2 recordings from 2026-01-20 to 2026-01-28 (3 days old, stable: 2 days)\n"
    assert f"{source}heartbeat_seconds = 15.0\n" in text
    assert "# SSE-2: sse was not seen; the default stands\n" in text


def test_what_cannot_be_told_keeps_its_default() -> None:
    text, found = settings_of(
        *variants("sse", adk=3, typed=1),
        *variants("errors", envelope=2, http=1),
        *variants("silent edits", silent=3, text=6),
        values("price: first edit of a session", 50.0, 49.0),
        values("render queue, at most", 60.0),
    )
    assert {"sse", "errors"}.isdisjoint(found["dialect"])
    assert found["silence"] == {}
    assert found["tariff"] == {}
    assert "render_queue" not in found
    assert "# sse: the default stands" in text
    assert "A rate is set from 10 edits on." in text


@pytest.mark.parametrize(
    ("seen", "set_to"),
    [
        ({"envelope": 1}, "envelope"),
        ({"http": 2}, "http"),
        ({"envelope": 1, "adk": 1}, "adk"),
        ({"http": 1, "adk": 1}, "http"),
        ({"envelope": 1, "http": 1, "adk": 1}, None),
        ({"pigeon": 1}, None),
    ],
)
def test_style_of_errors_follows_what_was_seen(seen: dict[str, int], set_to: str | None) -> None:
    _, found = settings_of(*variants("errors", **seen))
    assert found["dialect"].get("errors") == set_to


def test_longer_turn_than_documented_moves_the_limit() -> None:
    _, found = settings_of(values("turn: generation", 200.0, 1000.5))
    assert found["turn_times"] == {"generation": [200.0, 1000.5], "limit": 1000.5}


def test_observations_of_others_cannot_write_settings_of_their_own() -> None:
    """A file of observations may come from somebody else."""
    text, found = settings_of(
        values("x\ncontrol = false\n# ", 1.0),
        *variants("sse", **{'adk"\ncontrol = false\n# ': 2}),
        values("turn: edit", -5.0, 1e300),
        values("price: generation", 1e300),
        values("heartbeat interval", 0.0),
    )
    assert found.keys() == {"speed", "tariff", "turn_times", "silence", "dialect"}
    assert found["turn_times"]["edit"] == [0.0, 86400.0]
    assert found["tariff"] == found["dialect"] == {}
    assert "control" not in text


@pytest.mark.parametrize(
    ("day", "words"),
    [(TODAY, "today"), ("2026-01-30", "1 day old"), ("2025-01-31", "365 days old"),
     ("2026-02-01", "today"), ("2026-99-99", "of unknown age")],
)  # fmt: skip
def test_age_is_told_in_days(day: str, words: str) -> None:
    assert age_in_words(day, TODAY) == words
