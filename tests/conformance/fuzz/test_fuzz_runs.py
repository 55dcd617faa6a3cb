"""What the model allows, what it does not, and how a script ends."""

import pytest

from nemolocal_conformance.context import GENERATE_CLIP, PUT_ON_TIMELINE
from nemolocal_conformance.fuzz.script import (
    OWN_ACCOUNT,
    TITLE_MESSAGE,
    AnyStep,
    BalanceStep,
    CallScript,
    CancelStep,
    ClaimStep,
    DownloadStep,
    ExportStep,
    FollowStep,
    MessageStep,
    SessionStep,
    StateStep,
    StatusStep,
    TokenStep,
    UploadStep,
    UrlUploadStep,
    WaitStep,
)
from nemolocal_conformance.fuzz.violation import Violation
from nemolocal_server.dialect import Dialect
from nemolocal_server.settings import FREE_TARIFF, Tariff
from tests.mutation.server_mutant import ServerMutant
from tests.mutation.server_runner import mutant_script_runner
from tests.mutation.servers import server_mutants

from .script_runs import ANN, BALANCE, BOB, EXPORT, FOLLOW, PICTURE, PUT, SESSION, STATE, play

TITLED, UNDO = MessageStep("s1", TITLE_MESSAGE, by="ann"), MessageStep("s1", "undo", by="ann")
SECOND = ExportStep("s1", "r2", by="ann")
DAY = 86_400.0


def play_on(mutant: ServerMutant | str, *steps: AnyStep) -> Violation | None:
    broken = server_mutants()[mutant] if isinstance(mutant, str) else mutant
    with mutant_script_runner(broken) as runner:
        return runner.run(CallScript(steps)).violation


ALLOWED = {
    "names that nothing was made for": (
        STATE, BALANCE, PICTURE, PUT, EXPORT, StatusStep("r1", by="ann"), FOLLOW,
        CancelStep("r1", by="ann"),
        DownloadStep("r1", by="ann"), ClaimStep("s1", by="ann"), UrlUploadStep("s1", by="ann"),
        SESSION, ANN, STATE,
        PUT, PICTURE, ClaimStep("s1", by="ann"), UrlUploadStep("s1", by="ann"), FOLLOW, EXPORT,
        BALANCE,
    ),
    "everything between two people": (
        ANN, BOB, SESSION, ClaimStep("s1", by="ann"), ClaimStep("s1", by="bob"), StateStep("s1",
        by="bob"),
        MessageStep("s1", "hello", by="bob"), UploadStep("s1", ("picture.png",), by="bob"), EXPORT,
        StatusStep("r1", by="bob"), CancelStep("r1", by="bob"), DownloadStep("r1", by="bob"),
        ExportStep("s1", "r1", by="bob"), SessionStep("s2", by="bob"), ExportStep("s2", "r1",
        by="bob"),
        CancelStep("r1", by="bob"), FOLLOW, DownloadStep("r1", by="ann"), DownloadStep("r1",
        by="bob"),
    ),
    "a week and what ends with it": (
        ANN, ANN, WaitStep(6 * DAY), ANN, BALANCE, SESSION, EXPORT, WaitStep(DAY - 600), BALANCE,
        ANN,
        WaitStep(2 * DAY), BALANCE, STATE, ANN, BALANCE, STATE, StatusStep("r1", by="ann"),
    ),
    "credits to the last": (
        ANN, SESSION, PICTURE, BALANCE, MessageStep("s1", "hello", by="ann"), PUT, STATE, BALANCE,
        TITLED, STATE, STATE, UNDO, STATE, BALANCE,
        MessageStep("s1", GENERATE_CLIP, by="ann"), BALANCE,
        SessionStep("s2", by="ann"), UploadStep("s2", ("picture.png",), by="ann"),
        MessageStep("s2", PUT_ON_TIMELINE, by="ann"), SessionStep("s1", by="ann"), PICTURE, PUT,
        STATE,
        BALANCE,
    ),
    "a draft as it was shown": (
        ANN, SESSION, ExportStep("s1", "r1", "seen", by="ann"), PICTURE, PUT, STATE,
        ExportStep("s1", "r1", "seen", by="ann"), ExportStep("s1", "r1", "seen", by="ann"),
        ExportStep("s1", "r1", attributed=False, by="ann"), CancelStep("r1", by="ann"), FOLLOW,
    ),
    "drafts that nobody can render": tuple(
        [ANN, SESSION]
        + [ExportStep("s1", "r1", draft, by="ann") for draft in ("empty", "unknown-media")]
        + [ExportStep("s1", "r1", "negative-time", by="ann")]
        + [ExportStep("s1", "r1", attributed=False, by="ann"), EXPORT, EXPORT, BALANCE]
    ),
    "one export after another": (
        ANN, SESSION, EXPORT, ExportStep("s1", "r2", by="ann"), FollowStep("r2", by="ann"),
        StatusStep("r1", by="ann"), FOLLOW, CancelStep("r1", by="ann"),
        DownloadStep("r1", by="ann"),
    ),
    "exports of two sessions": (
        ANN, SESSION, EXPORT, DownloadStep("r1", by="ann"), SessionStep("s2", by="ann"),
        ExportStep("s2", "r2", by="ann"), FollowStep("r2", by="ann"),
    ),
    "every way to show a token": (
        ANN, SESSION, BalanceStep(by="ann", auth="none"), BalanceStep(by="ann", auth="malformed"),
        BalanceStep(by="ann", auth="claim"), BalanceStep(by="ann", auth="unknown"),
        BalanceStep(by="ann", auth="in-query"), MessageStep("s1", "hello", by="ann", auth="none"),
        StateStep("s1", "own", by="ann"), StateStep("s1", "other", by="ann"),
        SessionStep("s2", user="other", by="ann"), SessionStep("s2", "", broken=True, by="ann"),
        TokenStep("bob", "missing"), TokenStep("bob", "empty"), TokenStep("bob", "too-long"),
        MessageStep("s1", "  ", by="ann"), UploadStep("s1", ("clip.mp4", "notes.txt"), by="ann"),
        STATE,
    ),
    "the account of the run": (
        BalanceStep(by=OWN_ACCOUNT), SessionStep("s1", by=OWN_ACCOUNT),
        MessageStep("s1", "hello", by=OWN_ACCOUNT), BalanceStep(by=OWN_ACCOUNT),
    ),
}  # fmt: skip


