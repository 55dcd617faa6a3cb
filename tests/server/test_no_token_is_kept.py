"""Whatever is done with tokens: none stands in an export or in the data folder."""

import base64
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import assume, given, strategies as st

from nemolocal_contract.describe.text_formats import ELLIPSIS
from nemolocal_contract.endpoints import bearer_header
from nemolocal_server.data import token_redaction
from nemolocal_server.data.store import Store
from nemolocal_server.data.token_redaction import MIN_TOKEN_LENGTH, REDACTED, KnownTokens, Redactor
from nemolocal_server.data.tokens import NewToken
from nemolocal_server.ids import token_fingerprint
from nemolocal_server.services import Services
from nemolocal_server.settings import Settings
from tests.support import patient_http
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.older_folders import DATABASE, SESSION, make_older_folder
from tests.support.servers import ServerFactory

CONTROL = "/__nemolocal__"
# By hand a token may look like anything, and like a part of another.
CHOSEN = "sk-hand/made+token=="
LONGER = "sk-hand/made+token==.and-more"
NUMBER = "1000000000"
WORD = "tangerine"
PLAIN = "sk-hand.made+token"
KINDS = ("anonymous", "longer", "word", "number")
STRANGE = "eyJhbGciOi.of.another-service"


def escaped(token: str) -> str:
    """A token as no JSON encoder need write it, and as every decoder reads it."""
    return "".join(f"\\u{ord(character):04x}" for character in token)


def forms(token: str) -> list[str]:
    """How a token may be written in a URL, a message or a header."""
    twice = quote(quote(token, safe=""), safe="")
    return [
        token, f"my token is {token}.", f"({token})", f"'{token}'", f"t={token}&x=1", quote(token),
        "".join(f"%{ord(character):02x}" for character in token), twice,
        f"https://example.com/?key={quote(token, safe='')}#x",
    ]  # fmt: skip


def talk(caller: HttpCaller, token: str, sample: Path) -> None:
    """Say a token in every place in which somebody may say one."""
    for form in forms(token):
        caller.open_session(task_name=f"of {form}", language=form)
        caller.http.post("/run_sse", json=caller.turn(f"hello, {form}"))
        caller.http.get(f"/api/nothing?x={form}", headers={"Referer": f"http://x/?{form}"})
        caller.http.get(f"/api/{quote(form, safe='')}", headers={"X-Unknown": form, "Cookie": form})
        caller.http.post("/api/nothing", data={"field": form})
        caller.http.post("/api/nothing", content=form.encode())
        caller.http.post("/api/nothing", json={form: [form, {"a": form}]})
    files = [("files", (f"{token.replace('/', '_')} {token}.mp4", sample.read_bytes()))]
    path = f"/api/upload-video/nemo_agent/me/{caller.session}"
    caller.http.post(path, files=files)
    caller.http.post(path, json={"urls": [f"http://127.0.0.1:9/{token}"], "source_type": "url"})
    caller.say("edit my raw video footage")
    caller.say(f"add a title '{token}'")
    body = json.dumps(caller.turn("add a title 'X'")).replace("X", escaped(token))
    caller.http.post("/run_sse", content=body, headers={"Content-Type": "application/json"})
    draft = {**caller.draft(), "of": token, "m": {"title": token, token: [{"x": token}]}}
    caller.submit("render_1", draft)
    caller.submit(f"render_{token}")
    caller.http.get("/api/credits/balance/simple", headers={"X-Client-Id": token})
    caller.http.post("/api/auth/anonymous-token", headers={"X-Client-Id": token[:64]})
    caller.http.request("POST", "/run_sse", content=b"{" + token.encode())


def exports(base_url: str) -> dict[str, str]:
    """Everything that the control API tells of the past."""
    reported = {
        kind: patient_http.get(f"{base_url}{CONTROL}/journal?format={kind}").text
        for kind in ("json", "jsonl", "har")
    }
    for name in ("tokens", "journal/summary", "snapshot"):
        reported[name] = patient_http.get(f"{base_url}{CONTROL}/{name}").text
    return reported


