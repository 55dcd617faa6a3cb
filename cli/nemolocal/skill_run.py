"""`nemolocal skill run`: runs the calls of a document against an embedded server."""

import argparse
import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import msgspec

from nemolocal_contract.clock import WallClock
from nemolocal_contract.endpoints import JOURNAL
from nemolocal_contract.plurals import pluralize
from nemolocal_contract.rules import rules
from nemolocal_skill import Skill, SkillCallResult, SkillRunTarget, run_skill

from .attribution import check_attribution_variables
from .errors import CommandError
from .skill_check import read_skill_or_report

# The highest speed at which the events of a turn stay apart.
_SPEED = 1000.0
_TIMEOUT = 120.0
_CLIP_SECONDS = 5
_CLIP_PATH = "/cdn/fixtures/sample.mp4"


class SkillRunReport(msgspec.Struct, frozen=True):
    """The JSON object of `--json`; `as_said`: every response was as the document says."""

    path: str
    name: str
    as_said: bool
    answers: tuple[SkillCallResult, ...]


def run(arguments: argparse.Namespace) -> int:
    """Return 0 if every response was as the document says, 1 if not, 2 if it cannot be read."""
    check_attribution_variables()
    skill = read_skill_or_report(Path(arguments.file))
    if skill is None:
        return 2
    show: Callable[[str], None] = print if not arguments.json else (lambda _: None)
    answers: list[SkillCallResult] = []
    with _open_target() as stage:
        for answer in run_skill(skill, stage):
            answers.append(answer)
            show(_row(answer))
    if not answers:
        raise CommandError(f"{skill.path} contains no calls: add curl commands or endpoints")
    as_said = all(answer.as_said for answer in answers)
    if arguments.json:
        print(_json(skill, tuple(answers), as_said=as_said))
    else:
        print(_summary(answers))
    return 0 if as_said else 1


@contextlib.contextmanager
def _open_target() -> Iterator[SkillRunTarget]:
    """An in-memory server, a client and a clip."""
    from nemolocal_render.ffmpeg_cli import FFmpegFailed
    from nemolocal_render.synthetic.sample_media import make_sample
    from nemolocal_render.temporary_folder import TemporaryFolder
    from nemolocal_server.serving import LocalServer
    from nemolocal_server.settings import Settings

    with (
        TemporaryFolder("skill") as folder,
        LocalServer(Settings(port=0, speed=_SPEED)) as server,
        httpx.Client(base_url=server.base_url, timeout=_TIMEOUT, trust_env=False) as http,
    ):
        clip = folder / "clip.mp4"
        try:
            asyncio.run(make_sample(clip, seconds=_CLIP_SECONDS))
        except FFmpegFailed as error:
            raise CommandError(
                f"cannot generate a clip ({error}): run `nemolocal doctor`"
            ) from error
        fixture = f"{server.base_url}{_CLIP_PATH}"
        yield SkillRunTarget(http, clip, fixture, WallClock(), lambda: _last_request_rules(http))


def _last_request_rules(http: httpx.Client) -> tuple[str, ...]:
    """Return the rules that the last request touched, from the server's journal."""
    entries = http.get(JOURNAL.template).json()["entries"]
    return tuple(entries[-1]["rules"]) if entries else ()


def _row(answer: SkillCallResult) -> str:
    mark = "ok" if answer.as_said else "NO"
    status = "-" if not answer.status else str(answer.status)
    code = "-" if answer.code is None else str(answer.code)
    head = f"{answer.number:>2} {mark} {status:>3} {code:>4}  {answer.call}"
    line = f"line {answer.line}: " if answer.line else ""
    lines = [head, f"      {line}{answer.summary}"]
    if not answer.as_said:
        lines += [f"      {name}: {rules()[name].text}" for name in answer.rules if name in rules()]
    return "\n".join([*lines, *(f"      ({note})" for note in answer.notes)])


def _summary(answers: list[SkillCallResult]) -> str:
    good = sum(answer.as_said for answer in answers)
    return f"{good} of {pluralize(len(answers), 'call')} had the documented response"


def _json(skill: Skill, answers: tuple[SkillCallResult, ...], *, as_said: bool) -> str:
    report = SkillRunReport(skill.path, skill.name, as_said, answers)
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode()