@pytest.mark.usefixtures("memoized_servers")
@pytest.mark.parametrize("steps", ALLOWED.values(), ids=list(ALLOWED))
def test_model_allows_the_responses_of_the_reference(steps: tuple[AnyStep, ...]) -> None:
    ending = play(*steps)
    assert (ending.violation, ending.stop_reason, ending.steps) == (None, "", len(steps))


@pytest.mark.usefixtures("memoized_servers")
@pytest.mark.parametrize(
    "dialect",
    [
        {"sse": "typed", "render": "nested", "errors": "http"},
        {"errors": "adk", "export_402": "out_of_credits"},
    ],
    ids=["other", "adk"],
)
def test_model_allows_both_ways_of_contradicted_rules(dialect: dict[str, str]) -> None:
    unattributed = ExportStep("s1", "r2", attributed=False, by="ann")
    steps = (
        PUT,
        ANN,
        PUT,
        SESSION,
        PICTURE,
        STATE,
        PUT,
        STATE,
        EXPORT,
        FOLLOW,
        unattributed,
        BALANCE,
    )
    ending = play(*steps, dialect=Dialect(**dialect))  # type: ignore[arg-type]
    assert (ending.violation, ending.stop_reason) == (None, "")


SETTINGS: dict[str, tuple[dict[str, object], tuple[AnyStep, ...]]] = {
    "tariff": (
        {"tariff": Tariff(grant=7, editing=3, generation=2)},
        (ANN, BALANCE, SESSION, PICTURE, PUT, BALANCE, PUT, BALANCE),
    ),
    "too dear": ({"tariff": Tariff(grant=7, editing=8)}, (ANN, SESSION, PICTURE, PUT, BALANCE)),
    "free": ({"tariff": FREE_TARIFF}, (ANN, SESSION, PICTURE, PUT, STATE, BALANCE)),
    "short life": (
        {"token_lifetime": 3 * 3600.0},
        (ANN, BALANCE, WaitStep(3_600), BALANCE, ANN, WaitStep(9_000), BALANCE, ANN, BALANCE),
    ),
    "long life": (
        {"token_lifetime": 30 * DAY},
        (ANN, WaitStep(8 * DAY), BALANCE, ANN, WaitStep(23 * DAY), BALANCE, ANN),
    ),
}


@pytest.mark.usefixtures("memoized_servers")
@pytest.mark.parametrize("name", SETTINGS)
def test_model_takes_the_settings_of_the_server(name: str) -> None:
    settings, steps = SETTINGS[name]
    ending = play(*steps, **settings)
    assert (ending.violation, ending.stop_reason, ending.steps) == (None, "", len(steps))


@pytest.mark.parametrize(
    ("settings", "steps", "rule"),
    [
        ({"address_limit": 1}, (ANN, BOB), "AUTH-4"),
        ({"upload_limit": 1}, (ANN, SESSION, PICTURE), "UPL-4"),
    ],
    ids=["addresses", "uploads"],
)
def test_script_stops_at_a_limit_of_the_server(
    settings: dict[str, object], steps: tuple[AnyStep, ...], rule: str
) -> None:
    ending = play(*steps, **settings)
    assert ending.violation is None
    assert rule in ending.stop_reason


