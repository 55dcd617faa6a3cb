"""Checks what the document tells its users: costs, outputs, links, and what to do about 1001."""

import re
from collections.abc import Iterator

from ..model import RawFinding
from ..parse.document import Skill
from .frontmatter_checks import NEGATION

# The documented tariff (CRD-3).
_GENERATION, _EDITING = 100, 50
_CREDITS = r"(\d{1,5})(?:\s?(?:-|–|—|to|or)\s?(\d{1,5}))? (?:free )?credits?\b"
_CHARGES = (
    r"\b(?:costs?|charges?|charged|uses?|takes?|consumes?|spends?|burns?|deducts?|for|is|are"
    r"|(?:sets?|setting) (?:you|users?|them) back|comes? to|runs? to)\b"
)
_WORK = (
    r"(?:edits?|editing|trim\w{0,4}|cuts?|captions?|subtitles?|generat\w{0,5}|videos?|clips?"
    r"|requests?|prompts?|messages?|operations?|actions?|renders?)"
)
_COST = re.compile(
    rf"\b{_WORK}\b[^.;|\n]{{0,40}}?{_CHARGES}[^.;|\n\d]{{0,24}}{_CREDITS}"
    rf"|\b(\d{{1,5}})(?:\s?(?:-|–|—|to|or)\s?(\d{{1,5}}))? credits?"
    rf"(?:\s?/\s?| (?:per|for each|an?|each) )(?:{_WORK}|seconds?|minutes?)\b"
    rf"|\|\s?{_WORK}(?: (?:cost|price))?\s?\|\s?{_CREDITS}"
    r"|(?:[编剪]辑|修改|字幕|生成)[^。；|\n\d]{0,16}?(?:消耗|花费|收取|收费|扣除?|需要?)[^。；|\n\d]{0,8}"
    r"(\d{1,5})(?:\s?(?:-|–|—|~|至|到)\s?(\d{1,5}))?\s?个?积分",
    re.IGNORECASE,
)
_OTHER_OUTPUTS = r"(?:gif|webm|mov|mkv|avi|wmv|flv|prores|mp3|wav)"
# Words of one sentence in which files come in.
_NO_INPUT = r"(?:(?!\b(?:upload|accept|support|input|from|source|send)\w{0,4}\b)[^.;{\n]){0,30}?"
_OUTPUT = re.compile(
    rf"\b(?:(?:export|output|download|deliver|render|save)(?:s|ed|ing)?\b{_NO_INPUT}"
    r"(?:\b(?:as|to|into|in|an?|formats?|is|are)\b|[:|])"
    rf"|convert(?:s|ed|ing)?\b{_NO_INPUT}\b(?:to|into|as)\b)"
    rf"{_NO_INPUT}\b({_OTHER_OUTPUTS})s?\b(?![^.;\n]{{0,30}}\b(?:upload|to mp4))"
    r"|\b(?:export|download|deliver|create|make)s?"
    rf"(?:\s(?!(?:to|for|of|in|with|on)\b)[\w-]{{1,12}}){{0,2}}\s({_OTHER_OUTPUTS})s?\b"
    # "Pick MP4 or WebM as the result".
    rf"|\b(?:choose|get|pick|select|want)s?\b{_NO_INPUT}\b({_OTHER_OUTPUTS})s?\b{_NO_INPUT}"
    r"\bas (?:an? |its |the |your )?(?:final )?(?:result|output|export|download)\b"
    rf"|(?:导出|输出|下载)(?:格式)?[^。；，|\n不]{{0,6}}?[为成是:：][^。；，|\n不]{{0,20}}?"
    rf"(?<![a-z])({_OTHER_OUTPUTS})(?![a-z])",
    re.IGNORECASE,
)
_PLACES = r"\b(?:settings|dashboard|account page|web ?site|(?:\w{2,20} )?interface|control panel)\b"
_SIGN_IN = (
    r"\b(?:re-?auth\w{0,12}|re-?log ?in|(?:sign|log) (?:back )?in(?: again)?"
    r"|(?:get|create|generate|request|issue|refresh) (?:an? |the |your )?(?:new |another |fresh )?"
    r"(?:session )?tokens?)\b"
)
_REAUTHENTICATION = re.compile(
    rf"{_SIGN_IN}[^.;|\n]{{0,60}}?{_PLACES}|{_PLACES}[^.;|\n]{{0,40}}?{_SIGN_IN}", re.IGNORECASE
)
_EXPIRED = re.compile(
    r"\b1001\b|\bexpir|\binvalid\b|\brevoked\b|\bunauthori[sz]ed\b|\btoken error", re.IGNORECASE
)
_SITE = re.compile(
    r"(?<![\w.-])(?:https?://)?((?:[\w-]{1,40}\.){0,3}nemovideo\.(?:ai|com))\b", re.IGNORECASE
)
_SIGN_UP = re.compile(
    r"\bregist\w{1,8}\b|\bsign(?:ing)?[ -]?up\b|\btop[ -]?up\b|\bupgrad\w{1,4}\b|\baccounts?\b"
    r"|\bbilling\b|注册|充值",
    re.IGNORECASE,
)
_NEAR = 80
_WEB_PAGE = re.compile(r"/workspace/([a-z][\w-]{0,30})([\w/<>${}.=&?-]{0,200})")
# A page of somebody's task; /workspace/ may also be a folder, or a page for registered users.
_OF_A_TASK = re.compile(r"task|session|project|[{<$]")


