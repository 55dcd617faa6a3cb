"""Bodies as the page shows them."""

import json

import msgspec
import pytest

from nemolocal_contract.turn_events import SseParser
from nemolocal_dashboard import body_formatting
from nemolocal_dashboard.body_formatting import format_body, read_frames
from tests.support.journal_builder import JournalBuilder


def test_json_is_indented_and_other_text_stays() -> None:
    assert format_body('{"a":["é",1e400]}', 18).text.startswith('{\n  "a": [\n    "é"')
    assert format_body("{broken", 7).text == "{broken"
    deep = "[" * 100_000
    assert format_body(deep, len(deep)).text == deep


def test_a_body_that_was_cut_says_how_much_is_missing() -> None:
    kept = "x" * 65_536
    assert format_body(kept, 100_000).left_out == 100_000 - 65_536
    # A token was replaced: the text is shorter, but nothing is missing.
    assert format_body("[token]", 40).left_out == 0


def test_events_have_the_moment_of_the_chunk_that_ends_them() -> None:
    entry = JournalBuilder().chat("trim", "Done.", took=9.0, beats=(1.0, 2.0, 3.0)).entries[0]
    heartbeats, text = read_frames(entry)
    assert (heartbeats.kind, heartbeats.count) == ("heartbeat", 3)
    assert (heartbeats.offset, heartbeats.last_offset) == (1.0, 3.0)
    assert (text.kind, text.summary, text.offset) == ("text", "Done.", 9.0)


def test_an_event_that_is_split_between_chunks_counts_when_it_is_whole() -> None:
    entry = JournalBuilder().chat(took=2.0).entries[0]
    size = entry.chunks[0][1]
    split = msgspec.structs.replace(entry, chunks=((0.5, 10), (2.0, size - 10)))
    assert [frame.offset for frame in read_frames(split)] == [2.0]


def test_an_event_that_is_no_json_is_shown_as_unreadable() -> None:
    journal = JournalBuilder().chat(reply="data: {nope\n\n", chunks=((0.1, 13),))
    frame = read_frames(journal.entries[0])[0]
    assert (frame.kind, frame.data) == ("unreadable", "{nope")


def test_events_beyond_the_recorded_chunks_have_no_moment() -> None:
    entry = JournalBuilder().chat(took=2.0).entries[0]
    assert read_frames(msgspec.structs.replace(entry, chunks=()))[0].offset is None


def test_an_event_that_is_too_large_ends_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_formatting, "SseParser", lambda: SseParser(50))
    first = 'data: {"type":"text","content":"a"}\n\n'
    reply = first + "data: " + "x" * 99
    entry = JournalBuilder().chat(reply=reply, chunks=((0.1, len(first)),)).entries[0]
    assert [(frame.kind, frame.summary) for frame in read_frames(entry)] == [("text", "a")]


def test_one_event_with_several_messages_says_how_many() -> None:
    parts = [{"text": "a"}, {"functionCall": {"name": "trim", "args": {}}}]
    event = {"content": {"role": "model", "parts": parts}, "author": "nemo_agent"}
    reply = f"data: {json.dumps(event)}\n\n"
    (frame,) = read_frames(JournalBuilder().chat(reply=reply, chunks=()).entries[0])
    assert (frame.kind, frame.count) == ("several", 2)
    assert '"functionCall"' in frame.data
