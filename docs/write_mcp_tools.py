"""Writes docs/reference/mcp-tools.md: the tools of `nemolocal mcp`, from their schemas.

`python docs/write_mcp_tools.py` writes the page, `--check` exits 1 if it is not up to date.
"""

import json
import sys
from pathlib import Path
from typing import Any

from nemolocal.mcp_server.folder_access import MAX_BYTES
from nemolocal.mcp_server.standard_input import MAX_LINE
from nemolocal.mcp_server.tool_catalogue import TOOLS, Tool
from nemolocal.mcp_server.tool_execution import MAX_RESULT
from page_writer import write_pages

TARGET = Path(__file__).parent / "reference" / "mcp-tools.md"
HEAD = f"""\
# Tools for coding agents

Generated from the source code by `python docs/write_mcp_tools.py`; a test fails if it is out of
date.

`nemolocal mcp` serves these tools over the Model Context Protocol (MCP) on standard input and
output. How to set it up: [use a coding agent](../how-to/use-a-coding-agent.md). The answer to
`tools/list` has the JSON Schemas of arguments and results.

A result is a JSON object of at most {MAX_RESULT:,} bytes, as structured content and as text. A call
that fails has `isError` and a text that says what to do. A message has at most
{MAX_LINE // 2**20} MiB, a skill document {MAX_BYTES // 2**20} MiB.
"""
ARGUMENTS = "\n| argument | type | default | meaning |\n|---|---|---|---|\n"
RESULT = "\n| result | type | meaning |\n|---|---|---|\n"
NOTES = {
    "reads_only": "It changes nothing.",
    "destructive": "It deletes data.",
    "own_server": "It is not offered with `--base-url`.",
    "reads_files": "It reads files in the open folders.",
}


def main(arguments: list[str]) -> int:
    """Write the page; with `--check`, return 1 if it is not up to date."""
    return write_pages({TARGET: page()}, arguments)


def page() -> str:
    """The whole page."""
    return HEAD + "".join(map(_section, TOOLS))


def _section(tool: Tool) -> str:
    notes = " ".join(note for name, note in NOTES.items() if getattr(tool, name))
    text = f"{tool.description} {notes}".rstrip()
    given, result = tool.input_schema(), tool.output_schema()
    arguments = "".join(
        f"| `{name}` | {_type(field)} | {_default(name, field, given)} | {_meaning(field)} |\n"
        for name, field in _fields(given)
    )
    results = "".join(
        f"| `{name}` | {_type(field)} | {_meaning(field)} |\n" for name, field in _fields(result)
    )
    table = f"{ARGUMENTS}{arguments}" if arguments else ""
    return f"\n## {tool.name}\n\n{text}\n{table}{RESULT}{results}"


def _fields(schema: dict[str, Any], prefix: str = "") -> list[tuple[str, dict[str, Any]]]:
    """The fields of an object, each with those of the object in it: `match`, `match.endpoint`."""
    found: list[tuple[str, dict[str, Any]]] = []
    for name, field in schema.get("properties", {}).items():
        found.append((f"{prefix}{name}", field))
        inner, suffix = _inner(field)
        found += _fields(inner, f"{prefix}{name}{suffix}.")
    return found


def _inner(field: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The object in a field, and what stands between their names: `[]` for an array."""
    for choice in (field, *field.get("anyOf", ())):
        if "properties" in choice:
            return choice, ""
        if "properties" in choice.get("items", {}):
            return choice["items"], "[]"
    return {}, ""


def _type(field: dict[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "anyOf" in field:
        return " or ".join(_type(choice) for choice in field["anyOf"])
    if field.get("type") == "array" and "type" in field.get("items", {}):
        return f"array of {field['items']['type']}"
    return f"{field.get('type', 'any')}{_bounds(field)}"


def _bounds(field: dict[str, Any]) -> str:
    least = field.get("minimum", field.get("exclusiveMinimum"))
    most = field.get("maximum")
    # Beyond these, JSON has no exact integers: they bound nothing that anybody would send.
    start = f" from {least:g}" if least is not None and least > -(2**53) else ""
    end = f" to {most:,.10g}" if most is not None and most < 2**53 else ""
    return start + end


def _default(name: str, field: dict[str, Any], schema: dict[str, Any]) -> str:
    if "default" in field:
        return "" if field["default"] is None else f"`{json.dumps(field['default'])}`"
    return "required" if name in schema.get("required", ()) else ""


def _meaning(field: dict[str, Any]) -> str:
    text = " ".join(str(field.get("description", "")).split())
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
