"""Tools that start, stop and describe a server, and advance its clock."""

from typing import Any

import msgspec

from nemolocal_contract.control_api import Health
from nemolocal_contract.endpoints import (
    CLOCK,
    CLOCK_ADVANCE,
    FAULTS,
    FAULTS_ARM,
    FAULTS_CLEAR,
    FAULTS_DISARM,
    HEALTH,
    JOURNAL_SUMMARY,
    REPLIES,
    REPLIES_ADD,
    REPLIES_CLEAR,
)
from nemolocal_contract.journal import Summary

from .server_control import ServerControl
from .tool_arguments import (
    AdvanceClock,
    ClearFaults,
    FaultSpec,
    NoArguments,
    ReplySpec,
    StartServer,
)
from .tool_errors import ToolError
from .tool_results import (
    ClockState,
    DeletedReplies,
    DisarmedFaults,
    FaultCatalogue,
    FaultId,
    FaultKind,
    FaultUse,
    ReplyName,
    ReplyUse,
    ServerStatus,
    StoppedServer,
)


class _ArmedFaults(msgspec.Struct):
    armed: tuple[FaultUse, ...]


class _KnownFaults(msgspec.Struct):
    catalogue: tuple[FaultKind, ...]


class _ReplyUses(msgspec.Struct):
    replies: tuple[ReplyUse, ...]


class ServerTools:
    """The tools that use a server and its control API."""

    def __init__(self, control: ServerControl) -> None:
        self._control = control

    def start_server(self, wanted: StartServer) -> ServerStatus:
        """Start a server in memory."""
        from nemolocal_server.faults.fault_scenario import builtin_scenarios
        from nemolocal_server.settings import FREE_TARIFF
        from nemolocal_server.settings_loader import load_settings
        from nemolocal_server.turns.silent_turns import SilentTurnPolicy

        # A scenario of the settings may be a file.
        if wanted.scenario and wanted.scenario not in builtin_scenarios():
            known = ", ".join(builtin_scenarios())
            raise ToolError(f"scenario: unknown scenario {wanted.scenario!r}; choose from {known}")
        given: dict[str, Any] = msgspec.structs.asdict(wanted)
        preset, rate = given.pop("preset"), given.pop("silent_rate")
        given["silence"] = SilentTurnPolicy(rate=rate)
        if given.pop("free"):
            given["tariff"] = FREE_TARIFF
        try:
            settings = load_settings(None, given, {}, preset, {})
        except ValueError as error:
            raise ToolError(str(error)) from error
        self._control.start(settings)
        return self.server_status(NoArguments())

    def stop_server(self, _: NoArguments) -> StoppedServer:
        """Stop the server that `start_server` started."""
        base_url, summary = self._control.current().base_url, self._summary()
        self._control.stop()
        return StoppedServer(base_url=base_url, summary=summary.line)

    def server_status(self, _: NoArguments) -> ServerStatus:
        """Describe the server in use."""
        health, server = self._control.fetch(Health, HEALTH), self._control.current()
        summary = self._summary()
        return ServerStatus(
            base_url=server.base_url,
            version=health.version,
            started_here=not self._control.is_given,
            dashboard=server.dashboard,
            clock=self._clock(),
            armed_faults=self._control.fetch(_ArmedFaults, FAULTS).armed,
            replies=self._control.fetch(_ReplyUses, REPLIES).replies,
            journal_entries=summary.entries,
            summary=summary.line,
        )

    def advance_clock(self, wanted: AdvanceClock) -> ClockState:
        """Advance a manual clock."""
        kind = self._clock().kind
        if kind != "manual" and not self._control.is_given:
            raise ToolError(
                f"this server's clock is {kind}, not manual: call stop_server, then start_server "
                "with clock manual"
            )
        return self._control.fetch(ClockState, CLOCK_ADVANCE, {"seconds": wanted.seconds})

    def list_faults(self, _: NoArguments) -> FaultCatalogue:
        """List the faults that can be armed."""
        listing = self._control.fetch(_KnownFaults, FAULTS)
        return FaultCatalogue(faults=listing.catalogue)

    def arm_fault(self, wanted: FaultSpec) -> FaultId:
        """Arm a fault for the next matching requests."""
        return self._control.fetch(FaultId, FAULTS_ARM, msgspec.to_builtins(wanted))

    def clear_faults(self, wanted: ClearFaults) -> DisarmedFaults:
        """Disarm one fault or all."""
        endpoint = FAULTS_CLEAR
        if wanted.id is not None:
            path = FAULTS_DISARM.path(fault=wanted.id)
            endpoint = msgspec.structs.replace(FAULTS_DISARM, template=path)
        return self._control.fetch(DisarmedFaults, endpoint, item=wanted.id is not None)

    def script_reply(self, wanted: ReplySpec) -> ReplyName:
        """Add a scripted reply."""
        return self._control.fetch(ReplyName, REPLIES_ADD, msgspec.to_builtins(wanted))

    def clear_replies(self, _: NoArguments) -> DeletedReplies:
        """Delete all scripted replies."""
        return self._control.fetch(DeletedReplies, REPLIES_CLEAR)

    def _clock(self) -> ClockState:
        return self._control.fetch(ClockState, CLOCK)

    def _summary(self) -> Summary:
        return self._control.fetch(Summary, JOURNAL_SUMMARY)
