"""The tools of `nemolocal mcp` without the protocol: schemas, results, errors, open folders."""

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from nemolocal.mcp_server.folder_access import read_skill_file, root_folders
from nemolocal.mcp_server.server_control import ServerControl, ServerInUse
from nemolocal.mcp_server.tool_catalogue import TOOLS
from nemolocal.mcp_server.tool_errors import ToolError
from nemolocal.mcp_server.tool_execution import MAX_RESULT, ToolBox
from nemolocal_contract.endpoints import CLIENT_ID, TOKEN
from tests.support.cli import CommandRunner, ServerStarter

CLEAN = Path(__file__).parents[2] / "fixtures" / "skills" / "clean.md"


@pytest.fixture
def toolbox() -> Iterator[ToolBox]:
    toolbox = ToolBox(ServerControl())
    yield toolbox
    toolbox.close()


def objects(part: Any) -> Iterator[dict[str, Any]]:
    """Every object within a schema."""
    if isinstance(part, dict):
        yield part
    for child in (
        part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    ):
        yield from objects(child)


def test_schemas_are_objects_without_references(subtests: pytest.Subtests) -> None:
    for tool in TOOLS:
        with subtests.test(tool=tool.name):
            for schema in (tool.input_schema(), tool.output_schema()):
                jsonschema.Draft202012Validator.check_schema(schema)
                assert schema["type"] == "object"
                assert not any("$ref" in part for part in objects(schema))
            assert not tool.input_schema()["additionalProperties"]


