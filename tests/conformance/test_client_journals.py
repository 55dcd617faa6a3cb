"""Reading journals: JSON lines, JSON, HAR files of ours and of others, and invalid files."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, strategies as st

from nemolocal_conformance.traffic import har, journal as journal_module, journal_reader
from nemolocal_conformance.traffic.journal import JournalUnreadable, LoadedJournal
from nemolocal_conformance.traffic.journal_reader import parse_journal, read_journal
from nemolocal_contract.journal import JOURNAL_VERSION, Entry
from nemolocal_server.journal.journal_formats import JournalFormat, write_journal
from tests.support.journal_builder import JournalBuilder, VerdictOf

BASE = "https://cloud.test"
TOKEN = "nmv_usr_very_secret"


def written(builder: JournalBuilder, kind: JournalFormat, dropped: int = 0) -> bytes:
    """Write the journal as the server exports it."""
    return b"".join(write_journal(kind, iter(builder.entries), dropped, "1.0"))


@pytest.mark.parametrize("kind", ["json", "jsonl"])
def test_exported_journal_is_read(kind: JournalFormat, builder: JournalBuilder) -> None:
    builder.start().chat().export()
    assert parse_journal(written(builder, kind)).entries == tuple(builder.entries)


def test_own_har_has_the_server_state(builder: JournalBuilder) -> None:
    builder.start().chat()
    found = parse_journal(written(builder, "har"))
    assert found.has_server_state
    assert found.has_endings
    assert [entry.turn for entry in found.entries] == [entry.turn for entry in builder.entries]
    assert found.entries[-1].response_body == builder.entries[-1].response_body
    assert found.entries[-1].chunks == builder.entries[-1].chunks


def test_one_line_is_a_journal(builder: JournalBuilder) -> None:
    builder.request("balance")
    assert len(parse_journal(written(builder, "jsonl")).entries) == 1


def test_dropped_entries_are_known_to_be_missing(builder: JournalBuilder) -> None:
    builder.start()
    assert parse_journal(written(builder, "json")).is_complete
    assert not parse_journal(written(builder, "json", dropped=1)).is_complete


@pytest.mark.slow
def test_full_journal_not_starting_at_one_is_incomplete(builder: JournalBuilder) -> None:
    builder.request("balance")
    many = tuple(msgspec.structs.replace(builder.entries[0], id=n) for n in range(5, 10_005))
    assert not LoadedJournal(many).is_complete
    assert LoadedJournal(many[1:]).is_complete


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "line 1: the file is empty"),
        (b"\xef\xbb\xbf \n", "line 1: the file is empty"),
        (b"hello", "line 1: "),
        (b"[1]", "line 1: "),
        (b'{"method": "GET"}', "line 1: Object missing required field `started`"),
        (b'{"entries": 5}', "line 1: Expected `array`"),
        (b'{"other": 5}', "line 1: Object missing required field `entries`"),
        (b'{"log": {"entries": [{"startedDateTime": 5}]}}', "line 1: not a HAR file"),
        (b"\xff\xfe{", "line 1: "),
        (b"[" * 100_000, "line 1: "),
    ],
)
def test_invalid_journal_is_reported_with_line_and_reason(content: bytes, said: str) -> None:
    with pytest.raises(JournalUnreadable) as problem:
        parse_journal(content)
    assert str(problem.value).startswith(said)


def test_wrong_line_is_named(builder: JournalBuilder) -> None:
    builder.request("balance").request("balance")
    lines = written(builder, "jsonl").splitlines()
    lines[1] = lines[1].replace(b'"complete"', b'"never"')
    with pytest.raises(JournalUnreadable, match=r"line 2: Invalid enum value 'never'"):
        parse_journal(b"\n".join(lines))


@pytest.mark.parametrize(("kind", "where"), [("jsonl", "line 2"), ("json", "entry 2")])
def test_newer_version_is_rejected(
    kind: JournalFormat, where: str, builder: JournalBuilder
) -> None:
    builder.request("balance").request("balance").replace_last(version=JOURNAL_VERSION + 1)
    with pytest.raises(JournalUnreadable, match=f"{where}: version 2 is newer"):
        parse_journal(written(builder, kind))


def test_too_large_journal_is_rejected(
    builder: JournalBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(written(builder.start(), "jsonl"))
    for module in (journal_reader, har):
        monkeypatch.setattr(module, "MAX_ENTRIES", 3)
    for kind in ("jsonl", "json", "har"):
        with pytest.raises(JournalUnreadable, match="more than 3 entries"):
            parse_journal(written(builder, kind))
    monkeypatch.setattr(journal_reader, "MAX_BYTES", 10)
    with pytest.raises(JournalUnreadable, match=r"journal\.jsonl: larger than"):
        read_journal(path)
    assert journal_module.MAX_ENTRIES == 100_000


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(JournalUnreadable, match=r"none\.jsonl: no such file"):
        read_journal(tmp_path / "none.jsonl")
    (tmp_path / "bad").write_bytes(b"x")
    with pytest.raises(JournalUnreadable, match=r"bad: line 1"):
        read_journal(tmp_path / "bad")


@pytest.mark.slow
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_rejected(content: bytes) -> None:
    try:
        found = parse_journal(content)
    except JournalUnreadable:
        return
    assert isinstance(found, LoadedJournal)


def test_own_har_edited_by_hand_is_rejected(builder: JournalBuilder) -> None:
    content = written(builder.request("balance"), "har").replace(
        b'"ending":"complete"', b'"ending":"x"'
    )
    with pytest.raises(JournalUnreadable, match="entry 1: Invalid enum value 'x'"):
        parse_journal(content)


def test_a_journal_reads_the_same_twice(builder: JournalBuilder, verdict: VerdictOf) -> None:
    found = parse_journal(written(builder.start().chat(), "jsonl"))
    assert all(isinstance(entry, Entry) for entry in found.entries)
    assert verdict("client.attribution", found) == verdict("client.attribution", builder)
