"""Findings as text, JSON and SARIF 2.1.0."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from nemolocal_skill import (
    CheckedDocument,
    as_json,
    as_sarif,
    as_text,
    check_catalogue,
    check_skill,
    parse_skill,
    read_skill,
)

PLANTED = Path(__file__).parents[2] / "fixtures" / "skills" / "planted"
TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"minLength": 1}}}
# What SARIF 2.1.0 wants of a log, as far as this one goes (the whole schema has 3,000 lines).
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "required": ["name"],
                                "properties": {
                                    "name": {"type": "string"},
                                    "rules": {
                                        "uniqueItems": True,
                                        "items": {
                                            "required": ["id"],
                                            "properties": {
                                                "id": {"type": "string"},
                                                "shortDescription": TEXT,
                                                "help": TEXT,
                                            },
                                        },
                                    },
                                },
                            }
                        },
                    },
                    "results": {
                        "items": {
                            "required": ["ruleId", "message", "locations"],
                            "properties": {
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": TEXT,
                                "locations": {
                                    "minItems": 1,
                                    "items": {"$ref": "#/$defs/location"},
                                },
                            },
                        }
                    },
                },
            },
        },
    },
    "$defs": {
        "location": {
            "required": ["physicalLocation"],
            "properties": {
                "physicalLocation": {
                    "required": ["artifactLocation", "region"],
                    "properties": {
                        "artifactLocation": {
                            "required": ["uri"],
                            "properties": {"uri": {"type": "string", "pattern": r"^[!-~]+$"}},
                        },
                        "region": {
                            "required": ["startLine"],
                            "properties": {
                                "startLine": {"type": "integer", "minimum": 1},
                                "startColumn": {"type": "integer", "minimum": 1},
                            },
                        },
                    },
                }
            },
        }
    },
}


def checked(path: Path) -> CheckedDocument:
    skill = read_skill(path)
    return CheckedDocument(skill.path, skill.name, skill.version, check_skill(skill))


@pytest.fixture
def documents() -> list[CheckedDocument]:
    return [checked(path) for path in sorted(PLANTED.iterdir())]


@pytest.mark.slow
def test_sarif_is_valid_and_has_every_finding(documents: list[CheckedDocument]) -> None:
    log = json.loads(as_sarif(documents, "1.2"))
    jsonschema.validate(log, SARIF)
    (run,) = log["runs"]
    driver: dict[str, Any] = run["tool"]["driver"]
    assert driver["version"] == "1.2"
    assert [rule["id"] for rule in driver["rules"]] == list(check_catalogue())
    assert len(run["results"]) == sum(len(document.findings) for document in documents)
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


@pytest.mark.slow
def test_sarif_location_is_a_uri_with_a_region() -> None:
    found = CheckedDocument(
        "my skills/a skill/SKILL.md", "a", "1", checked(PLANTED / "4k-promised.md").findings
    )
    (result,) = json.loads(as_sarif([found], "1"))["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "my%20skills/a%20skill/SKILL.md"},
        "region": {"startLine": 19, "startColumn": 71},
    }
    assert result["properties"]["rule"] == "REN-7"


def test_finding_about_no_line_in_particular_is_on_the_first() -> None:
    skill = parse_skill(b"", Path("/a b/SKILL.md"))
    log = json.loads(as_sarif([CheckedDocument(skill.path, "", "", check_skill(skill))], "1"))
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "file:///a%20b/SKILL.md"},
        "region": {"startLine": 1},
    }


@pytest.mark.slow
def test_text_is_a_line_with_place_level_id_and_rule_and_the_way_out_below() -> None:
    document = checked(PLANTED / "wrong-grant.md")
    lines = as_text([renamed(document)]).splitlines()
    assert lines == [
        'SKILL.md:24:26: error: "250 free credits": a token comes with 100 credits '
        "[skill.credits.grant] (AUTH-1, documented: S0:7, S3:27, V4.4)",
        "    State 100 credits.",
        "1 file: 1 error, 0 warnings, 0 notes",
    ]


def renamed(document: CheckedDocument) -> CheckedDocument:
    return CheckedDocument("SKILL.md", document.name, document.version, document.findings)


@pytest.mark.slow
def test_json_has_a_document_each(documents: list[CheckedDocument]) -> None:
    reported = json.loads(as_json(documents))
    assert [document["path"] for document in reported] == [document.path for document in documents]
    assert {"id", "level", "line", "column", "message", "rule", "grade", "source", "fix"} == set(
        reported[0]["findings"][0]
    )
    assert as_text(documents).splitlines()[-1].startswith(f"{len(documents)} files: ")
