"""Which replies are refused, and where: in Python, in a scenario file, in patterns and patches."""

import json
from pathlib import Path
from typing import Any

import pytest

from nemolocal_agent.edit_keys import NotationError
from nemolocal_agent.edit_notation import read_edit
from nemolocal_agent.edits.draft_edits import apply_patch
from nemolocal_agent.errors import EditRejected
from nemolocal_agent.intents import AddCaptions, AddSubtitles, Cue, PatchDraft, SetAspect, StartOver
from nemolocal_server.faults.fault_scenario import ScenarioError, find_scenario
from nemolocal_server.scripted_replies.message_patterns import build_matcher
from nemolocal_server.scripted_replies.reply_service import build_replies
from nemolocal_server.scripted_replies.reply_spec import MessageMatch, ReplyError
from nemolocal_server.scripted_replies.scripted_reply import build_reply, read_changes
from tests.support.tables import check_rows

CLIP = {"tt": 0, "sg": [{"s": 0, "d": -5, "src": "a"}]}
SRT = "1\n00:00:01,000 --> 00:00:02,000\nHi\nthere"


def nested(levels: int) -> Any:
    """A list in a list, and so on."""
    return json.loads("[" * levels + "]" * levels)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"sya": "x"}, "replies[0]: Object contains unknown field `sya`"),
    ({"match": {"mesage": "x"}}, "replies[0].match: Object contains unknown field `mesage`"),
    ({"match": {"message": {}}}, "replies[0].match.message: needs exactly one of contains"),
    ({"match": {"message": {"regex": "(a+)+$"}}}, "replies[0].match.message.regex: '(a+)+$' takes"),
    (
        {"match": {"message": {"regex": "["}}},
        "replies[0].match.message.regex: '[' is not a regular",
    ),
    ({"match": {"turn": 0}}, "replies[0].match.turn: Expected `int` >= 1"),
    ({"edits": [], "draft": {}, "say": ""}, "replies[0].draft: excludes edits"),
    ({"edits": []}, "replies[0].say: is required if edits is empty"),
    ({"edits": [], "say": "x", "applied": "no"}, "replies[0].applied: requires an edit"),
    ({"edits": [{"edit": "kep"}]}, "replies[0].edits[0]: unknown edit 'kep'"),
    ({"edits": [{"edit": "merge", "x": 1}]}, "replies[0].edits[0]: 'merge' takes no x"),
    (
        {"edits": [{"edit": "add-music", "mood": "loud"}]},
        "replies[0].edits[0]: unknown mood 'loud'",
    ),
    ({"edits": [{"edit": "generate", "scene": "x", "seconds": 3}]}, "edits[0]: unknown scene 'x'"),
    (
        {"edits": [{"edit": "generate", "scene": "city", "seconds": 99}]},
        "edits[0]: seconds must be from 0 to 60",
    ),
    ({"edits": [{"edit": "add-sound", "name": "moo"}]}, "edits[0]: unknown sound 'moo'; known are"),
    ({"edits": [{"edit": "remove-sounds", "name": "moo"}]}, "edits[0]: unknown sound 'moo'; known"),
    ({"edits": [{"edit": "split", "at_share": 1e308}]}, "edits[0]: cannot be done: cannot convert"),
    (
        {"edits": [{"edit": "compress", "megabytes": 0.5}]},
        "edits[0]: could not be exported: is too small for 60 s",
    ),
    ({"draft": {"t": {}}}, "replies[0].draft.t: must be a list"),
    ({"draft": {"t": [CLIP]}}, "replies[0].draft: could not be exported: draft.t[0].sg[0].d"),
    ({"draft_patch": []}, "replies[0].draft_patch: Expected `array` of length >= 1"),
    ({"draft_patch": [{"op": "ad"}]}, "replies[0].draft_patch[0]: is not a JSON Patch"),
    (
        {"draft_patch": [{"op": "add", "path": "/m", "value": nested(60)}]},
        "replies[0].draft_patch[0]: is nested more than 50 levels deep",
    ),
    ({"draft": {"m": {"x": nested(60)}}}, "replies[0].draft: is nested more than 50 levels deep"),
    ({"captions": []}, "replies[0].captions: Expected `array` of length >= 1"),
    ({"captions": ["a"] * 301}, "replies[0].captions: Expected `array` of length <= 300"),
    ({"captions": [1]}, "replies[0].captions[0]: Expected `str`"),
    ({"captions": ["a", " "]}, "replies[0].captions[1]: has no words"),
    ({"captions": ["x" * 2001]}, "replies[0].captions[0]: has more than 2000 characters"),
    ({"captions": "Hello"}, "replies[0].captions: must be SRT, WebVTT or a list"),
    ({"captions": f"Use {SRT}"}, "replies[0].captions: must be SRT, WebVTT"),
    ({"captions": f"{SRT}\n\n00:04 --> 00:03\nA"}, "the caption at 4 s ends before it begins"),
    ({"captions": f"{SRT}\n\n00:03 --> 00:04\n"}, "captions: the caption at 3 s has no words"),
    ({"captions": SRT + "x" * 2001}, "the caption at 1 s has more than 2000 characters"),
    (
        {"captions": SRT, "edits": [{"edit": "merge"}]},
        "replies[0].captions: needs an edit that adds captions, and edits has none",
    ),
    ({"captions": ["a"], "draft": {}}, "adds captions, and draft has none"),
    ({"captions": ["a"], "edits": [], "say": ""}, "adds captions, and edits has none"),
    ({"wait": -1}, "replies[0].wait: Expected `float` >= 0"),
    ({"credits": 1.5}, "replies[0].credits: Expected `int"),
    ({"applied": "maybe"}, "replies[0].applied: Invalid enum value 'maybe'"),
    ({"fault": "no-such"}, "replies[0].fault: name: unknown fault 'no-such'"),
    ({"fault": "render-stuck"}, "cannot hit 'chat'"),
    ({"fault": "silent, cut-fin"}, "replies[0].fault: must name exactly one fault"),
    ({"events": [], "say": "x"}, "replies[0].say: excludes events"),
    ({"tools": [{"args": {}}]}, "replies[0].tools[0]: Object missing required field `name`"),
    ({"name": "a\nb"}, "replies[0].name: has unprintable"),
    ({"say": object()}, "replies[0]: is not JSON"),
    ({"say": "x" * 20_001}, "replies[0].say: Expected `str` of length <= 20000"),
]


