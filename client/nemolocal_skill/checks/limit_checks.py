"""Checks the limits in a document against the contract, and for contradictions."""

import re
from collections.abc import Iterator

from nemolocal_contract.media import ACCEPTED_EXTENSIONS, MB, normalize_extension, skill_profile

from ..model import LimitKind, RawFinding, StatedLimit
from ..parse.document import Skill
from .frontmatter_checks import NEGATION

_POLL_SECONDS, _POLL_TRIES, _TURN_SECONDS = 30, 10, 900
_NOTE_SECONDS, _WAIT_SECONDS, _TOKEN_DAYS, _GRANT = 120, 30, 7, 100
_REFUSED = frozenset(
    "flv wmv mpeg mpg mpe m4v 3gp ts mts m2ts vob ogv ogg oga opus flac wma aiff aif amr heic heif "
    "tiff tif bmp svg psd raw avif pdf mxf rm rmvb swf asf srt".split()
)
_EXPORT_COSTS = re.compile(
    r"\bexport\w{0,4}\b[^.;|\n]{0,40}\b(?:costs?|charges?|uses|consumes?|deducts?|takes)\b"
    r"[^.;|\n]{0,20}\bcredits?\b"
    # A row of a table: what is charged, and how much.
    r"|\b(?:cost|price)s? (?:of|for) (?:an? |the |each )?exports?\s?\|[^.;|\n]{0,20}\bcredits?\b"
    r"|\|\s?exports?(?: (?:cost|price))?\s?\|[^.;|\n]{0,20}\bcredits?\b"
    r"|导出[^。；|\n]{0,12}(?:消耗|花费|需要|扣)[^。；|\n]{0,8}积分",
    re.IGNORECASE,
)
_FREE = re.compile(r"\b(?:no|0|zero|free|never|not|n't)\b|不|免费|无需", re.IGNORECASE)
_RESENT = re.compile(
    r"\bre-?send\b|\bsend (?:it|the (?:same )?message|the prompt) again\b"
    r"|\b(?:repeat|retry) the (?:message|prompt|edit)\b|重新发送|再次发送",
    re.IGNORECASE,
)
_AFTER_SILENCE = re.compile(
    r"no (?:text|response|reply)|without (?:any )?(?:text|response)|\bsilent|\bempty\b"
    r"|\btime[sd]? ?-?out|\bcuts?\b|\bdrops?\b|disconnect|\bcloses?\b|\bbreaks?\b|\bends?\b"
    r"|无文本|没有(?:任何)?(?:文字|文本)|断开|超时",
    re.IGNORECASE,
)
_SAME_ID = re.compile(
    r"\b(?:retry|resubmit|submit|try|again)\b[^.;|\n]{0,50}\bsame (?:render )?id\b", re.IGNORECASE
)
_MENTIONS_SILENCE = re.compile(
    r"\bno (?:text|response text|response)\b|\bsilent|\bempty (?:response|reply|stream)\b"
    r"|\bwithout (?:\w{1,12}ing )?(?:any )?(?:text|a word)\b"
    r"|\bno words\b|无文本|没有(?:任何)?(?:文字|文本)",
    re.IGNORECASE,
)


def check_stated_limits(skill: Skill) -> Iterator[RawFinding]:
    """Check all stated limits."""
    yield from _check_polling(skill)
    yield from _check_tokens(skill)
    yield from _check_turns(skill)
    yield from _check_uploads(skill)
    yield from _check_resolution(skill)


def _check_equal(
    skill: Skill, kind: LimitKind, right: int, check: str, reason: str
) -> Iterator[RawFinding]:
    """Yield a finding for each limit of this kind with another value."""
    for stated in skill.limits_of_kind(kind):
        if stated.value != right:
            message = f'"{stated.text}": {reason}'
            yield RawFinding(check, stated.line, message, stated.column)


def _check_polling(skill: Skill) -> Iterator[RawFinding]:
    polls = [
        s for s in skill.limits_of_kind("poll_interval") if not re.search(r"/?\bstate\b", s.text)
    ]
    values = {stated.value for stated in polls}
    for stated in polls:
        if stated.value == _POLL_SECONDS:
            continue
        first = next((s for s in polls if s.value == _POLL_SECONDS), None)
        if first is None:
            message = f'"{stated.text}": the contract polls every {_POLL_SECONDS} seconds'
            yield RawFinding("skill.poll.interval", stated.line, message, stated.column)
        else:
            message = f'"{stated.text}" here, but "{first.text}" on line {first.line}'
            yield RawFinding("skill.poll.contradiction", stated.line, message, stated.column)
    for stated in skill.limits_of_kind("poll_tries"):
        if stated.value > _POLL_TRIES:
            message = f'"{stated.text}": {_POLL_TRIES} times at most'
            yield RawFinding("skill.poll.tries", stated.line, message, stated.column)
    if values and not skill.limits_of_kind("poll_tries"):
        message = f'"{polls[0].text}": no limit is stated'
        yield RawFinding("skill.poll.endless", polls[0].line, message, polls[0].column)


