"""Runs and checks a program in the scenarios of `nemolocal conform-client`."""

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from nemolocal_conformance.client_runner.program import run_program
from nemolocal_conformance.client_runner.scenario import ClientScenario, scenarios
from nemolocal_conformance.client_runner.scenario_report import (
    as_json,
    as_junit,
    as_markdown,
    exit_code,
    scenario_line,
    summary,
)
from nemolocal_conformance.client_runner.scenario_result import ScenarioResult, evaluate_run
from nemolocal_conformance.client_runner.server_control import arm_faults, fetch_journal
from nemolocal_conformance.samples import CLIP, read_sample
from nemolocal_render.temporary_folder import TemporaryFolder

from .errors import UsageError
from .exec.program_environment import (
    CLOUD_HOST,
    ProgramEnvironment,
    open_cloud_environment,
    open_plain_environment,
)
from .exec.program_process import program_command
from .exec.traffic_monitor import TrafficMonitor
from .report_files import write_report_files
from .shared_options import select_by_prefix

if TYPE_CHECKING:
    from nemolocal_server.settings import Settings

# Minutes of waiting pass in seconds. A scenario about one short wait sets a slower speed.
_SPEED = 200.0
# An export is pending at the first poll (after 30 s) and completed at the second.
_RENDER_QUEUE = 45.0
_NEVER_RENDERED = "render-stuck"
_TOKEN = "nmv_usr_of-the-scenario"
_USER = "user_of-the-scenario"
_NOTHING_CHECKED = 2
_UNKNOWN = "no scenario has this name: see `nemolocal conform-client --list`"
_URL_CAVEAT = "it does not call the address in NEMO_API_URL"


class RunOptions(msgspec.Struct, frozen=True):
    """The program, its time limit, whether the server replaces the cloud, and the report folder."""

    command: tuple[str, ...]
    timeout: float
    cloud: bool
    report: Path | None
    monitor: TrafficMonitor = msgspec.field(
        default_factory=lambda: TrafficMonitor(CLOUD_HOST, _log)
    )


def list_scenarios(arguments: argparse.Namespace) -> int:
    """Print the selected scenarios."""
    for scenario in _selected_scenarios(arguments):
        print(f"{scenario.name:24} {scenario.about}")
    return 0


def run_scenarios(arguments: argparse.Namespace) -> int:
    """Return 0 if no check failed, 1 if one failed, 2 if no scenario or call was seen."""
    chosen, order = _selected_scenarios(arguments), _run_options(arguments)
    outcomes = []
    for scenario in chosen:
        outcome = run_scenario(order, scenario)
        outcomes.append(outcome)
        if not arguments.json:
            print(scenario_line(outcome), flush=True)
    print(as_json(outcomes) if arguments.json else summary(outcomes))
    if order.report:
        write_report_files(
            order.report,
            {
                "report.json": as_json(outcomes),
                "junit.xml": as_junit(outcomes),
                "summary.md": as_markdown(outcomes),
            },
        )
    if not order.monitor.call_count:
        for line in order.monitor.summary_lines("" if order.cloud else _URL_CAVEAT):
            _log(line)
        return _NOTHING_CHECKED
    return exit_code(outcomes)


def _selected_scenarios(arguments: argparse.Namespace) -> list[ClientScenario]:
    return select_by_prefix({s.name: s for s in scenarios().values()}, arguments.only, _UNKNOWN)


def _run_options(arguments: argparse.Namespace) -> RunOptions:
    if not arguments.timeout > 0:
        raise UsageError("--timeout must be greater than 0")
    report = Path(arguments.report) if arguments.report else None
    words = tuple(program_command(arguments.words))
    return RunOptions(words, arguments.timeout, arguments.cloud, report)


def run_scenario(order: RunOptions, scenario: ClientScenario) -> ScenarioResult:
    """Run the program in a scenario, against a new server."""
    settings = scenario_settings(scenario)
    with (
        TemporaryFolder("conform-client") as own,
        _open_environment(order, scenario, settings, own) as place,
    ):
        # The program's folder contains none of our files.
        folder = own / "program"
        folder.mkdir()
        if place.unsealed_reason:
            order.monitor.print_once(place.unsealed_warning)
        arm_faults(place.base_url, scenario.faults, place.transport)
        began = time.monotonic()
        ran = run_program(
            place.wrap_command(_expand_command(order, scenario, folder, place.base_url)),
            place.merge_variables(_environment(scenario, settings, folder)),
            folder / "output.txt",
            scenario.seconds or order.timeout,
        )
        took = time.monotonic() - began
        journal, lines = fetch_journal(place.base_url, place.transport)
        if order.report:
            output = (folder / "output.txt").read_bytes()
            contents = {f"{scenario.name}.jsonl": lines, f"{scenario.name}.txt": output}
            write_report_files(order.report, contents)
    return evaluate_run(scenario, ran, journal, took)


@contextlib.contextmanager
def _open_environment(
    order: RunOptions, scenario: ClientScenario, settings: "Settings", folder: Path
) -> Iterator[ProgramEnvironment]:
    monitor = order.monitor
    hold = not any(fault["name"] == _NEVER_RENDERED for fault in scenario.faults)
    made = (
        open_cloud_environment(settings, folder, monitor, hold_polls=hold)
        if order.cloud
        else open_plain_environment(settings, monitor, hold_polls=hold)
    )
    with made as place:
        yield place


def scenario_settings(scenario: ClientScenario) -> "Settings":
    """Return the settings of a scenario's server."""
    from nemolocal_server.settings_loader import load_settings

    wanted = {"token": _TOKEN, "user_id": _USER, **(scenario.token or {})}
    made = {} if scenario.token is None else {"tokens": [wanted]}
    calm = {"port": 0, "speed": _SPEED, "silence": {"rate": 0.0}}
    queue = {"render_queue": (_RENDER_QUEUE, _RENDER_QUEUE)}
    fields = {**calm, **queue, **made, **scenario.settings}
    return load_settings(given=fields, dialect=fields.pop("dialect", {}))


def _expand_command(
    order: RunOptions, scenario: ClientScenario, folder: Path, url: str
) -> list[str]:
    """Return the command line with its placeholders replaced."""
    clip = folder / CLIP
    clip.write_bytes(read_sample(CLIP) if scenario.clip == "clip" else b"This is no clip.\n" * 100)
    fillings = {"{url}": url, "{clip}": str(clip), "{folder}": str(folder)}
    words = list(order.command)
    for name, filling in fillings.items():
        words = [word.replace(name, filling) for word in words]
    return words


def _environment(scenario: ClientScenario, settings: "Settings", folder: Path) -> dict[str, str]:
    """Return the environment without saved state of earlier runs, and with the scenario's token."""
    found = {name: value for name, value in os.environ.items() if name != "NEMO_TOKEN"}
    token = {} if scenario.token is None else {"NEMO_TOKEN": _TOKEN}
    variables = {
        "NEMO_SPEED": f"{settings.speed:g}",
        "NEMOLOCAL_CONFIG_DIR": str(folder / "config"),
    }
    return {**found, **variables, **token}


def _log(said: str) -> None:
    print(f"nemolocal: {said}", file=sys.stderr, flush=True)