def check_promises(skill: Skill) -> Iterator[RawFinding]:
    """Check costs, outputs, renewed tokens and links, line by line."""
    for number, line in enumerate(skill.lines, 1):
        yield from _check_costs(line, number)
        if number >= skill.body_line:
            yield from _check_outputs(line, number)
            yield from _check_reauthentication(line, number)
            yield from _check_task_links(line, number)
    yield from _check_sites(skill)


def _check_costs(line: str, number: int) -> Iterator[RawFinding]:
    for match in _COST.finditer(line):
        figures = [int(group) for group in match.groups() if group]
        if "export" in match.group().lower() or NEGATION.search(match.group()):
            continue  # exports have a check of their own
        if not all(map(_is_in_tariff, figures)):
            message = (
                f'"{match.group()}": generating costs {_GENERATION} credits per clip, '
                f"editing {_EDITING} once per session"
            )
            yield RawFinding("skill.credits.tariff", number, message, match.start() + 1)
            return


def _is_in_tariff(credits: int) -> bool:
    return credits == 0 or credits == _EDITING or (credits > 0 and credits % _GENERATION == 0)


def _check_outputs(line: str, number: int) -> Iterator[RawFinding]:
    match = _OUTPUT.search(line)
    if match is not None and not NEGATION.search(line[max(0, match.start() - 30) : match.end()]):
        group = next(number for number, name in enumerate(match.groups(), 1) if name)
        name = match[group]
        message = f"{name} is promised as an output: exports are MP4 only"
        column = match.start(group) + 1
        yield RawFinding("skill.formats.output", number, message, column)


def _check_reauthentication(line: str, number: int) -> Iterator[RawFinding]:
    match = _REAUTHENTICATION.search(line)
    if match is not None and _EXPIRED.search(line) and not NEGATION.search(match.group()):
        message = f'"{match.group()}": an expired token is renewed by a token request'
        yield RawFinding("skill.errors.reauthentication", number, message, match.start() + 1)


def _check_task_links(line: str, number: int) -> Iterator[RawFinding]:
    for match in _WEB_PAGE.finditer(line):
        page, rest = match.groups()
        if not _OF_A_TASK.search(page + rest):
            continue
        if page != "claim":
            message = f"/workspace/{page} opens only for the owner who is signed in"
        elif rest.startswith("?") and not re.search(r"[?&](?:ct|token)=", rest):
            message = "the link has no claim token in ct="
        else:
            continue
        yield RawFinding("skill.links.claim", number, message, match.start() + 1)


def _check_sites(skill: Skill) -> Iterator[RawFinding]:
    """Report the first sign-up link on another host than the one before it."""
    first: tuple[str, int] | None = None
    for number in range(skill.body_line, len(skill.lines) + 1):
        line = skill.lines[number - 1]
        for match in _SITE.finditer(line):
            host = match[1].lower().removeprefix("www.")
            around = line[max(0, match.start() - _NEAR) : match.end() + _NEAR]
            if "api" in host.partition(".nemovideo")[0] or not _SIGN_UP.search(around):
                continue
            if first is not None and host != first[0]:
                message = f"{host} here, but {first[0]} on line {first[1]}"
                yield RawFinding("skill.links.hosts", number, message, match.start(1) + 1)
                return
            first = first or (host, number)
