"""`nemolocal mcp` as a process: a session over standard input and output, and how it ends.

`docs/how-to/use-a-coding-agent.md` promises coding tools that a session is like this one.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from nemolocal.mcp_server.server_control import ServerControl
from nemolocal.mcp_server.standard_input import MAX_LINE
from nemolocal.mcp_server.tool_execution import ToolBox
from nemolocal.mcp_server.worker_threads import WorkerThreads
from nemolocal_client import Attribution, Client, MemoryProfile
from tests.support.cli import ServerStarter

pytestmark = pytest.mark.slow

SKILLS = Path(__file__).parents[2] / "fixtures" / "skills"
COMMAND = (sys.executable, "-m", "nemolocal", "mcp")


class RawSession:
    """The process and its lines, without the SDK."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._number = 0

    def send(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Return the next line of the output, which must be of the protocol."""
        self._number += 1
        body = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
        self.send(json.dumps(body).encode())
        assert self.process.stdout is not None
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        assert (answer["jsonrpc"], answer["id"]) == ("2.0", self._number)
        return answer

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        answer = self.request("tools/call", {"name": tool, "arguments": arguments})
        result: dict[str, Any] = answer["result"]
        return result

    def initialize(self) -> dict[str, Any]:
        params = {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        }
        return self.request("initialize", params)


@pytest.fixture
def raw() -> Iterator[RawSession]:
    session = RawSession()
    yield session
    session.process.kill()
    session.process.wait()
    for pipe in (session.process.stdin, session.process.stdout, session.process.stderr):
        assert pipe is not None
        with suppress(BrokenPipeError):
            pipe.close()


def assert_stopped(base_url: str) -> None:
    with pytest.raises(httpx.ConnectError):
        httpx.get(base_url, trust_env=False)


def test_end_of_input_ends_the_server_that_a_tool_started(raw: RawSession) -> None:
    raw.initialize()
    base_url = raw.call("start_server")["structuredContent"]["base_url"]
    assert httpx.get(f"{base_url}/__nemolocal__/health", trust_env=False).status_code == 200
    out, err = raw.process.communicate()
    assert (raw.process.returncode, out, err) == (0, b"", b"")
    assert_stopped(base_url)


@pytest.mark.usefixtures("usual_signals")
def test_sigterm_ends_the_server_although_input_is_open() -> None:
    raw = RawSession()
    raw.initialize()
    base_url = raw.call("start_server")["structuredContent"]["base_url"]
    raw.process.send_signal(signal.SIGTERM)
    assert raw.process.wait() == 128 + signal.SIGTERM
    out, err = raw.process.communicate()
    assert (out, err) == (b"", b"nemolocal: ended by SIGTERM\n")
    assert_stopped(base_url)


def test_a_client_that_stops_reading_ends_the_session(raw: RawSession) -> None:
    raw.initialize()
    assert raw.process.stdout is not None
    assert raw.process.stdin is not None
    raw.process.stdout.close()
    body = {"jsonrpc": "2.0", "id": 9, "method": "tools/list", "params": {}}
    raw.process.stdin.write(json.dumps(body).encode() + b"\n")
    raw.process.stdin.close()
    assert raw.process.stderr is not None
    assert b"Traceback" not in raw.process.stderr.read()
    assert raw.process.wait() == 0


def test_lines_that_are_no_message_are_survived(raw: RawSession) -> None:
    raw.initialize()
    for line in (b"hello", b"{", b"", b"\xff\xfe", b'"' + b"x" * (2 * MAX_LINE) + b'"'):
        raw.send(line)
    assert raw.call("server_status")["isError"]
    assert raw.request("tools/none", {})["error"]["code"] == -32601


@contextmanager
def own_client(base_url: str) -> Iterator[Client]:
    """The reference client, for a server whose clock may stand still."""
    with Client(
        base_url,
        attribution=Attribution("mcp-test", "1.0.0"),
        profile=MemoryProfile(),
        environment={},
    ) as client:
        yield client


def edit_in_silence(base_url: str, clip: Path) -> str:
    """A careful client: it reads the state after the silent turn. Returns the next reply."""
    with own_client(base_url) as client:
        client.upload(clip)
        client.say("trim to the first 2 seconds")
        return " ".join(client.say("what do you think?").lines)


@pytest.mark.parametrize("era", ["auto", "legacy"])
@pytest.mark.ffmpeg
def test_a_coding_agent_tests_a_client_and_a_skill(era: str, clip: Path, tmp_path: Path) -> None:
    """With the client of the SDK, which checks each result against its schema.

    `auto` is the protocol of 2026-07-28, `legacy` the one before it.
    """
    from mcp import Client as AgentClient, types
    from mcp.client.context import ClientRequestContext
    from mcp.client.stdio import StdioServerParameters

    skill = tmp_path / "roots" / "my-skill" / "SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_bytes((SKILLS / "clean.md").read_bytes())

    async def list_roots(context: ClientRequestContext) -> types.ListRootsResult:
        del context
        root = {"uri": (tmp_path / "roots").as_uri()}
        return types.ListRootsResult.model_validate({"roots": [root]})

    async def session() -> None:
        parameters = StdioServerParameters(
            command=COMMAND[0], args=list(COMMAND[1:]), env=dict(os.environ)
        )
        async with AgentClient(parameters, mode=era, list_roots_callback=list_roots) as agent:

            async def call(tool: str, **arguments: Any) -> Any:
                result = await agent.call_tool(tool, arguments)
                assert not result.is_error, result.content
                return result.structured_content

            tools = (await agent.list_tools()).tools
            assert all(tool.description and tool.output_schema for tool in tools)
            started = await call("start_server", silent_rate=0)
            await call("arm_fault", name="silent", match={"message": "trim"})
            await call("script_reply", match={"message": "think"}, say="Lovely.", edits=[])
            reply = await asyncio.to_thread(edit_in_silence, started["base_url"], clip)
            assert "Lovely." in reply
            chats = (await call("query_journal", endpoint="chat"))["entries"]
            assert [(c["turn"]["silent"], c["turn"]["truth"]) for c in chats] == [
                (True, "applied"),
                (False, "talk"),
            ]
            assert (chats[0]["faults"], chats[1]["reply"]) == (["silent"], "reply-1")
            entry = await call("read_journal_entry", id=chats[1]["id"])
            assert "Lovely." in entry["response_body"]
            verdict = await call("get_verdict")
            assert (verdict["outcome"], verdict["findings"]) == ("passed", [])

            report = await call("check_skill", path="my-skill")
            assert (report["path"], report["errors"]) == (str(skill.resolve()), 0)
            ran = await call("run_skill", path="my-skill")
            assert ran["as_said"]
            outside = await agent.call_tool("check_skill", {"path": str(SKILLS / "clean.md")})
            assert outside.is_error
            await call("stop_server")
            await asyncio.to_thread(assert_stopped, started["base_url"])
            again = await call("start_server", clock="manual")
            assert (await call("advance_clock", seconds=5))["time"] == again["clock"]["time"] + 5
            bases.append(again["base_url"])

    bases: list[str] = []
    asyncio.run(session())
    assert_stopped(bases[0])


def test_a_running_server_is_driven_by_its_url(serve: ServerStarter) -> None:
    base_url = serve(control_token="secret", clock="manual")
    session = RawSession("--base-url", base_url, "--control-token", "secret")
    session.initialize()
    names = {tool["name"] for tool in session.request("tools/list", {})["result"]["tools"]}
    assert "arm_fault" in names
    assert "start_server" not in names
    assert session.call("advance_clock", seconds=1)["structuredContent"]["kind"] == "manual"
    session.process.communicate()
    assert session.process.returncode == 0
    assert httpx.get(f"{base_url}/__nemolocal__/health", trust_env=False).status_code == 200


@pytest.mark.parametrize("era", ["auto", "legacy"])
def test_without_usable_roots_no_file_is_read(era: str, tmp_path: Path) -> None:
    """The client shares none, or says so only when it is asked."""
    from mcp import Client as AgentClient, types
    from mcp.client.context import ClientRequestContext

    from nemolocal.mcp_server.protocol_server import build_protocol_server

    (tmp_path / "SKILL.md").write_bytes((SKILLS / "clean.md").read_bytes())

    async def share_elsewhere(context: ClientRequestContext) -> types.ListRootsResult:
        del context
        return types.ListRootsResult.model_validate({"roots": [{"uri": "file://elsewhere/tmp"}]})

    async def ask(**options: Any) -> str:
        toolbox = ToolBox(ServerControl())
        server = build_protocol_server(toolbox, WorkerThreads())
        async with AgentClient(server, mode=era, **options) as agent:
            result = await agent.call_tool("check_skill", {"path": str(tmp_path)})
        (content,) = result.content
        assert result.is_error
        assert isinstance(content, types.TextContent)
        return content.text

    assert "no folder is open" in asyncio.run(ask())
    assert "no folder is open" in asyncio.run(ask(list_roots_callback=share_elsewhere))


def test_a_defect_of_a_tool_is_an_error_and_not_the_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from mcp import Client as AgentClient

    from nemolocal.mcp_server.protocol_server import build_protocol_server

    def fail(*_: object) -> None:
        raise KeyError("missing")

    toolbox = ToolBox(ServerControl())
    monkeypatch.setattr(toolbox, "run", fail)

    async def ask() -> str:
        server = build_protocol_server(toolbox, WorkerThreads())
        async with AgentClient(server) as agent:
            result = await agent.call_tool("server_status", {})
            assert (await agent.list_tools()).tools
        return str(result.content)

    assert "server_status failed (KeyError): this is a defect of Nemo Local" in asyncio.run(ask())
    assert "Traceback" in caplog.text
