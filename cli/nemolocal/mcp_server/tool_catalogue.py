"""The tools: their names, what they are for, their arguments and results."""

from typing import Any

import msgspec

from . import tool_arguments as given, tool_results as results
from .json_schemas import object_schema


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool, as it is listed to agents.

    `own_server`: it starts or stops a server of this process. `reads_files`: it needs the open
    folders. `destructive`: it deletes what it does not create again.
    """

    name: str
    title: str
    description: str
    arguments: type[msgspec.Struct]
    result: type[msgspec.Struct]
    reads_only: bool = False
    destructive: bool = False
    own_server: bool = False
    reads_files: bool = False

    def input_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the arguments."""
        return object_schema(self.arguments)

    def output_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the result."""
        return object_schema(self.result)


TOOLS = (
    Tool(
        name="start_server",
        title="Start a local server",
        description="Start a local NemoVideo server in memory and return its base URL. Point the "
        "client under test at it. One server runs at a time; it ends with this session.",
        arguments=given.StartServer,
        result=results.ServerStatus,
        own_server=True,
    ),
    Tool(
        name="stop_server",
        title="Stop the local server",
        description="Stop the server that start_server started. Its data and journal are deleted.",
        arguments=given.NoArguments,
        result=results.StoppedServer,
        destructive=True,
        own_server=True,
    ),
    Tool(
        name="server_status",
        title="Describe the server",
        description="Return base URL, clock, armed faults, scripted replies and the summary of the "
        "journal.",
        arguments=given.NoArguments,
        result=results.ServerStatus,
        reads_only=True,
    ),
    Tool(
        name="query_journal",
        title="List recorded requests",
        description="List the exchanges that the server recorded: status, rules of the contract, "
        "faults, and what each chat request really did. Bodies are left out: read_journal_entry "
        "returns them.",
        arguments=given.QueryJournal,
        result=results.JournalPage,
        reads_only=True,
    ),
    Tool(
        name="read_journal_entry",
        title="Read a recorded request",
        description="Return one exchange with headers and bodies, cut to a length.",
        arguments=given.ReadJournalEntry,
        result=results.JournalEntry,
        reads_only=True,
    ),
    Tool(
        name="clear_journal",
        title="Clear the journal",
        description="Delete all recorded exchanges, for instance before another run of the client.",
        arguments=given.NoArguments,
        result=results.ClearedJournal,
        destructive=True,
    ),
    Tool(
        name="get_verdict",
        title="Check the client by its requests",
        description="Check the clients in the journal against the contract. Each finding names the "
        "broken rules and the entries that show it.",
        arguments=given.GetVerdict,
        result=results.VerdictReport,
        reads_only=True,
    ),
    Tool(
        name="list_faults",
        title="List the faults",
        description="List the faults that arm_fault can arm, with their arguments and the "
        "endpoints that they can hit.",
        arguments=given.NoArguments,
        result=results.FaultCatalogue,
        reads_only=True,
    ),
    Tool(
        name="arm_fault",
        title="Arm a fault",
        description="Arm a fault, such as a silent turn or a cut stream, for the next matching "
        "requests. list_faults names them.",
        arguments=given.FaultSpec,
        result=results.FaultId,
    ),
    Tool(
        name="clear_faults",
        title="Disarm faults",
        description="Disarm one fault or all.",
        arguments=given.ClearFaults,
        result=results.DisarmedFaults,
        destructive=True,
    ),
    Tool(
        name="script_reply",
        title="Script a reply",
        description="Say what the next matching chat request gets: its text, the edits, the price, "
        "the length of the turn. What is left out, the local agent decides.",
        arguments=given.ReplySpec,
        result=results.ReplyName,
    ),
    Tool(
        name="clear_replies",
        title="Delete scripted replies",
        description="Delete all scripted replies.",
        arguments=given.NoArguments,
        result=results.DeletedReplies,
        destructive=True,
    ),
    Tool(
        name="advance_clock",
        title="Advance the clock",
        description="Advance the clock of a server that was started with clock manual. Everything "
        "that falls due happens before this returns.",
        arguments=given.AdvanceClock,
        result=results.ClockState,
    ),
    Tool(
        name="check_skill",
        title="Check a skill document",
        description="Report errors in a SKILL.md: wrong endpoints, limits, promises and commands, "
        "with the line and what to do.",
        arguments=given.SkillPath,
        result=results.SkillReport,
        reads_only=True,
        reads_files=True,
    ),
    Tool(
        name="run_skill",
        title="Run a skill document",
        description="Make the calls of a SKILL.md on a temporary server, without a shell, and say "
        "whether each response is as the document says. Takes some seconds.",
        arguments=given.SkillPath,
        result=results.SkillRun,
        reads_files=True,
    ),
)


def offered_tools(*, server_is_given: bool) -> tuple[Tool, ...]:
    """Return the tools; those that start and stop a server only if none is given."""
    return tuple(tool for tool in TOOLS if not (server_is_given and tool.own_server))