CAUGHT: dict[str, tuple[str, tuple[AnyStep, ...]]] = {
    "token.again-and-again": ("AUTH-3", (ANN, ANN)),
    "token.never-again": ("AUTH-5", (ANN, WaitStep(8 * DAY), ANN)),
    "token.immortal": ("AUTH-5", (ANN, BALANCE, WaitStep(8 * DAY), BALANCE)),
    "token.claim-life": ("AUTH-7", (ANN, SESSION, ClaimStep("s1", by="ann"))),
    "general.message-missing": ("GEN-1", (ANN, STATE)),
    "general.text-plain": ("GEN-1", (ANN, BALANCE)),
    "general.status-1001": ("GEN-2", (BALANCE,)),
    "general.any-scheme": ("GEN-3", (ANN, BalanceStep(by="ann", auth="malformed"))),
    "general.token-in-query": ("GEN-5", (ANN, BalanceStep(by="ann", auth="in-query"))),
    "general.bad-json-500": ("GEN-2", (ANN, SessionStep("s1", broken=True, by="ann"))),
    "general.foreign-id": ("GEN-7", (ANN, SESSION, StateStep("s1", "other", by="ann"))),
    "session.same": ("SES-1", (ANN, SESSION, SESSION)),
    "session.upload-unknown": ("SES-3", (ANN, PICTURE)),
    "upload.first-only": ("UPL-2", (ANN, SESSION, UploadStep("s1", ("sound.wav",) * 2, by="ann"))),
    "upload.any-type": ("UPL-3", (ANN, SESSION, UploadStep("s1", ("notes.txt",), by="ann"))),
    "upload.any-scheme": ("UPL-6", (ANN, SESSION, UrlUploadStep("s1", by="ann"))),
    "credits.sum": ("CRD-1", (ANN, BALANCE)),
    "credits.kept": ("CRD-2", (ANN, SESSION, PUT, BALANCE)),
    "credits.edit-dear": ("CRD-3", (ANN, SESSION, PICTURE, PUT, BALANCE)),
    "credits.refused-in-stream": ("CRD-4", (ANN, *(SESSION, PICTURE, PUT) * 3)),
    "state.prefilled": ("SES-1", (ANN, SESSION, STATE)),
    "state.uploads-hidden": ("STA-1", (ANN, SESSION, PICTURE, STATE)),
    "state.long-names": ("STA-2", (ANN, SESSION, STATE)),
    "state.restless": ("SES-2", (ANN, SESSION, PICTURE, PUT, STATE, STATE)),
    "state.stale": ("SSE-5", (ANN, SESSION, PICTURE, PUT, STATE, TITLED, STATE)),
    "chat.talk-silent": ("SSE-5", (ANN, SESSION, MessageStep("s1", "what can you do?", by="ann"))),
    "chat.results-first": ("SSE-2", (ANN, SESSION, PICTURE, PUT)),
    "chat.shapes-mixed": ("SSE-2", (ANN, SESSION, MessageStep("s1", "hello", by="ann"))),
    "chat.cut": ("SSE-4", (ANN, SESSION, MessageStep("s1", "hello", by="ann"))),
    "chat.bad-json": ("SSE-1", (ANN, SESSION, MessageStep("s1", "hello", by="ann"))),
    "render.queued": ("REN-4", (ANN, SESSION, EXPORT)),
    "render.402-as-403": ("GEN-2", (ANN, SESSION, ExportStep("s1", "r1", attributed=False,
        by="ann"))),
    "render.id-again": ("REN-6", (ANN, SESSION, EXPORT, EXPORT)),
    "render.path-missing": ("REN-9", (ANN, SESSION, ExportStep("s1", "r1", "unknown-media",
        by="ann"))),
    "render.progress": ("REN-5", (ANN, SESSION, EXPORT, FOLLOW)),
    "render.file-guarded": ("REN-8", (ANN, SESSION, EXPORT, FOLLOW)),
    "render.file-truncated": ("REN-4", (ANN, SESSION, EXPORT, FOLLOW)),
    "render.no-cancel": ("REN-8", (ANN, SESSION, EXPORT, CancelStep("r1", by="ann"))),
    "render.unknown-failed": ("REN-8", (ANN, FOLLOW)),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.mutants
@pytest.mark.usefixtures("memoized_servers")
@pytest.mark.parametrize("name", CAUGHT)
def test_violation_is_found_at_its_step(name: str) -> None:
    rule, steps = CAUGHT[name]
    finding = play_on(name, *steps)
    assert finding is not None
    assert (finding.rule, finding.step) == (rule, len(steps)), finding


@pytest.mark.slow
@pytest.mark.ffmpeg
@pytest.mark.mutants
def test_two_active_exports_in_one_session_are_found() -> None:
    steps = (ANN, SESSION, EXPORT, SECOND, StatusStep("r2", by="ann"), StatusStep("r1", by="ann"))
    finding = play_on("render.all-at-once", *steps)
    assert finding is not None
    assert (finding.rule, finding.step) == ("REN-8", len(steps)), finding
