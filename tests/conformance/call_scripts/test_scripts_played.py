"""Scripts of calls: what the model allows, what it does not, and how a script ends then."""

import pytest

from nemolocal_conformance.mutants.mutant import ServerMutant
from nemolocal_conformance.mutants.scripts import player_of
from nemolocal_conformance.mutants.servers import server_mutants
from nemolocal_conformance.scripts.finding import Finding
from nemolocal_conformance.scripts.script import (
    OWN,
    TITLE,
    AnyStep,
    AskToken,
    Balance,
    Cancel,
    Claim,
    Download,
    Export,
    Follow,
    Link,
    Look,
    OpenSession,
    ReadState,
    Say,
    Script,
    Upload,
    Wait,
)
from nemolocal_conformance.stage import GENERATE, PUT_ON_TIMELINE
from nemolocal_server.dialect import Dialect

from .playing import ANN, BALANCE, BOB, EXPORT, FOLLOW, PICTURE, PUT, SESSION, STATE, play

TITLED, UNDO = Say("s1", TITLE, by="ann"), Say("s1", "undo", by="ann")
SECOND = Export("s1", "r2", by="ann")
DAY = 86_400.0


def play_on(mutant: ServerMutant | str, *steps: AnyStep) -> Finding | None:
    broken = server_mutants()[mutant] if isinstance(mutant, str) else mutant
    with player_of(broken) as player:
        return player.play(Script(steps)).finding


ALLOWED = {
    "names that nothing was made for": (
        STATE, BALANCE, PICTURE, PUT, EXPORT, Look("r1", by="ann"), FOLLOW, Cancel("r1", by="ann"),
        Download("r1", by="ann"), Claim("s1", by="ann"), Link("s1", by="ann"), SESSION, ANN, STATE,
        PUT, PICTURE, Claim("s1", by="ann"), Link("s1", by="ann"), FOLLOW, EXPORT, BALANCE,
    ),
    "everything between two people": (
        ANN, BOB, SESSION, Claim("s1", by="ann"), Claim("s1", by="bob"), ReadState("s1", by="bob"),
        Say("s1", "hello", by="bob"), Upload("s1", ("picture.png",), by="bob"), EXPORT,
        Look("r1", by="bob"), Cancel("r1", by="bob"), Download("r1", by="bob"),
        Export("s1", "r1", by="bob"), OpenSession("s2", by="bob"), Export("s2", "r1", by="bob"),
        Cancel("r1", by="bob"), FOLLOW, Download("r1", by="ann"), Download("r1", by="bob"),
    ),
    "a week and what ends with it": (
        ANN, ANN, Wait(6 * DAY), ANN, BALANCE, SESSION, EXPORT, Wait(DAY - 600), BALANCE, ANN,
        Wait(2 * DAY), BALANCE, STATE, ANN, BALANCE, STATE, Look("r1", by="ann"),
    ),
    "credits to the last": (
        ANN, SESSION, PICTURE, BALANCE, Say("s1", "hello", by="ann"), PUT, STATE, BALANCE,
        TITLED, STATE, STATE, UNDO, STATE, BALANCE,
        Say("s1", GENERATE, by="ann"), BALANCE,
        OpenSession("s2", by="ann"), Upload("s2", ("picture.png",), by="ann"),
        Say("s2", PUT_ON_TIMELINE, by="ann"), OpenSession("s1", by="ann"), PICTURE, PUT, STATE,
        BALANCE,
    ),
    "a draft as it was shown": (
        ANN, SESSION, Export("s1", "r1", "seen", by="ann"), PICTURE, PUT, STATE,
        Export("s1", "r1", "seen", by="ann"), Export("s1", "r1", "seen", by="ann"),
        Export("s1", "r1", attributed=False, by="ann"), Cancel("r1", by="ann"), FOLLOW,
    ),
    "drafts that nobody can render": tuple(
        [ANN, SESSION]
        + [Export("s1", "r1", draft, by="ann") for draft in ("empty", "unknown-media")]
        + [Export("s1", "r1", "negative-time", by="ann")]
        + [Export("s1", "r1", attributed=False, by="ann"), EXPORT, EXPORT, BALANCE]
    ),
    "one export after another": (
        ANN, SESSION, EXPORT, Export("s1", "r2", by="ann"), Follow("r2", by="ann"),
        Look("r1", by="ann"), FOLLOW, Cancel("r1", by="ann"), Download("r1", by="ann"),
    ),
    "exports of two sessions": (
        ANN, SESSION, EXPORT, Download("r1", by="ann"), OpenSession("s2", by="ann"),
        Export("s2", "r2", by="ann"), Follow("r2", by="ann"),
    ),
    "every way to show a token": (
        ANN, SESSION, Balance(by="ann", auth="none"), Balance(by="ann", auth="malformed"),
        Balance(by="ann", auth="claim"), Balance(by="ann", auth="unknown"),
        Balance(by="ann", auth="in-query"), Say("s1", "hello", by="ann", auth="none"),
        ReadState("s1", "own", by="ann"), ReadState("s1", "other", by="ann"),
        OpenSession("s2", user="other", by="ann"), OpenSession("s2", "", broken=True, by="ann"),
        AskToken("bob", "missing"), AskToken("bob", "empty"), AskToken("bob", "too-long"),
        Say("s1", "  ", by="ann"), Upload("s1", ("clip.mp4", "notes.txt"), by="ann"), STATE,
    ),
    "the account of the run": (
        Balance(by=OWN), OpenSession("s1", by=OWN), Say("s1", "hello", by=OWN), Balance(by=OWN),
    ),
}  # fmt: skip