def _check_tokens(skill: Skill) -> Iterator[RawFinding]:
    message = f"a token is valid for {_TOKEN_DAYS} days"
    yield from _check_equal(skill, "token_life", _TOKEN_DAYS, "skill.auth.token-life", message)
    for stated in skill.limits_of_kind("grant"):
        if stated.value != _GRANT:
            message = f'"{stated.text}": a token comes with {_GRANT} credits'
            yield RawFinding("skill.credits.grant", stated.line, message, stated.column)
    for number, line in enumerate(skill.lines, 1):
        match = _EXPORT_COSTS.search(line)
        if match is not None and not _FREE.search(match.group()):
            message = f'"{match.group()}": exports are free'
            yield RawFinding("skill.credits.export", number, message, match.start() + 1)


def _check_turns(skill: Skill) -> Iterator[RawFinding]:
    for stated in skill.limits_of_kind("turn_timeout"):
        around = slice(max(0, stated.column - 60), stated.column + len(stated.text) + 20)
        near = skill.lines[stated.line - 1][around].lower()
        elsewhere = re.search(r"heartbeat|render|poll|export|upload", near)
        if stated.value != _TURN_SECONDS and not elsewhere:
            message = f'"{stated.text}": a turn lasts up to 15 minutes'
            yield RawFinding("skill.turn.timeout", stated.line, message, stated.column)
    message = "the contract says every 2 minutes"
    yield from _check_equal(
        skill, "working_note", _NOTE_SECONDS, "skill.turn.working-note", message
    )
    message = f"the contract waits {_WAIT_SECONDS} seconds"
    yield from _check_equal(
        skill, "rate_limit_wait", _WAIT_SECONDS, "skill.retry.rate-limit", message
    )


def _check_uploads(skill: Skill) -> Iterator[RawFinding]:
    limits = skill.limits_of_kind("upload_limit")
    for stated in limits:
        if stated.value != limits[0].value:
            message = f'"{stated.text}" here, but "{limits[0].text}" on line {limits[0].line}'
            yield RawFinding(
                "skill.limits.upload-contradiction", stated.line, message, stated.column
            )
    granted = skill_profile(skill.name).upload_limit
    for stated in limits[:1]:
        if stated.value > granted:
            message = f'"{stated.text}": the backend accepts {granted // MB} MB from this skill'
            yield RawFinding("skill.limits.upload", stated.line, message, stated.column)
    for formats in skill.formats:
        refused = [name for name in formats.names if _is_refused(name)]
        if refused:
            line = skill.lines[formats.line - 1].lower()
            column = line.find(refused[0], formats.column - 1) + 1
            message = f"refused with 4001: {', '.join(refused)}"
            yield RawFinding("skill.formats.refused", formats.line, message, column)


def _is_refused(name: str) -> bool:
    return (
        name in _REFUSED
        and name not in ACCEPTED_EXTENSIONS
        and normalize_extension(f"x.{name}") is None
    )


def _check_resolution(skill: Skill) -> Iterator[RawFinding]:
    given = skill.limits_of_kind("resolution_given")
    most = max(given, key=_value, default=None)
    promised = [
        s for s in skill.limits_of_kind("resolution_promised") if most and s.value > most.value
    ]
    if most is not None and promised:
        first = promised[0]
        message = f'"{first.text}" here, but "{most.text}" on line {most.line}'
        yield RawFinding("skill.resolution.contradiction", first.line, message, first.column)


def _value(stated: StatedLimit) -> int:
    return stated.value


def check_retries(skill: Skill) -> Iterator[RawFinding]:
    """Check what the document says about retries and about silent turns."""
    mentions_silence = False
    for number, line in enumerate(skill.lines, 1):
        mentions_silence = mentions_silence or _MENTIONS_SILENCE.search(line) is not None
        for check, pattern, reason in (
            ("skill.retry.resend", _RESENT, "a message is never sent again"),
            ("skill.retry.same-id", _SAME_ID, "an id that was used before fails as a duplicate"),
        ):
            match = pattern.search(line)
            if match is None or NEGATION.search(line[max(0, match.start() - 40) : match.end()]):
                continue
            if check == "skill.retry.same-id" or _AFTER_SILENCE.search(line):
                message = f'"{match.group()}": {reason}'
                yield RawFinding(check, number, message, match.start() + 1)
    chats = [use for use in skill.endpoints if use.name == "chat"]
    if chats and not mentions_silence:
        message = "a stream may end without text, but the document does not say so"
        yield RawFinding("skill.turn.silence", chats[0].line, message, chats[0].column)
