"""`nemolocal serve` with silence, scenarios and chaos: arguments become settings."""

from pathlib import Path

import pytest

from nemolocal_server.settings import Settings
from nemolocal_server.turns.silent_turns import AppliedWeights, SilentTurnPolicy
from tests.support.cli import CommandRunner


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings that the server was asked to serve with; none is started."""
    seen: list[Settings] = []
    monkeypatch.setattr(
        "nemolocal_server.serving.serve", lambda settings, *_: seen.append(settings)
    )
    return seen


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "silence"),
    [
        ((), SilentTurnPolicy()),
        (("--silent-rate", 0.5), SilentTurnPolicy(rate=0.5)),
        (("--silent-rate", 0), SilentTurnPolicy(rate=0.0)),
        (("--silent-quota", "3/10"), SilentTurnPolicy(quota=(3, 10))),
        (("--silent-script", "s.s.."), SilentTurnPolicy(script="s.s..")),
    ],
)
def test_silence_by_rate_quota_or_script(
    run: CommandRunner,
    served: list[Settings],
    arguments: tuple[object, ...],
    silence: SilentTurnPolicy,
) -> None:
    assert run("serve", *arguments).status == 0
    assert served[0].silence == silence


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--silent-rate", 2), "silent rate must be from 0 to 1, not 2.0"),
        (("--silent-quota", "many"), "silent quota must be K/N, for example 3/10, not 'many'"),
        (("--silent-quota", "4/3"), "silent quota must be K/N with 0 <= K <= N, not 4/3"),
        (("--silent-script", "s!"), "silent script has !: only . s a n l are allowed"),
        (("--chaos", 7), "chaos must be from 0 to 1, not 7.0"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line(
    run: CommandRunner, served: list[Settings], arguments: tuple[object, ...], said: str
) -> None:
    outcome = run("serve", *arguments)
    assert (outcome.status, served) == (2, [])
    assert outcome.err.startswith("nemolocal: ")
    assert said in outcome.err
    assert outcome.err.count("\n") == 1


def test_scenario_and_chaos_are_settings(run: CommandRunner, served: list[Settings]) -> None:
    run("serve", "--scenario", "hard-export", "--chaos", 0.1)
    assert (served[0].scenario, served[0].chaos) == ("hard-export", 0.1)


def test_a_file_of_settings_may_say_how_silent_edits_end(
    run: CommandRunner, served: list[Settings], tmp_path: Path
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("[silence]\nquota = [1, 2]\nlate_seconds = 5\ntruths = { late = 2 }\n")
    run("serve", "--config", file)
    assert served[0].silence == SilentTurnPolicy(
        quota=(1, 2), late_seconds=5, truths=AppliedWeights(late=2)
    )


def test_a_scenario_that_is_no_good_is_said_in_one_line(run: CommandRunner, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[[faults]]\nname = "no-such"\n')
    outcome = run("serve", "--port", 0, "--data", "", "--scenario", file)
    assert outcome.status == 2
    assert outcome.err.startswith(f"nemolocal: scenario {file}: faults[0]: name: unknown fault")
    assert outcome.err.count("\n") == 1
