"""Section 5, texts: what a turn says or does not say (SSE-5, SSE-8 to SSE-10)."""

import re
from concurrent.futures import ThreadPoolExecutor

from nemolocal_contract.control_api import SilenceSettings
from nemolocal_contract.turn_events import Text, ToolCall

from ..account_context import TargetAccount
from ..assertions import (
    CheckFailed,
    NotApplicable,
    expect_equal,
    expect_true,
    expect_type,
    require_field,
)
from ..context import PUT_ON_TIMELINE, CheckContext
from ..server_check import server_check
from ..stable_fields import known_draft
from ..target import TurnStream

_TITLE = "add a title 'Hello' for 1 second"
_GUI = re.compile(r"\b(?:click|open|drag|drop|button|panel|preview|export)\b", re.IGNORECASE)
_GUI_ZH = re.compile("点击|打开|拖拽|导出")
_HAN = re.compile("[\u4e00-\u9fff]")
# The maximum number of silent turns in a row; more have a probability of 0.3 to this power.
_MAX_SILENT_TURNS = 20
# So many edits tell the rate, and where they do not, so many: the first number alone would accuse
# a server by chance in one run of 300, both together do so in one of a thousand million.
_FEW, _MANY = 40, 240
_DEVIATION = 0.2
# Sessions that are edited at the same time, to wait less.
_AT_ONCE = 8
# What is left of the credits of an account after its first edit.
_CREDITS_LEFT = 150


def _run_silent_turn(
    context: CheckContext, account: TargetAccount, truth: str = "silent"
) -> tuple[str, object, object]:
    """Run a silent turn; return its session, and its draft before and after."""
    session = context.new_edited_session(account)
    before = known_draft(context.read_draft(session, account))
    context.control.arm_fault(truth, account.user_id)
    stream = context.send_message(session, _TITLE, account)
    expect_equal("texts of a silent turn", stream.events_of(Text), [])
    expect_true(
        "tools of a silent turn", stream.has_edit, "a call and a result", stream.response.body
    )
    return session, before, known_draft(context.read_draft(session, account))


@server_check("chat.silent.state-changed", "SSE-5", needs_control=True)
def silent_turn_has_changed_the_draft(context: CheckContext) -> None:
    """A turn without text MUST have called its tool and changed the draft."""
    _, before, after = _run_silent_turn(context, context.make_account())
    expect_true("the draft", after != before, "changed", "unchanged")


@server_check("chat.silent.clean", "SSE-5", "SSE-4", needs_control=True)
def silent_turn_ends_cleanly(context: CheckContext) -> None:
    """A silent turn MUST end with a clean close, like any other."""
    account = context.make_account()
    session = context.new_edited_session(account)
    context.control.arm_fault("silent", account.user_id)
    stream = context.send_message(session, _TITLE, account)
    expect_equal("the HTTP status", stream.response.status, 200)
    expect_equal("the end of the body", stream.response.ending, "complete")


@server_check("chat.silent.charged", "SSE-5", "CRD-2", needs_control=True)
def silent_turn_is_charged(context: CheckContext) -> None:
    """A silent edit MUST be charged like any other."""
    account = context.make_account(credits=context.require_price("editing") + _CREDITS_LEFT)
    session = context.new_session(account)
    context.upload(session, "clip.mp4", account=account)
    context.control.arm_fault("silent", account.user_id)
    context.send_message(session, PUT_ON_TIMELINE, account)
    expect_equal("available", context.read_balance(account)["available"], _CREDITS_LEFT)


@server_check("chat.silent.talk-never", "SSE-5", prerequisite="session")
def talk_is_never_silent(context: CheckContext) -> None:
    """A turn that changes nothing MUST contain text."""
    for message in ("hello", "what can you do?", "how do I add a title?"):
        stream = context.send_message(context.session, message)
        expect_true(
            f"texts to {message!r}", bool(stream.events_of(Text)), "at least one", stream.events
        )


@server_check("chat.silent.rate", "SSE-5", needs_control=True, seconds=900)
def about_a_third_of_edits_is_silent(context: CheckContext) -> None:
    """About 30 % of edits SHOULD be silent: 10 to 50 % of 40 edits, or else of 240."""
    wanted = _silent_share(context.settings.silence)
    least, most = max(0.0, wanted - _DEVIATION), min(1.0, wanted + _DEVIATION)
    account = context.make_account()
    silent = _count_silent_turns(context, account, range(_FEW))
    if least <= silent / _FEW <= most:
        return
    # A timeline may become full, and then every edit is rejected.
    for begin in range(_FEW, _MANY, _FEW):
        silent += _count_silent_turns(context, account, range(begin, begin + _FEW))
    share = silent / _MANY
    what = "the share of silent turns"
    expect_true(what, least <= share <= most, f"about {wanted:.2g}", share)


