"""What the reference client does in each recording: the client scenarios, and whole journeys."""

import functools
from collections.abc import Callable
from typing import Any

import msgspec

from nemolocal.client_scenarios import scenario_settings
from nemolocal_client import Client, SessionNotFound
from nemolocal_conformance.client_runner.scenario import (
    ClientScenario,
    scenarios as client_scenarios,
)

from ..clients.client_fixture import EDIT, ClientFixture, catch_error

TITLE = "add a title 'Paradise' for 3 seconds"
# The token that `scenario_settings` makes.
_TOKEN = "nmv_usr_of-the-scenario"
# Larger than the upload limit of the scenario in which a file is too large.
_CLIP_BYTES = 2000


class Journey(msgspec.Struct, frozen=True):
    """A run of the reference client, and the settings of the server that it needs.

    With `fixed_job` it is judged as a program that has no user.
    """

    name: str
    run: Callable[[ClientFixture], None]
    settings: dict[str, Any] = {}
    fixed_job: bool = False


@functools.cache
def journeys() -> dict[str, Journey]:
    """Return all of them by name: those of `scenarios.toml` first."""
    found = [_scenario_journey(scenario) for scenario in client_scenarios().values()]
    found += [Journey(run.__name__.replace("_", "-"), run) for run in _WHOLE]
    return {journey.name: journey for journey in found}


def _scenario_journey(scenario: ClientScenario) -> Journey:
    settings = msgspec.structs.asdict(scenario_settings(scenario))
    return Journey(scenario.name, functools.partial(_play_scenario, scenario), settings, True)


def _play_scenario(scenario: ClientScenario, fixture: ClientFixture) -> None:
    """Upload, edit and export, as `nemolocal edit` does, whatever the scenario has in store."""
    fixture.clip.write_bytes(b"a clip".ljust(_CLIP_BYTES))
    for fault in scenario.faults:
        fixture.arm(fault)
    token = _TOKEN if scenario.token is not None else None
    client = fixture.open_client(token=token)
    clip = fixture.clip if scenario.clip == "clip" else fixture.text_file

    def job() -> None:
        client.connect()
        client.balance()
        client.upload(clip)
        try:
            client.say(EDIT)
        except SessionNotFound:
            client.open_session()
            client.upload(clip)
            client.say(EDIT)
        _export(fixture, client)

    catch_error(job)


def _export(fixture: ClientFixture, client: Client) -> None:
    client.export(fixture.output)
    client.claim_link()


def whole_journey(fixture: ClientFixture) -> None:
    """Two files, two edits, two exports, a look at everything."""
    client = fixture.open_client_with_clip()
    client.balance()
    client.say(EDIT)
    client.timeline()
    _export(fixture, client)
    client.upload(fixture.second_clip)
    client.say(TITLE)
    client.balance()
    _export(fixture, client)


def two_sessions(fixture: ClientFixture) -> None:
    """A project is left for another one, and gone back to."""
    client = fixture.open_client_with_clip()
    client.say(EDIT)
    first = client.session_id
    client.open_session("second")
    client.upload(fixture.second_clip)
    client.say(TITLE)
    _export(fixture, client)
    assert first is not None  # the upload opened it
    client.resume(first)
    _export(fixture, client)


def two_runs(fixture: ClientFixture) -> None:
    """The same user comes back with what the first run kept."""
    profile = fixture.new_profile()
    client = fixture.open_client(profile=profile)
    client.upload(fixture.clip)
    client.say(EDIT)
    session = client.session_id
    assert session is not None  # the upload opened it
    again = fixture.open_client(profile=profile)
    again.resume(session)
    again.say(TITLE)
    _export(fixture, again)


def two_users(fixture: ClientFixture) -> None:
    """Two users of one skill at the same time."""
    clients = [fixture.open_client(), fixture.open_client()]
    for client in clients:
        client.upload(fixture.clip)
    for client in clients:
        client.say(EDIT)
    for client in clients:
        _export(fixture, client)


def cancelled_export(fixture: ClientFixture) -> None:
    """An export that takes too long is cancelled and begun anew."""
    client = fixture.open_client_with_edit()
    fixture.arm_fault("render-stuck", "render")
    catch_error(lambda: client.export(fixture.output))
    client.cancel_export()
    _export(fixture, client)


_WHOLE = (whole_journey, two_sessions, two_runs, two_users, cancelled_export)
