"""The reference passes its own checks with every documented setting that its clients can see.

What cannot be judged with a setting is not applicable. Nothing fails, and nothing goes unnoticed: a
server that does not do what its settings say fails (`tests/mutation`).
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from nemolocal_conformance.budget import Budget
from nemolocal_conformance.context import CheckContext
from nemolocal_conformance.control_client import find_control_client
from nemolocal_conformance.runner import run_checks
from nemolocal_conformance.server_check import ServerCheck
from nemolocal_conformance.server_checks import server_catalogue
from nemolocal_conformance.spending_plan import plan_run
from nemolocal_conformance.target import TargetClient, TargetUnreachable
from nemolocal_conformance.verdicts import ConformanceReport
from nemolocal_contract.clock import Clock, ManualClock, WallClock
from nemolocal_contract.control_api import EffectiveSettings
from nemolocal_contract.endpoints import Attribution
from nemolocal_contract.media import MB, SkillProfile
from nemolocal_server.data.tokens import NewToken
from nemolocal_server.dialect import Dialect
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import FREE_TARIFF, Settings, Tariff
from nemolocal_server.turns.silent_turns import AppliedWeights, SilentTurnPolicy
from nemolocal_server.turns.turn_schedule import TurnTimes

ATTRIBUTION = Attribution("nemolocal-conformance", "1.0.0")
# Seconds of work each: half a gigabyte of upload, and clips that FFmpeg has never made before.
HEAVY = {"upload.size.skill", "general.status.of-size", "credits.frozen"}
CHECKS = list(server_catalogue().values())
LIGHT_CHECKS = [check for check in CHECKS if check.id not in HEAVY]
# Checks that change what they see of a server by moving its clock.
CLOCK_CHECKS = {
    *("token.again.next-week", "token.life.alive", "token.life.over", "general.date"),
    *("render.orphaned", "chat.hang-up.goes-on"),
    *("chat.time.talk", "chat.time.edit", "chat.time.generation"),
}

pytestmark = pytest.mark.usefixtures("memoized_servers")


@dataclass(frozen=True)
class Case:
    """Settings, the checks that they touch, and those that are not applicable then.

    `some` are ids or their beginnings. All checks but the `not_applicable` ones pass.
    """

    settings: dict[str, Any]
    some: str
    not_applicable: set[str] = field(default_factory=set)
    manual: bool = False

    def checks(self) -> list[ServerCheck]:
        prefixes = tuple(self.some.split())
        return [check for check in CHECKS if check.id.startswith(prefixes)]


FREE_EDITS = {
    *("credits.failed.given-back", "credits.lacking.refused", "credits.lacking.unchanged"),
    "chat.silent.charged",
}
FREE_CLIPS = {
    *("credits.lacking.anonymous", "credits.lacking.registered", "general.status.of-credits"),
    "credits.frozen",
}
FREE = FREE_EDITS | FREE_CLIPS
TIMED = "chat.time. chat.heartbeat. chat.turn."
CASES = {
    "free": Case({"tariff": FREE_TARIFF}, "credits.l credits.e chat.silent.charged", FREE),
    "dear": Case({"tariff": Tariff(grant=7, editing=10**6, generation=10**9)}, "credits.l token.n"),
    "clips only": Case({"tariff": Tariff(editing=0, generation=3)}, "credits.l", FREE_EDITS),
    "one token": Case({"address_limit": 1}, "token.new. session.foreign"),
    "ten tokens": Case({"address_limit": 10}, "token. session.foreign render.foreign"),
    "tiny uploads": Case({"upload_limit": 1}, "upload.size upload.type.unknown state.d"),
    "small uploads": Case({"upload_limit": 100_000}, "upload.size upload.multipart"),
    "large uploads": Case({"upload_limit": 10**12}, "upload.size", {"upload.size.skill"}),
    "skill": Case({"skills": (SkillProfile("4k-with-session", 3 * MB, "720p"),)}, "upload.size"),
    "rare heartbeats": Case({"dialect": Dialect(heartbeat_seconds=30.0)}, TIMED),
    "frequent heartbeats": Case(
        {"dialect": Dialect(heartbeat="event", heartbeat_seconds=0.5)}, TIMED
    ),
    "no heartbeats": Case({"dialect": Dialect(heartbeat_seconds=86_400.0)}, TIMED),
    "quick turns": Case({"turn_times": TurnTimes((0, 0), (0, 0), (0, 0))}, TIMED),
    "slow turns": Case({"turn_times": TurnTimes((60, 61), (70, 80), (600, 800), 1000)}, TIMED),
    "short life": Case({"token_lifetime": 3600.0}, "token. render.orphaned"),
    "very short life": Case({"token_lifetime": 30.0}, "token.life token.again token.new"),
    "long life": Case({"token_lifetime": 86_400.0 * 365}, "token.life token.again token.new"),
    "never silent": Case({"silence": SilentTurnPolicy(rate=0.0)}, "chat.silent.rate"),
    "always silent": Case(
        {"silence": SilentTurnPolicy(rate=1.0)},
        "chat.silent chat.gui",
        {"chat.gui.english", "chat.gui.hidden-tools"},
    ),
    "silent by quota": Case({"silence": SilentTurnPolicy(quota=(9, 10))}, "chat.silent.rate"),
    "silent by script": Case({"silence": SilentTurnPolicy(script="..s")}, "chat.silent.rate"),
    "no GUI": Case({"gui": False}, "chat.gui", {"chat.gui.english", "chat.gui.chinese"}),
    "lenient": Case({"sniff": "lenient"}, "upload.type"),
    "fetches": Case({"fetch_from": ("*",)}, "upload.url.local", {"upload.url.local-addresses"}),
    "fetches some": Case({"fetch_from": ("127.0.0.1", "169.*")}, "upload.url"),
    "public": Case({"public_url": "https://nemo.example/nemo"}, "upload.cdn upload.url.own"),
    "queue": Case({"render_queue": (30.0, 90.0)}, "render.status.final"),
    "manual": Case({"clock": "manual"}, "chat.time chat.hang-up chat.turn credits.e", manual=True),
    "manual queue": Case(
        {"clock": "manual", "render_queue": (30.0, 90.0)}, "render.status.final", manual=True
    ),
}


def judge(settings: Settings, clock: Clock | None, checks: list[ServerCheck]) -> ConformanceReport:
    with judged(settings, clock) as context:
        return run_checks(context, checks)


@contextlib.contextmanager
def judged(settings: Settings, clock: Clock | None) -> Iterator[CheckContext]:
    with (
        LocalServer(settings, clock) as server,
        contextlib.closing(TargetClient(server.base_url, ATTRIBUTION)) as target,
    ):
        yield CheckContext(target, find_control_client(target))


def others(report: ConformanceReport) -> dict[str, str]:
    """The outcomes of the checks that did not pass."""
    return {
        v.check: f"{v.outcome}: {v.reason} {v.expected} {v.actual}"
        for v in report.verdicts
        if v.outcome != "passed"
    }


def accused(report: ConformanceReport) -> dict[str, str]:
    return {k: v for k, v in others(report).items() if not v.startswith("not applicable")}


def cases() -> Iterator[object]:
    for name, case in CASES.items():
        yield pytest.param(case, case.checks(), id=name)
        yield pytest.param(case, LIGHT_CHECKS, id=f"{name}, all checks", marks=pytest.mark.nightly)


@pytest.mark.slow
@pytest.mark.parametrize(("case", "checks"), list(cases()))
def test_reference_passes_with_each_setting(case: Case, checks: list[ServerCheck]) -> None:
    clock = None if case.manual else ManualClock(autojump=True)
    report = judge(Settings(port=0, **case.settings), clock, checks)
    assert accused(report) == {}
    if case.not_applicable:
        chosen = {check.id for check in checks}
        assert set(others(report)) == case.not_applicable & chosen


def test_prices_are_those_of_the_tariff() -> None:
    chosen = [c for c in CHECKS if c.id in ("credits.edit.price", "token.new.credits")]
    tariff = Tariff(grant=9, editing=5)
    assert others(judge(Settings(port=0, tariff=tariff), ManualClock(autojump=True), chosen)) == {}


def test_manual_clock_is_advanced_while_a_turn_waits() -> None:
    chosen = [check for check in CHECKS if check.id in ("chat.time.edit", "chat.end.clean")]
    assert others(judge(Settings(port=0, clock="manual"), None, chosen)) == {}


def test_address_without_tokens_left_is_not_applicable() -> None:
    names = ("token.new.user", "token.new.expiry", "general.user.no-hint")
    chosen = [server_catalogue()[name] for name in names]
    report = judge(Settings(port=0, address_limit=1), ManualClock(autojump=True), chosen)
    assert list(others(report)) == ["token.new.expiry"]
    assert "AUTH-4" in others(report)["token.new.expiry"]


def test_server_without_control_api_is_judged_as_any_other() -> None:
    settings = Settings(port=0, control=False)
    with judged(settings, ManualClock(autojump=True)) as context:
        assert context.target.is_local
        assert not context.has_control
        chosen = plan_run(CHECKS, Budget(credits=0, tokens=1)).checks
        report = run_checks(context, [check for check in chosen if "render" not in check.id])
    assert len(report.verdicts) > 70
    assert report.ours
    assert others(report) == {}


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_server_without_control_api_passes_what_may_cost() -> None:
    with judged(Settings(port=0, control=False), ManualClock(autojump=True)) as context:
        chosen = plan_run(LIGHT_CHECKS, Budget(credits=100, tokens=100)).checks
        assert others(run_checks(context, chosen)) == {}


@pytest.mark.slow
def test_real_clock_is_not_measured() -> None:
    settings = Settings(port=0, speed=1_000.0, dialect=Dialect(heartbeat_seconds=60.0))
    chosen = [check for check in CHECKS if check.id in {*CLOCK_CHECKS, "chat.turn.limit"}]
    report = judge(settings, WallClock(speed=1_000.0), chosen)
    assert accused(report) == {}
    assert set(others(report)) == CLOCK_CHECKS


@pytest.mark.slow
def test_long_turns_are_begun_first_where_time_passes_by_itself() -> None:
    """They wait beside other checks, and are evidence of the check that needs them."""
    settings = Settings(port=0, speed=10_000.0)
    with judged(settings, WallClock(speed=10_000.0)) as context:
        context.target.take_evidence()
        context.begin_long_turns(["stalled"])
        assert context.target.take_evidence() == ()
        assert context.stalled_turn is context.stalled_turn
        asked = [exchange.url for exchange in context.target.take_evidence()]
        assert any(url.endswith("/run_sse") for url in asked)


@pytest.mark.slow
def test_silent_turns_are_counted_in_sessions_at_the_same_time_on_a_real_clock() -> None:
    settings = Settings(port=0, speed=10_000.0, silence=SilentTurnPolicy(rate=1.0))
    report = judge(settings, WallClock(speed=10_000.0), [server_catalogue()["chat.silent.rate"]])
    assert others(report) == {}
    titles = [e for v in report.verdicts for e in v.evidence if "Take" in e.request_body]
    assert len(titles) == 40


def test_settings_without_secrets_are_told(tmp_path: Path) -> None:
    tokens = (NewToken(token="nmv_usr_of-the-user"),)
    settings = Settings(
        port=0,
        data_dir=tmp_path / "data",
        control_token="ctl_secret",
        tokens=tokens,
        tariff=Tariff(editing=3),
    )
    with LocalServer(settings, ManualClock(autojump=True)) as server:
        target = TargetClient(server.base_url, ATTRIBUTION)
        with contextlib.closing(target):
            control = find_control_client(target, "ctl_secret")
            assert control is not None
            assert control.settings.tariff.editing == 3
            told = [exchange.response_body for exchange in target.take_evidence()]
            assert any('"editing":3' in body for body in told)
            assert not any("ctl_" in body or "nmv_" in body for body in told)


def test_settings_that_cannot_be_read_are_reported() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        status = 500 if request.url.path.endswith("/settings") else 200
        return httpx.Response(status, json={"name": "nemolocal"})

    target = TargetClient("http://peer.test", ATTRIBUTION, httpx.MockTransport(answer))
    with pytest.raises(TargetUnreachable, match=r"settings of the server: GET .* answered 500"):
        find_control_client(target)


def test_edit_without_credits_is_not_applicable_where_none_can_be_given() -> None:
    settings = Settings(port=0, control=False, tariff=Tariff(grant=50))
    names = ("state.draft.video-type", "state.newest", "state.ready.after-edit")
    with judged(settings, ManualClock(autojump=True)) as context:
        report = run_checks(context, [server_catalogue()[name] for name in names])
    assert accused(report) == {}
    assert list(others(report)) == ["state.newest", "state.ready.after-edit"]


def test_each_told_setting_is_one_of_the_server() -> None:
    assert set(EffectiveSettings.__struct_fields__) <= set(Settings.__struct_fields__)
    defaults = msgspec.convert(msgspec.to_builtins(Settings()), EffectiveSettings)
    assert msgspec.structs.replace(defaults, speed=1.0) == EffectiveSettings()


def test_settings_api_has_every_field_of_the_server_settings_that_it_has() -> None:
    missing = {
        f"{name}.{field}"
        for name in EffectiveSettings.__struct_fields__
        if isinstance(value := getattr(Settings(), name), msgspec.Struct)
        for field in value.__struct_fields__
        if not hasattr(getattr(EffectiveSettings(), name), field)
    }
    assert missing == set()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"chaos": 0.1}, "chaos 0.1"),
        ({"scenario": "rough-network"}, "cut-reset"),
        ({"silence": SilentTurnPolicy(script="..n")}, "not applied"),
        ({"silence": SilentTurnPolicy(truths=AppliedWeights(late=0.1))}, "not applied"),
    ],
)
def test_server_that_injects_faults_is_not_judged(settings: dict[str, Any], named: str) -> None:
    with (
        pytest.raises(TargetUnreachable, match=f"injects faults .*{named}.*disarm them"),
        judged(Settings(port=0, **settings), ManualClock(autojump=True)),
    ):
        pass


def test_fault_of_one_user_is_nobody_elses() -> None:
    with judged(Settings(port=0), ManualClock(autojump=True)) as context:
        context.control.arm_fault("silent", "anon_somebody")
        context.control.require_no_faults()
