"""Each server mutant fails the checks that must notice it."""

from collections.abc import Iterator

import pytest

from nemolocal_conformance.server_checks import server_catalogue
from tests.mutation.memoized_media import MemoizedMedia
from tests.mutation.mutation_middleware import Memory, WireRequest, WireResponse
from tests.mutation.server_mutant import AttributePatch, ServerMutant, patch_mutant, response_mutant
from tests.mutation.server_runner import run_server_mutant
from tests.mutation.servers import server_mutants

CHECKS = server_catalogue()
# Why the check that must notice a mutant is slow.
SLOW_CHECKS = {
    "chat.silent.rate": "240 edits",
    "credits.frozen": "clips that FFmpeg has never made before",
    "render.queue": "renders that take their time",
}


def cases() -> Iterator[object]:
    """Return all mutants; the first of each section and kind is in the fast run."""
    seen = set[tuple[str, ...]]()
    for mutant in server_mutants().values():
        kind = (mutant.id.partition(".")[0], *ways(mutant))
        slow = kind in seen or not SLOW_CHECKS.keys().isdisjoint(mutant.kills)
        if not slow:
            seen.add(kind)
        yield pytest.param(mutant, id=mutant.id, marks=[pytest.mark.slow] if slow else [])


def ways(mutant: ServerMutant) -> list[str]:
    names = ("on_request", "on_response", "patches", "settings")
    return [name for name in names if getattr(mutant, name)]


@pytest.mark.mutants
@pytest.mark.parametrize("mutant", list(cases()))
def test_server_mutant_is_killed_by_its_checks(
    mutant: ServerMutant, memoized_media: MemoizedMedia
) -> None:
    result = run_server_mutant(mutant, [CHECKS[name] for name in mutant.kills], memoized_media)
    assert (result.missed_checks, result.false_positives) == ((), ())
    assert result.times_applied


def test_every_check_kills_a_mutant() -> None:
    killing = {name for mutant in server_mutants().values() for name in mutant.kills}
    assert killing == set(CHECKS)


@pytest.mark.slow
def test_server_mutant_without_effect_is_not_killed() -> None:
    @response_mutant("nothing", "GEN-1", kills="general.path.unknown")
    def hook(
        _request: WireRequest, _response: WireResponse, _memory: Memory
    ) -> WireResponse | None:
        """Nothing is changed."""

    result = run_server_mutant(hook, [CHECKS["general.path.unknown"]])
    assert result.times_applied == 0
    assert not result.is_killed
    assert result.missed_checks == ("general.path.unknown",)


@pytest.mark.slow
@pytest.mark.mutants
@pytest.mark.parametrize("name", ["render.foreign-cancels", "render.duplicate-restarts"])
def test_render_that_others_have_changed_is_noticed_again(
    name: str, memoized_media: MemoizedMedia
) -> None:
    """The checks share one export, and several try what must not change it."""
    check = CHECKS["render.foreign.unchanged"]
    result = run_server_mutant(server_mutants()[name], [check, check], memoized_media)
    assert result.failed_checks == (check.id, check.id)


@pytest.mark.slow
@pytest.mark.mutants
def test_large_files_are_judged_by_a_limit_of_megabytes(memoized_media: MemoizedMedia) -> None:
    @response_mutant("nothing", "UPL-4", kills="upload.size.skill")
    def hook(_request: WireRequest, response: WireResponse, _memory: Memory) -> None:
        """Nothing is changed."""
        refusals.append(response.json) if response.code == 4002 else None

    refusals: list[dict[str, object]] = []
    checks = [CHECKS["upload.size.skill"], CHECKS["general.status.of-size"]]
    assert run_server_mutant(hook, checks, memoized_media).failed_checks == ()
    assert [str(refusal["message"]).count("2 MB") for refusal in refusals] == [1]


@pytest.mark.slow
def test_unrelated_failure_is_a_false_positive() -> None:
    @response_mutant("unknown-path", "CRD-1", kills="credits.balance.sum")
    def hook(_request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
        """An unknown path is answered with HTTP 200."""
        return response.with_status(200) if response.code == 404 else None

    result = run_server_mutant(hook, [CHECKS["general.path.unknown"]])
    assert result.false_positives == ("general.path.unknown",)
    assert not result.is_killed


def test_patch_of_a_missing_name_is_an_error() -> None:
    gone = patch_mutant(
        "gone",
        "GEN-1",
        kills="general.path.unknown",
        sentence="A name is replaced that is not there.",
        patches=(AttributePatch("nemolocal_server.data.tokens", "no_such_name", 1),),
    )
    with pytest.raises(AttributeError):
        run_server_mutant(gone, [])


def test_a_mutant_names_its_rules_and_checks() -> None:
    with pytest.raises(ValueError, match="names rules, checks and a sentence"):
        patch_mutant("odd", "XYZ-1", kills="general.path.unknown", sentence="Odd.")