@pytest.mark.usefixtures("memoized_servers")
@pytest.mark.parametrize("steps", ALLOWED.values(), ids=list(ALLOWED))
def test_the_reference_answers_as_the_model_allows(steps: tuple[AnyStep, ...]) -> None:
    ending = play(*steps)
    assert (ending.finding, ending.stopped, ending.steps) == (None, "", len(steps))


@pytest.mark.usefixtures("memoized_servers")
@pytest.mark.parametrize(
    "dialect",
    [
        {"sse": "typed", "render": "nested", "errors": "http"},
        {"errors": "adk", "export_402": "out_of_credits"},
    ],
    ids=["other", "adk"],
)
def test_contradicted_rules_may_be_kept_in_their_other_way(dialect: dict[str, str]) -> None:
    unattributed = Export("s1", "r2", attributed=False, by="ann")
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
    assert (ending.finding, ending.stopped) == (None, "")


CAUGHT: dict[str, tuple[str, tuple[AnyStep, ...]]] = {
    "token.again-and-again": ("AUTH-3", (ANN, ANN)),
    "token.never-again": ("AUTH-5", (ANN, Wait(8 * DAY), ANN)),
    "token.immortal": ("AUTH-5", (ANN, BALANCE, Wait(8 * DAY), BALANCE)),
    "token.claim-life": ("AUTH-7", (ANN, SESSION, Claim("s1", by="ann"))),
    "general.message-missing": ("GEN-1", (ANN, STATE)),
    "general.text-plain": ("GEN-1", (ANN, BALANCE)),
    "general.status-1001": ("GEN-2", (BALANCE,)),
    "general.any-scheme": ("GEN-3", (ANN, Balance(by="ann", auth="malformed"))),
    "general.token-in-query": ("GEN-5", (ANN, Balance(by="ann", auth="in-query"))),
    "general.bad-json-500": ("GEN-2", (ANN, OpenSession("s1", broken=True, by="ann"))),
    "general.foreign-id": ("GEN-7", (ANN, SESSION, ReadState("s1", "other", by="ann"))),
    "session.same": ("SES-1", (ANN, SESSION, SESSION)),
    "session.upload-unknown": ("SES-3", (ANN, PICTURE)),
    "upload.first-only": ("UPL-2", (ANN, SESSION, Upload("s1", ("sound.wav",) * 2, by="ann"))),
    "upload.any-type": ("UPL-3", (ANN, SESSION, Upload("s1", ("notes.txt",), by="ann"))),
    "upload.any-scheme": ("UPL-6", (ANN, SESSION, Link("s1", by="ann"))),
    "credits.sum": ("CRD-1", (ANN, BALANCE)),
    "credits.kept": ("CRD-2", (ANN, SESSION, PUT, BALANCE)),
    "credits.edit-dear": ("CRD-3", (ANN, SESSION, PICTURE, PUT, BALANCE)),
    "credits.refused-in-stream": ("CRD-4", (ANN, *(SESSION, PICTURE, PUT) * 3)),
    "state.prefilled": ("SES-1", (ANN, SESSION, STATE)),
    "state.uploads-hidden": ("STA-1", (ANN, SESSION, PICTURE, STATE)),
    "state.long-names": ("STA-2", (ANN, SESSION, STATE)),
    "state.restless": ("SES-2", (ANN, SESSION, PICTURE, PUT, STATE, STATE)),
    "state.stale": ("SSE-5", (ANN, SESSION, PICTURE, PUT, STATE, TITLED, STATE)),
    "chat.talk-silent": ("SSE-5", (ANN, SESSION, Say("s1", "what can you do?", by="ann"))),
    "chat.results-first": ("SSE-2", (ANN, SESSION, PICTURE, PUT)),
    "chat.shapes-mixed": ("SSE-2", (ANN, SESSION, Say("s1", "hello", by="ann"))),
    "chat.cut": ("SSE-4", (ANN, SESSION, Say("s1", "hello", by="ann"))),
    "chat.bad-json": ("SSE-1", (ANN, SESSION, Say("s1", "hello", by="ann"))),
    "render.queued": ("REN-4", (ANN, SESSION, EXPORT)),
    "render.402-as-403": ("GEN-2", (ANN, SESSION, Export("s1", "r1", attributed=False, by="ann"))),
    "render.id-again": ("REN-6", (ANN, SESSION, EXPORT, EXPORT)),
    "render.path-missing": ("REN-9", (ANN, SESSION, Export("s1", "r1", "unknown-media", by="ann"))),
    "render.progress": ("REN-5", (ANN, SESSION, EXPORT, FOLLOW)),
    "render.file-guarded": ("REN-8", (ANN, SESSION, EXPORT, FOLLOW)),
    "render.file-truncated": ("REN-4", (ANN, SESSION, EXPORT, FOLLOW)),
    "render.no-cancel": ("REN-8", (ANN, SESSION, EXPORT, Cancel("r1", by="ann"))),
    "render.unknown-failed": ("REN-8", (ANN, FOLLOW)),
}  # fmt: skip


@pytest.mark.mutants
@pytest.mark.usefixtures("memoized_servers")
@pytest.mark.parametrize("name", CAUGHT)
def test_an_answer_that_is_not_allowed_is_found_at_its_step(name: str) -> None:
    rule, steps = CAUGHT[name]
    finding = play_on(name, *steps)
    assert finding is not None
    assert (finding.rule, finding.step) == (rule, len(steps)), finding


@pytest.mark.slow
@pytest.mark.ffmpeg
@pytest.mark.mutants
def test_two_exports_at_work_in_one_session_are_found_while_they_are_rendered() -> None:
    steps = (ANN, SESSION, EXPORT, SECOND, Look("r2", by="ann"), Look("r1", by="ann"))
    finding = play_on("render.all-at-once", *steps)
    assert finding is not None
    assert (finding.rule, finding.step) == ("REN-8", len(steps)), finding