def kept(folder: Path) -> dict[str, bytes]:
    """Every file of a data folder but media, which are whatever they are."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.parent.name not in ("media", "work")
    }


def find(secrets: list[str], texts: dict[str, str] | dict[str, bytes]) -> list[tuple[str, str]]:
    """Which secrets stand where, written in some form."""
    found = []
    for name, text in texts.items():
        for secret in secrets:
            written = [secret, escaped(secret), quote(secret, safe=""), json.dumps(secret)[1:-1]]
            for form in written:
                if (form.encode() in text) if isinstance(text, bytes) else (form in text):
                    found.append((name, form))
    return found


def with_token(caller: HttpCaller, token: str) -> HttpCaller:
    caller.http.headers.update(bearer_header(token))
    return caller.open_session()


def make(base_url: str, **fields: Any) -> str:
    reply = patient_http.post(f"{base_url}{CONTROL}/tokens", json={"credits": 9999, **fields})
    return str(reply.json()["token"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    ["chosen", *(pytest.param(k, marks=pytest.mark.slow) for k in KINDS)],
)
def test_no_token_stands_in_an_export_or_in_the_data_folder(
    servers: ServerFactory, new_caller: NewCaller, tmp_path: Path, sample: Path, kind: str
) -> None:
    chosen = {"chosen": CHOSEN, "longer": LONGER, "word": WORD, "number": NUMBER}.get(kind)
    settings = (NewToken(token=CHOSEN, user_id="by-settings"),)
    url = servers.start(data_dir=tmp_path, tokens=settings)
    caller = new_caller(url).connect()
    if chosen is not None:
        make(url, token=chosen)
        with_token(caller, chosen)
    token = caller.http.headers["Authorization"].removeprefix("Bearer ")
    talk(caller, token, sample)
    claim = caller.post(
        "/api/auth/claim-token",
        json={"session_id": caller.session, "task_id": caller.state()["task_id"]},
    )["data"]["claim_token"]
    caller.http.get(f"/workspace/claim?ct={claim}")
    caller.say(f"hello {claim}")
    patient_http.post(f"{url}{CONTROL}/snapshot")
    secrets = [token, claim, CHOSEN]
    assert find(secrets, exports(url)) == []
    assert find(secrets, kept(tmp_path)) == []
    for entry in json.loads(exports(url)["json"])["entries"]:
        if entry["endpoint"] == "state" and entry["response_body"]:
            json.loads(entry["response_body"])
    servers.stop()
    assert find(secrets, kept(tmp_path)) == []


def test_no_token_stands_in_what_is_told_of_replies_and_faults(
    servers: ServerFactory, tmp_path: Path
) -> None:
    url = servers.start(data_dir=tmp_path)
    control = f"{url}{CONTROL}"
    token = make(url, token=PLAIN)
    reply = {"name": f"for {token}", "match": {"message": token}, "edits": [], "say": token}
    assert patient_http.post(f"{control}/replies", json=reply).status_code == 200
    fault = {"name": "silent", "match": {"message": token}}
    assert patient_http.post(f"{control}/faults", json=fault).status_code == 200
    paths = ("replies", "faults", "journal/summary", "ui/faults", "ui/faults/armed")
    told = {path: patient_http.get(f"{control}/{path}").text for path in paths}
    assert all("[token]" in told[name] for name in ("replies", "faults", "journal/summary"))
    assert find([token], told) == []
    patient_http.post(f"{control}/snapshot")
    assert find([token], kept(tmp_path)) == []


@pytest.mark.parametrize("place", ["message", "file", "task"])
def test_a_token_of_another_or_of_another_process_is_found_too(
    servers: ServerFactory, new_caller: NewCaller, tmp_path: Path, sample: Path, place: str
) -> None:
    make(servers.start(data_dir=tmp_path), token=PLAIN, user_id="somebody")
    servers.stop()
    url = servers.start(data_dir=tmp_path)
    caller = new_caller(url).connect()
    for form in forms(PLAIN):
        if place == "message":
            caller.http.post("/run_sse", json=caller.turn(f"hello, {form}"))
        elif place == "task":
            caller.open_session(task_name=form)
        else:
            files = [("files", (f"{form.replace('/', '+')}.mp4", sample.read_bytes()))]
            path = f"/api/upload-video/nemo_agent/me/{caller.session}"
            caller.http.post(path, files=files)
    assert find([PLAIN], exports(url)) == []
    assert find([PLAIN], kept(tmp_path)) == []


def test_what_was_sent_as_a_token_and_is_none_is_not_told(
    caller: HttpCaller, base_url: str
) -> None:
    httpx.get(f"{base_url}/api/credits/balance/simple", headers=bearer_header(STRANGE))
    caller.http.post("/run_sse", json=caller.turn(f"hello {STRANGE}"))
    assert find([STRANGE], exports(base_url)) == []


def test_the_agent_understands_the_message_as_it_was_sent(
    base_url: str, new_caller: NewCaller, sample: Path
) -> None:
    caller = new_caller(base_url).connect()
    # Taken for a word of its own this token would hide what is to be done.
    make(base_url, token="compress")
    with_token(caller, "compress")
    caller.upload(sample)
    caller.say("edit my raw video footage")
    caller.say("compress this video to under 5 MB")
    last = json.loads(exports(base_url)["json"])["entries"][-1]
    assert (last["turn"]["truth"], last["turn"]["message"]) == (
        "applied", f"{REDACTED} this video to under 5 MB",
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("token", [NUMBER, WORD, "duration", "segments", CHOSEN, "nmv_usr_a/b"])
def test_the_state_stays_whole_with_a_token_in_its_title(
    base_url: str, new_caller: NewCaller, sample: Path, token: str
) -> None:
    make(base_url, token=token)
    caller = with_token(new_caller(base_url).connect(), token)
    caller.upload(sample)
    caller.say("edit my raw video footage")
    caller.say(f"add a title 'Fresh {token} today'")
    draft = caller.draft()
    titles = [s["txt"] for t in draft["t"] if t["tt"] == 7 for s in t["sg"]]
    assert titles == [f"Fresh {REDACTED} today"]
    assert caller.finished(caller.submit("render_1")["id"])["status"] == "completed"
    assert caller.say("undo")
    assert not [t for t in caller.draft()["t"] if t["tt"] == 7]


def test_what_is_no_token_stays_as_it_was(caller: HttpCaller, sample: Path) -> None:
    said = "Bearer of good news, clm_interview_2024_final_version_of_monday, 100%25, a\\u0062c"
    caller.open_session(task_name=said)
    assert caller.state()["task_name"] == said
    clip = ("files", ("clm_interview_final_version_of_mo.mp4", sample.read_bytes()))
    caller.post(f"/api/upload-video/nemo_agent/me/{caller.session}", files=[clip])
    assert caller.state()["state"]["video_infos"][0]["filename"] == clip[1][0]


def test_a_resend_with_a_token_in_it_is_still_seen(caller: HttpCaller, base_url: str) -> None:
    token = caller.http.headers["Authorization"].removeprefix("Bearer ")
    for _ in range(2):
        caller.say(f"hello {token}")
    *_, first, second = json.loads(exports(base_url)["json"])["entries"]
    assert [entry["turn"]["resend"] for entry in (first, second)] == [False, True]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"token": "has space"}, "token must be visible ASCII"),
        ({"token": 'quo"te-12345'}, "token must be visible ASCII"),
        ({"token": "back\\slash-1"}, "token must be visible ASCII"),
        ({"token": "päss-wörd-1"}, "token must be visible ASCII"),
        ({"token": "secret-42", "user_id": "secret-42"}, "user_id must not contain the token"),
        ({"token": "secret-4", "client_id": "a-secret-4"}, "client_id must not contain the token"),
    ],
)
def test_a_token_that_could_not_be_kept_secret_is_refused_by_name(
    fields: dict[str, Any], named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        NewToken(**fields)


def test_what_an_earlier_release_kept_is_cleaned(tmp_path: Path) -> None:
    make_older_folder(tmp_path, 1)
    token = "nmv_usr_" + "k" * 32
    with closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as db:
        db.execute(f"UPDATE sessions SET task_name = 'of {token}'")
        db.execute(f'UPDATE drafts SET draft = \'{{"t":[],"x":"{token}"}}\'')
        db.execute(
            "INSERT INTO turns VALUES (?, 1, ?, 'done', 0, NULL, 0, 0)", (SESSION, f"say {token}")
        )
    assert find([token], kept(tmp_path))
    with closing(Store(tmp_path)) as store:
        assert store.fetch_value("SELECT message FROM turns") == f"say {REDACTED}"
    assert find([token], kept(tmp_path)) == []


def test_no_part_of_a_token_stays_where_a_longer_one_begins_alike() -> None:
    for order in ((CHOSEN, LONGER), (LONGER, CHOSEN)):
        known = KnownTokens()
        for token in order:
            known.add(token)
        assert known.redact(f"a {LONGER} b {CHOSEN}") == f"a {REDACTED} b {REDACTED}"
        met = KnownTokens()
        met.add_foreign(CHOSEN)
        assert met.make_redactor(LONGER)(f"a {LONGER}") == f"a {REDACTED}"


tokens = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"\\'),
    min_size=8,
    max_size=40,
)


@pytest.mark.slow
@given(tokens, st.text(max_size=30), st.text(max_size=30), st.booleans())
def test_a_known_token_is_found_in_any_text(
    token: str, before: str, after: str, json_: bool
) -> None:
    known = KnownTokens()
    known.add(token)
    text = f"{before}{token}{after}"
    assert token not in known.redact(text) or token in REDACTED
    written = json.dumps({"a": text, token: 1}, ensure_ascii=json_)
    assert token not in known.redact(written)
    value = known.redact_json(json.loads(written))
    assert token not in json.dumps(value, ensure_ascii=False) or token in json.dumps(REDACTED)


@given(st.text(), tokens)
def test_what_is_json_stays_json_with_the_same_structure(text: str, token: str) -> None:
    known = KnownTokens()
    known.add(token)
    written = json.dumps({"a": [text, f"%22{token}%5c", escaped(token), 7.5, None]})
    for form in (written, written.replace(token, escaped(token))):
        read = json.loads(known.redact(form))
        assert [type(item) for item in read["a"]] == [str, str, str, float, type(None)]
        assert token not in known.redact(form) or token in REDACTED


@given(tokens, st.text(max_size=20), st.integers(MIN_TOKEN_LENGTH, 40), st.text(max_size=20))
def test_no_beginning_of_a_token_stays_where_a_text_was_truncated(
    token: str, before: str, length: int, after: str
) -> None:
    known = KnownTokens()
    known.add(token)
    beginning = token[: min(length, len(token) - 1)]
    assume(len(beginning) >= MIN_TOKEN_LENGTH and "%" not in before + token)
    assume(token[:MIN_TOKEN_LENGTH] not in before and ELLIPSIS not in before)
    clean = known.redact(f"{before} {beginning}{ELLIPSIS}{after}")
    assert clean.startswith(f"{before} {REDACTED}{ELLIPSIS}")


def test_agent_that_truncates_a_title_tells_no_beginning_of_a_token(
    base_url: str, new_caller: NewCaller, sample: Path
) -> None:
    make(base_url, token=PLAIN)
    caller = with_token(new_caller(base_url).connect(), PLAIN)
    caller.upload(sample)
    caller.say("edit my raw video footage")
    # The reply quotes 79 characters of the title, here 10 of the token.
    reply = caller.say(f"add a title '{'w' * 68} {PLAIN}'")
    assert f"{'w' * 68} {PLAIN[:10]}{ELLIPSIS}" in str(reply)
    assert f"{'w' * 68} {REDACTED}{ELLIPSIS}" in exports(base_url)["json"]


@pytest.mark.parametrize("room", [9, 12, 20])
def test_message_that_truncates_what_was_sent_tells_no_beginning_of_a_token(
    base_url: str, new_caller: NewCaller, room: int
) -> None:
    token = make(base_url, token=PLAIN)
    caller = with_token(new_caller(base_url), token)
    path = f"/api/upload-video/nemo_agent/me/{caller.session}"
    url = "http://x/".ljust(200 - room, "w") + token
    caller.http.post(path, json={"urls": [url], "source_type": "url"})
    name = "w" * (200 - room) + token + ".exe"
    caller.http.post(path, files=[("files", (name, b"x"))])
    caller.http.post(path, files=[("w" * (200 - room) + token, ("x.mp4", b"x"))])
    caller.say("frobnicate ".ljust(200 - room, "w") + token)
    caller.http.get("/", headers={"Host": "w" * (100 - room) + token})
    assert find([PLAIN[: room - 1], PLAIN], exports(base_url)) == []
    assert find([PLAIN[:MIN_TOKEN_LENGTH]], exports(base_url)) == []


def test_an_encoding_that_is_no_writing_is_not_promised() -> None:
    known = KnownTokens()
    known.add(CHOSEN)
    other = base64.b64encode(CHOSEN.encode()).decode()
    assert known.redact(other) == other


def test_a_store_that_was_restored_expects_the_tokens_of_that_time(tmp_path: Path) -> None:
    server = Services(Settings(data_dir=tmp_path))
    server.create_token(NewToken(token=CHOSEN))
    server.context.store.back_up(tmp_path / "copy.sqlite3")
    server.context.store.close()
    with closing(Store(None)) as store:
        assert store.known_tokens.redact(CHOSEN) == CHOSEN
        store.restore(tmp_path / "copy.sqlite3")
        assert store.known_tokens.redact(f"x {CHOSEN}, y") == f"x {REDACTED}, y"


def test_word_that_was_clean_is_found_once_it_is_a_token() -> None:
    known = KnownTokens()
    known.expect_fingerprints([token_fingerprint("some-other-token")])
    assert known.redact("my-own-word") == "my-own-word"
    known.expect_fingerprints([token_fingerprint("my-own-word")])
    assert known.redact("say my-own-word") == "say [token]"


def test_words_that_are_remembered_as_clean_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_redaction, "_MAX_CLEAN_WORDS", 2)
    known = KnownTokens()
    known.expect_fingerprints([token_fingerprint(CHOSEN)])
    words = ["first-word", "second-word", "third-word", "x" * 5000]
    for word in (*words, *words):
        assert known.redact(word) == word
        assert len(known._clean_words) <= 2
    assert known.redact(f"first-word {CHOSEN}") == f"first-word {REDACTED}"


def test_numbers_that_look_like_a_token_become_texts_and_json_stays_json() -> None:
    redactor = Redactor(f"Bearer {NUMBER}")
    body = {"a": [int(NUMBER), 7, 2.5, True, None, f"of {NUMBER}"], NUMBER: {"b": "x"}}
    assert json.loads(redactor.json(json.dumps(body))) == {
        "a": [REDACTED, 7, 2.5, True, None, f"of {REDACTED}"],
        REDACTED: {"b": "x"},
    }
    assert redactor.json(f"[{NUMBER}") == f"[{REDACTED}"


def test_of_what_was_sent_as_a_token_the_newest_is_remembered() -> None:
    known = KnownTokens()
    sent = [f"not-a-token-{number:05}" for number in range(5000)]
    for text in sent:
        known.add_foreign(text)
    assert known.redact_all(sent[-1]) == REDACTED
    assert known.redact_all(sent[0]) == sent[0]


def test_a_token_is_found_under_three_layers_of_escapes() -> None:
    known = KnownTokens()
    known.add(CHOSEN)
    written = quote(quote(quote(CHOSEN, safe=""), safe=""), safe="")
    assert known.redact(f"t={written}&x=1") == f"t={REDACTED}&x=1"
