"""Each broken server is noticed by the checks that must notice it."""

from collections.abc import Iterator

import pytest

from nemolocal_conformance.mutants.memoized_media import MemoizedMedia
from nemolocal_conformance.mutants.mutant import Patch, ServerMutant, patched, replies
from nemolocal_conformance.mutants.play import play_mutant
from nemolocal_conformance.mutants.servers import server_mutants
from nemolocal_conformance.mutants.wire import Answered, Asked, Memory
from nemolocal_conformance.server_checks import catalogue

CHECKS = catalogue()
# What makes a mutant slow to judge, by the check that must notice it.
SLOW_CHECKS = {
    "chat.silent.rate": "240 edits",
    "upload.size.skill": "half a gigabyte",
    "credits.frozen": "clips that FFmpeg has never made before",
    "render.queue": "renders that take their time",
}


def cases() -> Iterator[object]:
    """All mutants; fast is the first of each section and each way to break a server."""
    seen = set[tuple[str, ...]]()
    for mutant in server_mutants().values():
        kind = (mutant.id.partition(".")[0], *ways(mutant))
        slow = kind in seen or not SLOW_CHECKS.keys().isdisjoint(mutant.kills)
        if not slow:
            seen.add(kind)
        yield pytest.param(mutant, id=mutant.id, marks=[pytest.mark.slow] if slow else [])


def ways(mutant: ServerMutant) -> list[str]:
    names = ("on_request", "on_reply", "patches", "settings")
    return [name for name in names if getattr(mutant, name)]


@pytest.mark.mutants
@pytest.mark.parametrize("mutant", list(cases()))
def test_a_broken_server_is_killed_by_its_own_checks(
    mutant: ServerMutant, memoized_media: MemoizedMedia
) -> None:
    autopsy = play_mutant(mutant, [CHECKS[name] for name in mutant.kills], memoized_media)
    assert (autopsy.missed, autopsy.innocent) == ((), ())
    assert autopsy.hits


def test_every_check_must_kill_a_mutant() -> None:
    killing = {name for mutant in server_mutants().values() for name in mutant.kills}
    assert killing == set(CHECKS)


def test_a_mutant_that_does_nothing_is_void() -> None:
    @replies("nothing", "GEN-1", kills="general.path.unknown")
    def hook(_asked: Asked, _answered: Answered, _memory: Memory) -> Answered | None:
        """Nothing is changed."""

    autopsy = play_mutant(hook, [CHECKS["general.path.unknown"]])
    assert autopsy.hits == 0
    assert not autopsy.right
    assert autopsy.missed == ("general.path.unknown",)


def test_a_check_that_accuses_wrongly_is_an_innocent_one() -> None:
    @replies("unknown-path", "CRD-1", kills="credits.balance.sum")
    def hook(_asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
        """An unknown path is answered with HTTP 200."""
        return answered.under(200) if answered.code == 404 else None

    autopsy = play_mutant(hook, [CHECKS["general.path.unknown"]])
    assert autopsy.innocent == ("general.path.unknown",)
    assert not autopsy.right


def test_a_patch_of_a_name_that_is_gone_is_a_mistake() -> None:
    gone = patched(
        "gone",
        "GEN-1",
        kills="general.path.unknown",
        sentence="A name is replaced that is not there.",
        patches=(Patch("nemolocal_server.tokens", "no_such_name", 1),),
    )
    with pytest.raises(AttributeError):
        play_mutant(gone, [])


def test_a_mutant_names_its_rules_and_checks() -> None:
    with pytest.raises(ValueError, match="names rules, checks and a sentence"):
        patched("odd", "XYZ-1", kills="general.path.unknown", sentence="Odd.")
