"""Section 5 once more: what a turn says, or does not say (SSE-5, SSE-8 to SSE-10)."""

import re

from nemolocal_contract.events import Text, ToolCall

from ..check import check
from ..expectations import Broken, expect, expect_that, field
from ..peer import Told
from ..stage import Account, Stage

_TITLE = "add a title 'Hello' for 1 second"
_GUI = re.compile(r"\b(?:click|open|drag|drop|button|panel|preview|export)\b", re.IGNORECASE)
_GUI_ZH = re.compile("点击|打开|拖拽|导出")
_HAN = re.compile("[\u4e00-\u9fff]")
# Turns of a run that may all be silent, by the chance of 0.3 to the number of them.
_LONGEST_SILENCE = 20
# So many edits tell the rate, and where they do not, so many: the first number alone would accuse
# a server by chance in one run of 300, both together do so in one of a thousand million.
_FEW, _MANY = 40, 240


def _silent(stage: Stage, account: Account, truth: str = "silent") -> tuple[str, object, object]:
    """A silent turn in a session: its id, its draft before, and after."""
    session = stage.new_edited(account)
    before = stage.draft(session, account)
    stage.control.arm(truth, account.user_id)
    told = stage.say(session, _TITLE, account)
    expect("texts of a silent turn", told.of(Text), [])
    expect_that("tools of a silent turn", told.edited, "a call and a result", told.answer.body)
    return session, before, stage.draft(session, account)


@check("chat.silent.state-changed", "SSE-5", control=True)
def silent_turn_has_changed_the_draft(stage: Stage) -> None:
    """A turn that closes without a word MUST have called its tool and changed the draft."""
    _, before, after = _silent(stage, stage.anybody(credits=1_000))
    expect_that("the draft", after != before, "changed", "as it was")


@check("chat.silent.clean", "SSE-5", "SSE-4", control=True)
def silent_turn_ends_cleanly(stage: Stage) -> None:
    """A silent turn MUST end as any other: with a clean close."""
    account = stage.anybody(credits=1_000)
    session = stage.new_edited(account)
    stage.control.arm("silent", account.user_id)
    told = stage.say(session, _TITLE, account)
    expect("the HTTP status", told.answer.status, 200)
    expect("the end of the body", told.answer.ending, "complete")


@check("chat.silent.charged", "SSE-5", "CRD-2", control=True)
def silent_turn_is_charged(stage: Stage) -> None:
    """A silent edit that was applied MUST be charged as any other."""
    account = stage.anybody(credits=200)
    session = stage.new_session(account)
    stage.upload(session, "clip.mp4", account=account)
    stage.control.arm("silent", account.user_id)
    stage.say(session, "put my clip on the timeline", account)
    expect("available", stage.balance(account)["available"], 150)


@check("chat.silent.talk-never", "SSE-5", needs="session")
def talk_is_never_silent(stage: Stage) -> None:
    """A turn that changes nothing MUST say something."""
    for message in ("hello", "what can you do?", "how do I add a title?"):
        told = stage.say(stage.session, message)
        expect_that(f"texts to {message!r}", bool(told.of(Text)), "at least one", told.events)


@check("chat.silent.rate", "SSE-5", control=True, seconds=900)
def about_a_third_of_edits_is_silent(stage: Stage) -> None:
    """About 30 % of edits SHOULD close silently: between 10 and 50 % of forty, or of 240."""
    account = stage.anybody(credits=10_000)
    session = stage.new_edited(account)
    silent, share = 0, 0.0
    for number in range(1, _MANY + 1):
        # A timeline may be full some day, and then each edit is refused.
        if number > _FEW and number % _FEW == 1:
            session = stage.new_edited(account)
        silent += not stage.say(session, f"add a title 'Take {number}'", account).of(Text)
        share = silent / number
        if number == _FEW and 0.1 <= share <= 0.5:
            return
    expect_that("the share of silent turns", 0.1 <= share <= 0.5, "about 0.3", share)


@check("chat.generation.stages", "SSE-8", control=True)
def generation_adds_music_and_a_title(stage: Stage) -> None:
    """A generation SHOULD put its clip on the timeline first, then music and a title, unasked."""
    told = stage.generated.told
    draft = field("state", stage.generated.state, "draft")
    kinds = {t.get("tt") for t in draft["t"] if t.get("sg")}
    expect("types of tracks", kinds, {0, 1, 7})
    expect_that("tool calls", len(told.of(ToolCall)) >= 2, "two stages", told.of(ToolCall))


@check("chat.generation.media", "SSE-8", "STA-1", control=True)
def generated_media_is_listed(stage: Stage) -> None:
    """What was generated SHOULD be in `generated_media` of the state."""
    media = field("state", stage.generated.state, "generated_media")
    expect_that("generated_media", len(media) >= 1, "the clip", media)


@check("chat.excuse.harmless", "SSE-9", control=True)
def excuse_changes_nothing(stage: Stage) -> None:
    """A turn that ends with "I encountered a temporary issue" SHOULD have done its work."""
    account = stage.anybody(credits=1_000)
    session = stage.new_edited(account)
    before = stage.draft(session, account)
    stage.control.arm("temporary-issue", account.user_id)
    told = stage.say(session, _TITLE, account)
    expect_that("the last text", "temporary issue" in told.text, "the excuse", told.text)
    expect_that("the draft", stage.draft(session, account) != before, "changed", "as it was")


def _spoken(stage: Stage) -> Told:
    """The first of some edits that is not silent."""
    for number in range(_LONGEST_SILENCE):
        told = stage.say(stage.worked, f"add a title 'Part {number}'")
        if told.text:
            return told
    raise Broken("texts of edits", f"one in {_LONGEST_SILENCE}", "none")


@check("chat.gui.english", "SSE-10", needs="work")
def texts_assume_a_screen(stage: Stage) -> None:
    """Texts MUST speak of a GUI: click, open, drag, preview, Export button."""
    text = _spoken(stage).text
    expect_that("the text", bool(_GUI.search(text)), "a word of a GUI", text)


@check("chat.gui.chinese", "SSE-10", needs="token")
def texts_are_in_the_language_of_the_session(stage: Stage) -> None:
    """In a Chinese session texts MUST be Chinese and speak of 点击, 打开, 拖拽 or 导出."""
    session = stage.new_session(language="zh")
    text = stage.say(session, "你好").text
    expect_that("the text", bool(_HAN.search(text)), "Chinese", text)
    expect_that("the text", bool(_GUI_ZH.search(text)), "点击, 打开, 拖拽 or 导出", text)


@check("chat.gui.hidden-tools", "SSE-10", "SSE-2", needs="work")
def texts_hold_no_tool_names(stage: Stage) -> None:
    """What is said to the user SHOULD not hold the name of a tool."""
    told = _spoken(stage)
    named = [call.name for call in told.of(ToolCall) if call.name in told.text]
    expect("tool names in the text", named, [])
