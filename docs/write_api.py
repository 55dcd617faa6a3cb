"""Writes docs/reference/http-api.md and control-api.md from the OpenAPI document.

`python docs/write_api.py` writes the pages, `--check` exits 1 if they are not up to date.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nemolocal_contract.endpoints import CONTROL_PREFIX, FAULT, REPLY
from nemolocal_contract.openapi import openapi_document
from page_writer import write_pages

FOLDER = Path(__file__).parent / "reference"
MADE = """\

Generated from the OpenAPI document by `python docs/write_api.py`; a test fails if it is out of
date. `GET /__nemolocal__/openapi.json` of a running server has every field and schema.
"""
TABLE = "\n| call | what it does | statuses |\n|---|---|---|\n"
HEADS = {
    "http-api.md": f"""\
# HTTP API of the contract
{MADE}
Every call carries `X-Skill-Source`, `X-Skill-Version` and `X-Skill-Platform`; every call but the
first also `Authorization: Bearer <token>`. For examples see
[Call the API with curl](../how-to/call-the-api-with-curl.md); for the required behaviour see
[the rules](rules.md).
""",
    "control-api.md": f"""\
# Control API
{MADE}
A local server has these calls under `{CONTROL_PREFIX}/` (`--no-control` disables all but health). A
`POST` needs `Content-Type: application/json`, as `curl --json` sends it. Requests from web pages of
other origins are refused, and a server that other machines can reach requires a token
([network access](../how-to/access.md)).

Two headers affect a single request of the contract: `{FAULT}` injects [faults](faults.md), and
`{REPLY}` gives a [scripted reply](../how-to/script-replies.md).
""",
}


def main(arguments: list[str]) -> int:
    """Write the pages; with `--check`, return 1 if one is not up to date."""
    return write_pages({FOLDER / name: page(name) for name in HEADS}, arguments)


def page(name: str) -> str:
    """One of the pages."""
    control = name == "control-api.md"
    operations = [
        (path, method, operation)
        for path, method, operation in _operations()
        if path.startswith(CONTROL_PREFIX) is control
    ]
    rows = "".join(_row(*operation) for operation in operations)
    examples = "".join(_example(*operation) for operation in operations)
    head = "\n## Example bodies\n" if examples else ""
    return f"{HEADS[name]}{TABLE}{rows}{head}{examples}"


def _operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    document = openapi_document("", "http://127.0.0.1:8787")
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if "responses" in operation:
                yield path, method.upper(), operation


def _row(path: str, method: str, operation: dict[str, Any]) -> str:
    statuses = ", ".join(status for status in operation["responses"] if status != "default")
    return f"| `{method} {path}` | {operation['summary'].replace('|', '/')} | {statuses} |\n"


def _example(path: str, method: str, operation: dict[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    if "example" not in content:
        return ""
    body = json.dumps(content["example"], ensure_ascii=False, indent=2)
    return f"\n`{method} {path}`:\n\n```json\n{body}\n```\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
