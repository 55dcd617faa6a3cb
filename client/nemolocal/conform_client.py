"""`nemolocal conform-client`: a program through all that can befall a client, judged each time."""

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from nemolocal_conformance.driver.asking import arm_faults, fetch_journal
from nemolocal_conformance.driver.outcome import Outcome, weigh
from nemolocal_conformance.driver.program import run_program
from nemolocal_conformance.driver.scenario import Scenario, scenarios
from nemolocal_conformance.driver.table import (
    as_json,
    as_line,
    as_markdown,
    exit_code,
    summary,
)
from nemolocal_conformance.samples import CLIP, sample
from nemolocal_render.temporary_folder import TemporaryFolder

from .chosen import choose
from .exec import program_words, unsealed
from .monitor import Monitor
from .place import CLOUD_HOST, Place, cloud_place, plain_place
from .problem import Problem, Usage

if TYPE_CHECKING:
    from nemolocal_server.settings import Settings

# Minutes of waiting pass in seconds. A scenario that judges one short wait has its own, slower one.
_SPEED = 200.0
_TOKEN = "nmv_usr_of-the-scenario"
_USER = "user_of-the-scenario"
_UNJUDGED = 2
_UNKNOWN = "no scenario has such a name: `nemolocal conform-client --list` shows them all"
_DOUBT = "it does not call the address in NEMO_API_URL"


class Order(msgspec.Struct, frozen=True):
    """What is run, how long at most, whether in the cloud's place, and where all of it is kept."""

    words: tuple[str, ...]
    seconds: float
    cloud: bool
    report: Path | None
    monitor: Monitor = msgspec.field(default_factory=lambda: Monitor(CLOUD_HOST, _tell))


def run(arguments: argparse.Namespace) -> int:
    """0 nothing failed, 1 something did, 2 no scenario came up, or no call was seen."""
    chosen = choose({s.name: s for s in scenarios().values()}, arguments.only, _UNKNOWN)
    if arguments.list:
        for scenario in chosen:
            print(f"{scenario.name:24} {scenario.about}")
        return 0
    order = _order(arguments)
    outcomes = []
    for scenario in chosen:
        outcome = play(order, scenario)
        outcomes.append(outcome)
        if not arguments.json:
            print(as_line(outcome), flush=True)
    print(as_json(outcomes) if arguments.json else summary(outcomes))
    if arguments.report:
        _keep(Path(arguments.report), "report.json", as_json(outcomes).encode())
        _keep(Path(arguments.report), "summary.md", as_markdown(outcomes).encode())
    if not order.monitor.calls:
        for line in order.monitor.report("" if order.cloud else _DOUBT):
            _tell(line)
        return _UNJUDGED
    return exit_code(outcomes)


def _order(arguments: argparse.Namespace) -> Order:
    if not arguments.timeout > 0:
        raise Usage("--timeout must be greater than 0")
    report = Path(arguments.report) if arguments.report else None
    words = tuple(program_words(arguments.words))
    return Order(words, arguments.timeout, arguments.cloud, report)


def play(order: Order, scenario: Scenario) -> Outcome:
    """Run the program in a scenario, on a server of its own."""

    settings = settings_of(scenario)
    with (
        TemporaryFolder("conform-client") as own,
        _place(order, settings, own) as place,
    ):
        # Nothing of ours is in what the program is given.
        folder = own / "program"
        folder.mkdir()
        if place.unsealed:
            order.monitor.tell_once(unsealed(place))
        arm_faults(place.base_url, scenario.faults, place.transport)
        began = time.monotonic()
        ran = run_program(
            place.words(_filled(order, scenario, folder, place.base_url)),
            place.environment(_environment(scenario, settings, folder)),
            folder / "output.txt",
            scenario.seconds or order.seconds,
        )
        took = time.monotonic() - began
        journal, lines = fetch_journal(place.base_url, place.transport)
        if order.report:
            _keep(order.report, f"{scenario.name}.jsonl", lines)
            _keep(order.report, f"{scenario.name}.txt", (folder / "output.txt").read_bytes())
    return weigh(scenario, ran, journal, took)


@contextlib.contextmanager
def _place(order: Order, settings: "Settings", folder: Path) -> Iterator[Place]:
    monitor = order.monitor
    made = cloud_place(settings, folder, monitor) if order.cloud else plain_place(settings, monitor)
    with made as place:
        yield place


def settings_of(scenario: Scenario) -> "Settings":
    """The settings of the server on which a scenario is played."""
    from nemolocal_server.configuration import read_settings

    wanted = {"token": _TOKEN, "user_id": _USER, **(scenario.token or {})}
    made = {} if scenario.token is None else {"tokens": [wanted]}
    calm = {"port": 0, "speed": _SPEED, "silence": {"rate": 0.0}}
    fields = {**calm, **made, **scenario.settings}
    return read_settings(given=fields, dialect=fields.pop("dialect", {}))


def _filled(order: Order, scenario: Scenario, folder: Path, url: str) -> list[str]:
    """The program's words with its places filled in."""
    clip = folder / CLIP
    clip.write_bytes(sample(CLIP) if scenario.clip == "clip" else b"This is no clip.\n" * 100)
    fillings = {"{url}": url, "{clip}": str(clip), "{folder}": str(folder)}
    words = list(order.words)
    for name, filling in fillings.items():
        words = [word.replace(name, filling) for word in words]
    return words


def _environment(scenario: Scenario, settings: "Settings", folder: Path) -> dict[str, str]:
    """Nothing that a run before has kept, and nobody's token but the scenario's."""
    found = {name: value for name, value in os.environ.items() if name != "NEMO_TOKEN"}
    token = {} if scenario.token is None else {"NEMO_TOKEN": _TOKEN}
    told = {"NEMO_SPEED": f"{settings.speed:g}", "NEMOLOCAL_CONFIG_DIR": str(folder / "config")}
    return {**found, **told, **token}


def _tell(said: str) -> None:
    print(f"nemolocal: {said}", file=sys.stderr, flush=True)


def _keep(folder: Path, name: str, content: bytes) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    except OSError as error:
        raise Problem(
            f"{folder}: the report cannot be written: {error.strerror}; name another "
            "folder with --report"
        ) from error
