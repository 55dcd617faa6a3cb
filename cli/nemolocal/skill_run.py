"""`nemolocal skill run`: runs the calls of a document against an embedded server."""

import argparse
import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec

from nemolocal_contract.clock import WallClock
from nemolocal_contract.endpoints import JOURNAL
from nemolocal_contract.plurals import pluralize
from nemolocal_contract.rules import rules
from nemolocal_skill import (
    ExampleResult,
    SkillCallResult,
    SkillRunTarget,
    play_examples,
    run_skill,
)

from .attribution import check_attribution_variables
from .errors import CommandError, NothingChecked
from .skill_check import read_skill_or_report

# The highest speed at which the events of a turn stay apart.
_SPEED = 1000.0
_TIMEOUT = 120.0
_CLIP_SECONDS = 5
# Example phrases cut at a minute and more: two minutes of the clip.
_REPEATS = 24
_CLIP_PATH = "/cdn/fixtures/sample.mp4"


class SkillRunReport(msgspec.Struct, frozen=True):
    """The JSON object of `--json`.

    `as_said`: every response was as the document says, and there was one. `examples` are the
    document's own example phrases, which do not count.
    """

    path: str
    name: str
    as_said: bool
    answers: tuple[SkillCallResult, ...]
    examples: tuple[ExampleResult, ...] = ()


def run(arguments: argparse.Namespace) -> int:
    """Return 0 if every response was as the document says, 1 if not.

    2 if the document cannot be read; raises `NothingChecked` if it contains no calls.
    """
    check_attribution_variables()
    skill = read_skill_or_report(Path(arguments.file))
    if skill is None:
        return 2
    show: Callable[[str], None] = print if not arguments.json else (lambda _: None)
    answers: list[SkillCallResult] = []
    with open_target() as stage:
        for answer in run_skill(skill, stage):
            answers.append(answer)
            show(_row(answer))
        if not answers:
            raise NothingChecked(f"{skill.path} contains no calls: add curl commands or endpoints")
        examples: list[ExampleResult] = []
        for example in play_examples(skill, with_longer_clip(stage)) if skill.examples else ():
            examples.append(example)
            show(_example_row(example))
    answered = any(answer.status for answer in answers)
    as_said = answered and all(answer.as_said for answer in answers)
    if arguments.json:
        report = SkillRunReport(skill.path, skill.name, as_said, tuple(answers), tuple(examples))
        print(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
    else:
        print(_summary(answers, examples))
    return 0 if as_said else 1


@contextlib.contextmanager
def open_target() -> Iterator[SkillRunTarget]:
    """Start a server in memory, with a client and a clip; raises `CommandError`."""
    from nemolocal_render.ffmpeg_cli import FFmpegFailed
    from nemolocal_render.synthetic.sample_media import make_sample
    from nemolocal_render.temporary_folder import TemporaryFolder
    from nemolocal_server.serving import LocalServer
    from nemolocal_server.settings import Settings

    with (
        TemporaryFolder("skill") as folder,
        # As the cloud, the server tries what it does not understand.
        LocalServer(Settings(port=0, speed=_SPEED, not_understood="try")) as server,
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
        yield SkillRunTarget(
            http,
            clip,
            fixture,
            WallClock(),
            lambda: _last_request_rules(http),
            lambda: _last_understood(http),
        )


def with_longer_clip(target: SkillRunTarget) -> SkillRunTarget:
    """Return the target with a clip of two minutes, for example phrases that cut late."""
    from nemolocal_render.ffmpeg_cli import FFmpegFailed
    from nemolocal_render.synthetic.sample_media import repeat_sample

    longer = target.clip.with_name("longer-clip.mp4")
    try:
        asyncio.run(repeat_sample(target.clip, _REPEATS, longer))
    except FFmpegFailed:
        return target  # the short clip will do
    return msgspec.structs.replace(target, clip=longer)


def _last_request_rules(http: httpx.Client) -> tuple[str, ...]:
    """Return the rules that the last request touched, from the server's journal."""
    return tuple(_last_entry(http).get("rules", ()))


def _last_understood(http: httpx.Client) -> str:
    """Return how much of the last message was understood: full, part, none, or ""."""
    turn = _last_entry(http).get("turn") or {}
    return str(turn.get("understood", ""))


def _last_entry(http: httpx.Client) -> dict[str, Any]:
    entries = http.get(JOURNAL.template).json()["entries"]
    return entries[-1] if entries else {}


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


def _example_row(example: ExampleResult) -> str:
    return (
        f'   {example.outcome:<9}  "{example.phrase}"\n      line {example.line}: {example.summary}'
    )


def _summary(answers: list[SkillCallResult], examples: list[ExampleResult]) -> str:
    if not any(answer.status for answer in answers):
        return "no call reached the API: use its base URL or $API in the commands"
    # Without calls of other sites, and without a second token.
    counted = [answer for answer in answers if answer.status or not answer.as_said]
    good = sum(answer.as_said for answer in counted)
    line = f"{good} of {pluralize(len(counted), 'call')} had the documented response"
    if examples:
        outcomes = Counter(example.outcome for example in examples)
        counts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
        line += f"; {pluralize(len(examples), 'example phrase')}: {counts}"
    return line
