"""Writes docs/reference/settings.md: every key of the settings, with its default and an example.

Keys and defaults come from the structs, what they mean from `settings.toml` beside this file.
`python docs/write_settings.py` writes the page, `--check` exits 1 if it is not up to date.
"""

import sys
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from nemolocal_contract.media import SkillProfile
from nemolocal_server.data.tokens import NewToken
from nemolocal_server.dialect import Dialect
from nemolocal_server.journal.journal_limits import JournalLimits
from nemolocal_server.language_model.model_settings import ModelSettings
from nemolocal_server.retention.retention_policy import Retention
from nemolocal_server.settings import Settings, Tariff
from nemolocal_server.turns.silent_turns import AppliedWeights, SilentTurnPolicy
from nemolocal_server.turns.turn_schedule import TurnTimes
from page_writer import write_pages

TARGET = Path(__file__).parent / "reference" / "settings.md"
MEANINGS = Path(__file__).with_name("settings.toml")
SECTIONS: dict[str, type[msgspec.Struct]] = {
    "settings": Settings,
    "turn_times": TurnTimes,
    "silence": SilentTurnPolicy,
    "silence.truths": AppliedWeights,
    "model": ModelSettings,
    "tariff": Tariff,
    "dialect": Dialect,
    "journal": JournalLimits,
    "retention": Retention,
    "skills": SkillProfile,
    "tokens": NewToken,
}
LISTS = ("skills", "tokens")
HEAD = """\
# Settings

Generated from the source code by `python docs/write_settings.py`; a test fails if it is out of
date.

`nemolocal serve` reads settings from the first of:

1. the TOML file of `--config FILE`
2. `nemolocal.toml` in the current folder
3. the table `[tool.nemolocal]` of the nearest `pyproject.toml` that has one, in the current folder
   or above

Only that one is read. Above the current folder, a file counts only if it belongs to you, to root or
to the owner of the folder. [Command-line options](cli.md#nemolocal-serve) override
[environment variables](environment.md#options-of-serve), and both override the file. `serve` prints
which file it used, `nemolocal doctor` checks it. Paths are relative to the current folder. An
unknown key is an error that lists the known ones. `exec --config FILE` reads the same keys, but
looks for no file. In Python they are the arguments of `Settings`.

```toml
port = 9000
seed = 7
preset = "reference"           # the initial dialect: skills, reference or adk

[silence]
rate = 0.5

[silence.truths]               # what happens in a silent turn
applied = 0.8
not_applied = 0.1
late = 0.1

[tariff]
editing = 0

[[skills]]                     # chosen by X-Skill-Source
source = "my-skill"
resolution = "720p"

[[tokens]]                     # created at start-up
token = "nmv_usr_for-my-tests"
credits = 1000
```

In a `pyproject.toml` the tables are `[tool.nemolocal]`, `[tool.nemolocal.silence]`,
`[[tool.nemolocal.skills]]` and so on.

`preset` (`--preset`) is a key of the file alone: the initial [dialect](dialects.md).
"""
TABLE = "\n| key | default | meaning | example |\n|---|---|---|---|\n"
NO_DEFAULT = "required"


def main(arguments: list[str]) -> int:
    """Write the page; with `--check`, return 1 if it is not up to date."""
    return write_pages({TARGET: page()}, arguments)


def page() -> str:
    """The whole page."""
    return HEAD + "".join(map(_section, SECTIONS))


def meanings() -> dict[str, dict[str, tuple[str, str]]]:
    """Section → key → what it means, and an example."""
    found = tomllib.loads(MEANINGS.read_text(encoding="utf-8"))
    return {
        section: {key: (text[0], text[1]) for key, text in keys.items()}
        for section, keys in found.items()
    }


def _section(name: str) -> str:
    head = (
        "Top level" if name == "settings" else f"`[[{name}]]`" if name in LISTS else f"`[{name}]`"
    )
    known = meanings()[name]
    rows = (_row(field, *known[field.name]) for field in msgspec.structs.fields(SECTIONS[name]))
    return f"\n## {head}\n{TABLE}{''.join(rows)}"


def _row(field: msgspec.structs.FieldInfo, meaning: str, example: str) -> str:
    return f"| `{field.name}` | {_default(field)} | {meaning} | `{example}` |\n"


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.default is msgspec.NODEFAULT:
        return NO_DEFAULT
    return _shown(field.default)


def _shown(value: Any) -> str:
    """A default as TOML has it; a table is in its own section, None is not set."""
    if value is None:
        return "not set"
    if isinstance(value, msgspec.Struct):
        return "see below"
    if isinstance(value, tuple):
        return f"`[{', '.join(map(_plain, value))}]`"
    return f"`{_plain(value)}`"


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return str(value).lower() if isinstance(value, bool) else f"{value}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