def check_refusal(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ReplyError) as error:
        build_replies([fields])
    assert reason in str(error.value)


def test_what_cannot_be_a_reply_is_refused_with_its_path(subtests: pytest.Subtests) -> None:
    check_rows(subtests, REFUSED, check_refusal)


def test_a_draft_may_name_a_lut_that_the_session_will_have() -> None:
    clip = {"s": 0, "d": 2000, "src": "a", "fx": [{"type": "lut", "source": "teal", "amount": 1.0}]}
    (reply,) = build_replies([{"draft": {"t": [{"tt": 0, "sg": [{"id": "x", **clip}]}]}}])
    assert reply.edits is not None


def test_names_are_given_by_number_and_occur_once() -> None:
    built = build_replies([{"say": "a"}, {"name": "b", "say": "b"}, {}])
    assert [reply.name for reply in built] == ["reply-1", "b", "reply-3"]
    with pytest.raises(ReplyError, match=r"replies\[1\].name: a reply named 'x' exists already"):
        build_replies([{"name": "x"}, {"name": "x"}])
    with pytest.raises(ReplyError, match=r"replies\[0\]: must be a table"):
        build_replies(["x"])  # type: ignore[list-item]


FILE = """\
description = "x"

[[replies]]
match = { message = "a" }
say = "fine"

[[replies]]
say = "fine"
wait = {wait}
[[replies.tools]]
name = 'x'
{more}
[[faults]]
name = "silent"
"""


@pytest.mark.parametrize(
    ("wait", "more", "said"),
    [
        ("-1.0", "", "line 9: replies[1].wait: Expected"),
        ("1.0", "foo = 1", "line 10: replies[1].tools[0]: Object contains unknown field `foo`"),
        ("1.0", "[replies.match]\nturn = 0", "line 12: replies[1].match.turn: Expected"),
        ("1.0\ncaptions = ['a', '']", "", "line 10: replies[1].captions[1]: has no words"),
        ("1.0", "[replies.match", "Expected"),
    ],
)
def test_a_scenario_file_names_the_line(tmp_path: Path, wait: str, more: str, said: str) -> None:
    file = tmp_path / "my.toml"
    file.write_text(FILE.replace("{wait}", wait).replace("{more}", more), encoding="utf-8")
    with pytest.raises(ScenarioError) as error:
        find_scenario(str(file))
    assert str(error.value).startswith(f"scenario {file}")
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("replies", "said"),
    [
        ("[[replies]]\nsay = 'a'\n[[replies]]\nsya = 'b'", "line 3: replies[1]: Object contains"),
        ("[[replies]]\nedits = []\n[[replies]]\nsay = 'b'", "line 1: replies[0].say: is required"),
        ("[[replies]]\nsay = 'a'\n[[replies]]\nedits = []", "line 3: replies[1].say: is required"),
    ],
    ids=["an unknown field", "a field left out", "a field left out at the end"],
)
def test_what_has_no_line_is_at_the_beginning_of_its_reply(
    tmp_path: Path, replies: str, said: str
) -> None:
    file = tmp_path / "my.toml"
    file.write_text(replies, encoding="utf-8")
    with pytest.raises(ScenarioError) as error:
        find_scenario(str(file))
    assert said in str(error.value)


