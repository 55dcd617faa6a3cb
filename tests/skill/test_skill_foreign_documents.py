"""Documents in styles of their own: shell functions, arrays and loops, Python, Chinese, a page of
terse notes. None has a finding, and a fault in it is found all the same.
"""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from nemolocal_skill import check_skill, parse_skill

SKILLS = Path(__file__).parents[2] / "fixtures" / "skills"
FAULTS = tomllib.loads((SKILLS / "foreign.toml").read_text(encoding="utf-8"))["fault"]
FILES = sorted(path.name for path in (SKILLS / "foreign").iterdir())


def findings(text: str) -> list[tuple[str, int]]:
    found = check_skill(parse_skill(text.encode(), Path("SKILL.md")))
    return [(finding.id, finding.line) for finding in found]


def document(name: str) -> str:
    return (SKILLS / "foreign" / name).read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_document_of_another_style_has_no_finding(name: str) -> None:
    assert findings(document(name)) == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault['file']} {fault['id']}")
def test_fault_in_a_document_of_another_style_is_found_on_its_line(fault: dict[str, Any]) -> None:
    text, old, new = document(fault["file"]), fault["old"], fault["new"]
    assert old in text
    found = findings(text.replace(old, new, 1))
    assert (fault["id"], fault["line"]) in found
    assert len(found) == 1 or fault.get("also", False)


def test_every_document_has_a_fault_planted() -> None:
    assert {fault["file"] for fault in FAULTS} == set(FILES)


LOOPS = {
    "for i in {1..40}; do sleep 30; curl $R/api/render/proxy/lambda/$ID; done": ["poll.tries"],
    "while sleep 10\ndo\ncurl $R/api/render/proxy/lambda/$ID\ndone\nsleep 1": [
        "poll.contradiction"
    ],
    "for (let i = 0; i < 99; i++) {\n  await sleep(30000)\n"
    "  await fetch(`${API}/api/render/proxy/lambda/${id}`)\n}\nawait sleep(1)": ["poll.tries"],
    "while true; do\n  curl $R/api/state/nemo_agent/me/$SID/latest\n  sleep 5\ndone": [],
    "for name in *.mp4; do echo $name; done\nsleep 5": [],
    "for name in a b\n  echo\n\necho $name": [],
}


@pytest.mark.slow
@pytest.mark.parametrize("code", LOOPS)
def test_loop_that_asks_for_a_render_is_held_to_the_rhythm(code: str) -> None:
    clean = (SKILLS / "clean.md").read_text(encoding="utf-8")
    ids = [check for check, _ in findings(f"{clean}\n```js\n{code}\n```\n")]
    assert ids == [f"skill.{name}" for name in LOOPS[code]]