def test_an_agent_sees_what_a_faulty_client_did(toolbox: ToolBox) -> None:
    """Each result fits its schema."""
    checked = {tool.name: tool.output_schema() for tool in TOOLS}

    def run(name: str, /, **arguments: Any) -> dict[str, Any]:
        answer = toolbox.run(name, arguments)
        jsonschema.validate(answer, checked[name])
        return answer

    base_url = run("start_server", clock="manual")["base_url"]
    fault = run("arm_fault", name="rate-limited", match={"endpoint": "token"})
    with httpx.Client(base_url=base_url, trust_env=False) as http:
        for client in ("one", "one", "two"):
            http.post(TOKEN.template, headers={CLIENT_ID: client})
    run("script_reply", match={"message": "hi"}, say="hello")
    status = run("server_status")
    assert [(f["id"], f["hits"]) for f in status["armed_faults"]] == []
    assert status["replies"] == [{"name": "reply-1", "uses": 0}]
    assert fault["id"]

    everything = run("query_journal")
    assert [line["id"] for line in everything["entries"]] == [1, 2, 3]
    assert everything["entries"][0]["faults"] == ["rate-limited"]
    failed = run("query_journal", failed_only=True)["entries"]
    assert [line["id"] for line in failed] == [1]
    newest, oldest = (run("query_journal", limit=2, order=o) for o in ("newest", "oldest"))
    assert [line["id"] for line in newest["entries"]] == [2, 3]
    assert [line["id"] for line in oldest["entries"]] == [1, 2]
    assert (newest["more"], oldest["more"], everything["more"]) == (True, True, False)
    assert run("query_journal", since=oldest["last_id"])["entries"] == everything["entries"][2:]

    entry = run("read_journal_entry", id=2, max_characters=10)
    assert len(entry["response_body"]) == 10 < entry["response_size"]
    assert entry["is_cut"]
    assert "nmv_usr_" not in str(run("read_journal_entry", id=2))
    assert run("advance_clock", seconds=60)["time"] == status["clock"]["time"] + 60
    verdict = run("get_verdict")
    assert sum(verdict["counts"].values()) > 50
    assert run("clear_journal") == {"deleted": 3}
    assert run("get_verdict")["outcome"] == "nothing checked"
    assert run("clear_replies") == {"deleted": ["reply-1"]}
    assert run("stop_server")["base_url"] == base_url
    with pytest.raises(httpx.ConnectError):
        httpx.get(base_url, trust_env=False)


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("query_journal", {}, "call start_server first"),
        ("stop_server", {}, "call start_server first"),
        ("start_server", {"scenario": "/etc/passwd"}, "choose from bad-account"),
        ("start_server", {"port": "x"}, "`$.port`; see the input schema of start_server"),
        ("start_server", {"data": "/tmp"}, "unknown field `data`"),
        ("query_journal", {"limit": 51}, "<= 50"),
        ("check_skill", {"path": "SKILL.md"}, "--folder"),
        ("run_skill", {"path": ""}, "`$.path`"),
        ("delete_everything", {}, "choose from start_server"),
    ],
)
def test_an_error_names_the_field_or_the_way_out(
    toolbox: ToolBox, name: str, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(ToolError) as error:
        toolbox.run(name, arguments)
    assert words in str(error.value)


def test_a_second_server_is_refused_and_none_starts_after_the_end(toolbox: ToolBox) -> None:
    base_url = toolbox.run("start_server", {})["base_url"]
    with pytest.raises(ToolError, match=f"{base_url}.*stop_server"):
        toolbox.run("start_server", {})
    port = int(base_url.rpartition(":")[2])
    other = ToolBox(ServerControl())
    with pytest.raises(ToolError, match=r"port: .*leave it out"):
        other.run("start_server", {"port": port})
    for name, body, words in (
        ("arm_fault", {"name": "nothing"}, "^name: unknown fault 'nothing'"),
        ("script_reply", {"match": {"message": {"regex": "("}}}, "^match.message.regex"),
        ("advance_clock", {"seconds": 1}, "clock is real, .* start_server with clock manual"),
        ("clear_faults", {"id": "nothing"}, "No fault is armed"),
        ("read_journal_entry", {"id": 7}, "no entry has the id 7"),
        ("get_verdict", {"only": ["x"]}, "no check id starts with 'x'"),
    ):
        with pytest.raises(ToolError, match=words):
            toolbox.run(name, body)
    toolbox.close()
    with pytest.raises(ToolError, match="the client has gone"):
        toolbox.run("start_server", {})


def test_a_server_that_runs_already_is_used_and_not_stopped(serve: ServerStarter) -> None:
    base_url = serve()
    toolbox = ToolBox(ServerControl(ServerInUse(base_url)))
    assert {"start_server", "stop_server"}.isdisjoint(toolbox.tools)
    status = toolbox.run("server_status", {})
    assert (status["base_url"], status["started_here"], status["dashboard"]) == (
        base_url,
        False,
        None,
    )
    toolbox.close()
    assert toolbox.run("server_status", {})["base_url"] == base_url
    with pytest.raises(ToolError, match="start it with --clock manual"):
        toolbox.run("advance_clock", {"seconds": 1})


def test_a_server_that_refuses_or_is_none_is_named(serve: ServerStarter) -> None:
    closed = ToolBox(ServerControl(ServerInUse(serve(control_token="secret"))))
    with pytest.raises(ToolError, match="NEMO_CONTROL_TOKEN"):
        closed.run("query_journal", {})
    with pytest.raises(ToolError, match="NEMO_CONTROL_TOKEN"):
        closed.run("list_faults", {})
    without = ToolBox(ServerControl(ServerInUse(serve(control=False))))
    with pytest.raises(ToolError, match="control API is off"):
        without.run("list_faults", {})
    gone = ToolBox(ServerControl(ServerInUse("http://127.0.0.1:1")))
    with pytest.raises(ToolError, match=r"cannot reach http://127.0.0.1:1 .*: start it"):
        gone.run("query_journal", {})


def test_a_skill_is_checked_in_an_open_folder(tmp_path: Path) -> None:
    folder = tmp_path / "clean"
    folder.mkdir()
    (folder / "SKILL.md").write_bytes(CLEAN.read_bytes().replace(b"/run_sse", b"/run_sss"))
    report = ToolBox(ServerControl(), [tmp_path]).run("check_skill", {"path": "clean"})
    assert report["path"] == str(folder.resolve() / "SKILL.md")
    assert report["errors"] == sum(f["level"] == "error" for f in report["findings"]) > 0
    assert report["left_out"] == 0


def test_a_file_outside_of_the_open_folders_is_not_read(tmp_path: Path) -> None:
    """Neither by its path nor by a link, and nothing but a regular file of up to 1 MiB."""
    opened, secret = tmp_path / "open", tmp_path / "secret.md"
    opened.mkdir()
    secret.write_text("secret", encoding="utf-8")
    (opened / "SKILL.md").symlink_to(secret)
    (opened / "large.md").write_bytes(b" " * (1024 * 1024 + 1))
    os.mkfifo(opened / "pipe.md")
    for path, words in (
        ("../secret.md", "outside"),
        (str(secret), "outside"),
        ("SKILL.md", "outside"),
        (str(opened), "outside"),
        ("/etc/passwd", "outside"),
        ("a\0b", "no path"),
        ("nothing.md", "file not found"),
        ("pipe.md", "not a regular file"),
        ("large.md", "larger than 1 MiB"),
    ):
        with pytest.raises(ToolError, match=words):
            read_skill_file(path, [opened])


def test_roots_are_folders_of_this_machine() -> None:
    uris = ["file:///a%20b", "file://localhost/c", "file://elsewhere/d", "https://example.com/e"]
    assert root_folders(uris) == (Path("/a b"), Path("/c"))


def test_a_result_that_would_fill_the_context_is_refused(toolbox: ToolBox, tmp_path: Path) -> None:
    """A name of 200 KB in the frontmatter: nothing bounds it, but the result as a whole."""
    name = "x" * (2 * MAX_RESULT)
    (tmp_path / "SKILL.md").write_text(f"---\nname: {name}\n---\n", encoding="utf-8")
    with pytest.raises(ToolError, match="too long"):
        toolbox.run("check_skill", {"path": "SKILL.md"}, [tmp_path])


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_a_cancelled_run_of_a_skill_ends_after_the_call(tmp_path: Path) -> None:
    (tmp_path / "SKILL.md").write_bytes(CLEAN.read_bytes())
    ended = threading.Event()
    ended.set()
    with pytest.raises(ToolError, match="cancelled"):
        ToolBox(ServerControl(), [tmp_path]).run("run_skill", {"path": "."}, ended=ended)


def test_without_the_sdk_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, run: CommandRunner
) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    result = run("mcp")
    assert (result.status, result.out) == (1, "")
    assert result.err == "nemolocal: this needs the MCP SDK: pip install 'nemolocal[mcp]'\n"


def test_without_standard_input_the_command_ends(
    monkeypatch: pytest.MonkeyPatch, run: CommandRunner
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    result = run("mcp")
    assert (result.status, result.out) == (1, "")
    assert "standard input or output is closed" in result.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--folder", "nowhere"), "--folder: not a folder: 'nowhere'"),
        (("--base-url", "localhost:8787"), "must be a URL such as http://127.0.0.1:8787"),
        (("--control-token", "x"), "--control-token needs --base-url"),
    ],
)
def test_wrong_usage_is_refused(run: CommandRunner, arguments: tuple[str, ...], words: str) -> None:
    result = run("mcp", *arguments)
    assert result.status == 2
    assert words in result.err