def test_number_and_size_of_replies_are_bounded() -> None:
    with pytest.raises(ReplyError, match=r"replies\[1000\]: there can be at most 1000 replies"):
        build_replies([{"say": "x"}] * 1001)
    tools = [{"name": "x", "args": {"text": "x" * 2**20}}]
    with pytest.raises(ReplyError, match=r"replies\[0\]: a reply has at most 1 MB"):
        build_replies([{"tools": tools}])


def test_replies_in_one_line_have_no_line_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text("replies = [{ wait = -1 }]", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"my\.toml: replies\[0\]\.wait: Expected"):
        find_scenario(str(file))
    file.write_text('[[replies]]\nsay = "x"\n', encoding="utf-8")
    assert find_scenario(str(file)).replies == ({"say": "x"},)


def test_a_pattern_that_takes_too_long_for_a_message_does_not_match() -> None:
    matches = build_matcher(MessageMatch(regex=r"x\w*z$"), "m")
    assert matches is not None
    assert matches("xyz")
    slow = build_matcher(MessageMatch(regex=r"(ab|ab)+!"), "m")
    assert slow is not None
    assert slow("ab" * 5 + "!")
    assert not slow("ab" * 10_000)


def test_patch_is_bounded_and_checked() -> None:
    double = {"op": "copy", "from": "/t", "path": "/t/-"}
    with pytest.raises(EditRejected, match="too large"):
        apply_patch({"t": ["x" * 100]}, [double] * 60)
    with pytest.raises(EditRejected, match="does not fit"):
        apply_patch({}, [{"op": "remove", "path": "/t"}])
    with pytest.raises(EditRejected, match="a draft is an object"):
        apply_patch({}, [{"op": "replace", "path": "", "value": 1}])
    assert apply_patch({"d": 1}, [{"op": "test", "path": "/d", "value": 1}]) == {"d": 1}
    into_itself = {"op": "copy", "from": "/m", "path": "/m/m"}
    with pytest.raises(EditRejected, match="nested more than 50 levels"):
        apply_patch({"m": {}}, [into_itself] * 60)


def test_patch_stays_as_it_was_when_it_is_used_again() -> None:
    patch: list[dict[str, Any]] = [
        {"op": "add", "path": "/m", "value": {}},
        {"op": "add", "path": "/m/title", "value": "A"},
    ]
    for _ in range(2):
        assert apply_patch({}, patch) == {"m": {"title": "A"}}
    assert patch[0]["value"] == {}


def test_changes_are_read_again_after_a_restart() -> None:
    patch = {"draft_patch": [{"op": "add", "path": "/x", "value": 1}]}
    text = build_reply(patch, "a").changes_json()
    assert text is not None
    assert read_changes(text, tuple) == (PatchDraft(tuple(patch["draft_patch"])),)
    # What a reply leaves out, the message says.
    text = build_reply({"captions": ["Hi", "there"]}, "a").changes_json()
    assert text is not None
    assert read_changes(text, lambda: (StartOver(), AddCaptions())) == (
        StartOver(),
        AddCaptions(words=("Hi", "there")),
    )
    edits = {"edits": [{"edit": "add-captions"}], "captions": SRT}
    text = build_reply(edits, "a").changes_json()
    assert text is not None
    assert read_changes(text, tuple) == (AddSubtitles((Cue(1000, 2000, "Hi\nthere"),)),)
    assert build_reply({"say": "x"}, "a").changes_json() is None
    assert build_reply({"say": "x"}, "a").changes_json() is None


def test_notation_takes_a_shape_as_width_and_height() -> None:
    assert read_edit({"edit": "aspect", "width": 9, "height": 16}) == SetAspect(9, 16)
    for table in ({"ratio": "9"}, {"ratio": "9:x"}, {"width": 9}):
        with pytest.raises(NotationError):
            read_edit({"edit": "set-aspect", **table})
    with pytest.raises(NotationError, match="wrong value"):
        read_edit({"edit": "add-subtitles", "cues": [1]})