def _count_silent_turns(context: CheckContext, account: TargetAccount, numbers: range) -> int:
    """Return how many of these edits are silent.

    They are edits of one session, or of some at the same time where the clock cannot be moved on.
    """

    def count(some: range) -> int:
        session = context.new_edited_session(account)
        turns = (
            context.send_message(session, f"add a title 'Take {number}'", account)
            for number in some
        )
        return sum(not turn.events_of(Text) for turn in turns)

    at_once = 1 if context.control.can_advance_clock() else _AT_ONCE
    with ThreadPoolExecutor(at_once) as pool:
        return sum(pool.map(count, (numbers[first::at_once] for first in range(at_once))))


def _silent_share(silence: SilenceSettings) -> float:
    """Return the share of edits that are silent: 30 %, or a setting of a local server."""
    if silence.script:
        return 1 - silence.script.count(".") / len(silence.script)
    if silence.quota is not None:
        return silence.quota[0] / silence.quota[1]
    return silence.rate


@server_check("chat.generation.stages", "SSE-8", needs_control=True, long_turns=("generated",))
def generation_adds_music_and_a_title(context: CheckContext) -> None:
    """A generation SHOULD first add its clip to the timeline, then music and a title unasked."""
    stream = context.generated_clip.stream
    draft = require_field("state", context.generated_clip.state, "draft")
    kinds = {t.get("tt") for t in require_field("draft", draft, "t") if t.get("sg")}
    expect_equal("types of tracks", kinds, {0, 1, 7})
    expect_true(
        "tool calls",
        len(stream.events_of(ToolCall)) >= 2,
        "at least two",
        stream.events_of(ToolCall),
    )


@server_check(
    "chat.generation.media", "SSE-8", "STA-1", needs_control=True, long_turns=("generated",)
)
def generated_media_is_listed(context: CheckContext) -> None:
    """Generated clips SHOULD be listed in `generated_media` of the state."""
    media = require_field("state", context.generated_clip.state, "generated_media")
    expect_type("generated_media", media, list)
    expect_true("generated_media", len(media) >= 1, "at least one clip", media)


@server_check("chat.excuse.harmless", "SSE-9", needs_control=True)
def temporary_issue_text_is_harmless(context: CheckContext) -> None:
    """A turn that ends in "I encountered a temporary issue" SHOULD have changed the draft."""
    account = context.make_account()
    session = context.new_edited_session(account)
    before = known_draft(context.read_draft(session, account))
    context.control.arm_fault("temporary-issue", account.user_id)
    stream = context.send_message(session, _TITLE, account)
    said = " ".join(stream.text.split())  # it may come in parts
    expect_true("the last text", "temporary issue" in said, "the words temporary issue", said)
    after = known_draft(context.read_draft(session, account))
    expect_true("the draft", after != before, "changed", "unchanged")


def _turn_with_text(context: CheckContext) -> TurnStream:
    """Return the first of some edits that is not silent."""
    if _silent_share(context.settings.silence) == 1:
        raise NotApplicable("every edit of this server is silent (setting `silence`)")
    for number in range(_MAX_SILENT_TURNS):
        stream = context.send_message(context.scratch_session, f"add a title 'Part {number}'")
        if stream.text:
            return stream
    raise CheckFailed("texts of edits", f"at least one in {_MAX_SILENT_TURNS} edits", "none")


def _require_gui_texts(context: CheckContext) -> None:
    if not context.settings.gui:
        raise NotApplicable("the texts of this server speak of no GUI (setting `gui`)")


@server_check("chat.gui.english", "SSE-10", prerequisite="work")
def texts_name_gui_actions(context: CheckContext) -> None:
    """Texts MUST mention a GUI: click, open, drag, preview, Export button."""
    _require_gui_texts(context)
    text = _turn_with_text(context).text
    expect_true("the text", bool(_GUI.search(text)), "a word such as click, open or drag", text)


@server_check("chat.gui.chinese", "SSE-10", prerequisite="token")
def texts_are_in_the_language_of_the_session(context: CheckContext) -> None:
    """In a Chinese session, texts MUST be Chinese and mention 点击, 打开, 拖拽 or 导出."""
    session = context.new_session(language="zh")
    text = context.send_message(session, "你好").text
    expect_true("the text", bool(_HAN.search(text)), "Chinese", text)
    _require_gui_texts(context)
    expect_true("the text", bool(_GUI_ZH.search(text)), "点击, 打开, 拖拽 or 导出", text)


@server_check("chat.gui.hidden-tools", "SSE-10", "SSE-2", prerequisite="work")
def texts_hold_no_tool_names(context: CheckContext) -> None:
    """The text for the user SHOULD NOT contain the name of a tool."""
    stream = _turn_with_text(context)
    named = [call.name for call in stream.events_of(ToolCall) if call.name in stream.text]
    expect_equal("tool names in the text", named, [])
