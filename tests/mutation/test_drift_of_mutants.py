"""A broken server is changed against a recording of the reference, and its rule is named."""

import pytest

from nemolocal_contract.clock import WallClock
from nemolocal_recording.drift.drift_evaluation import compare_replay, confirm
from nemolocal_recording.drift.drift_report import DriftReport
from nemolocal_recording.drift.recording_player import RecordingPlayer
from nemolocal_recording.drift.replay_plan import ReplayBudget, plan_replay
from nemolocal_recording.pseudonyms import Pseudonyms
from nemolocal_recording.recording import Recording
from tests.mutation.memoized_media import MemoizedMedia
from tests.mutation.mutation_middleware import Memory, WireRequest, WireResponse
from tests.mutation.server_mutant import ServerMutant, response_mutant
from tests.mutation.server_runner import mutated_server
from tests.mutation.servers import server_mutants
from tests.support.ordinary_session import OrdinarySession
from tests.support.recorder import running_recorder

# Those that an ordinary session shows. Of exports none is here: whether one has ended while it was
# recorded depends on the machine.
NOTICED = (
    "general.no-code general.message-missing general.data-not-null general.text-plain "
    "general.status-1001 general.status-2001 general.bearer-optional general.unknown-path "
    "general.no-allow general.field-unnamed general.own-id-unknown general.mixed-styles "
    "envelope.state-bare envelope.token-text token.credits token.prefix token.no-expiry "
    "token.id-optional token.400-as-200 token.again-and-again token.no-retry-after "
    "token.claim-prefix token.claim-life session.digits session.no-task session.state-empty "
    "upload.first-only upload.no-hash upload.not-applied upload.any-type upload.list-missing "
    "chat.json-type chat.torn-frame chat.bad-json chat.no-author chat.results-first chat.done "
    "chat.args-as-text chat.one-invocation chat.times-ms credits.text credits.sum "
    "credits.edit-dear credits.no-link state.no-task-name state.no-canvas state.uploads-hidden"
).split()
IN_THE_SHORT_RUN = "chat.done"


@response_mutant("nothing", "GEN-1", kills="general.path.unknown")
def reference(_request: WireRequest, _response: WireResponse, _memory: Memory) -> None:
    """Nothing is changed."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, memoized_media: MemoizedMedia) -> Recording:
    path = tmp_path_factory.mktemp("drift") / "recording.jsonl"
    with (
        mutated_server(reference, memoized_media) as (base_url, _),
        running_recorder(base_url, path) as recorder,
    ):
        OrdinarySession(recorder.base_url).play()
    return recorder.recording()


def drift_of(mutant: ServerMutant, recording: Recording, media: MemoizedMedia) -> DriftReport:
    """What a replay says, and a second one if there is a change, each on a new server."""

    def play(secret: bytes) -> DriftReport:
        with mutated_server(mutant, media) as (base_url, _):
            player = RecordingPlayer(base_url, recording, WallClock(), made=Pseudonyms(secret))
            replay = player.play(plan_replay(recording, ReplayBudget()))
        return compare_replay(recording, replay, name="r", server=mutant.id, cost="")

    first = play(b"1")
    return confirm(first, play(b"2")) if first.verdict == "changed" else first


@pytest.mark.slow
@pytest.mark.mutants
def test_reference_is_the_same(recorded: Recording, memoized_media: MemoizedMedia) -> None:
    report = drift_of(reference, recorded, memoized_media)
    assert [one for one in report.rules if one.verdict == "changed"] == []
    assert report.verdict == "same"


@pytest.mark.mutants
@pytest.mark.parametrize(
    "mutant",
    [
        pytest.param(
            server_mutants()[name],
            id=name,
            marks=[] if name == IN_THE_SHORT_RUN else [pytest.mark.slow],
        )
        for name in NOTICED
    ],
)
def test_broken_rule_is_changed(
    mutant: ServerMutant, recorded: Recording, memoized_media: MemoizedMedia
) -> None:
    report = drift_of(mutant, recorded, memoized_media)
    assert (report.verdict, report.exit_status) == ("changed", 1)
    changed = {one.rule for one in report.rules if one.verdict == "changed"}
    assert changed & set(mutant.breaks)
