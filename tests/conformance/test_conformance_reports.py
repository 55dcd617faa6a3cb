"""Reports: the same verdicts for people, for CI, and for the next program."""

import json
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from nemolocal_conformance.assumptions import list_assumptions
from nemolocal_conformance.budget import (
    Budget,
    OverBudget,
    require_affordable,
    total_cost,
)
from nemolocal_conformance.evidence import HttpExchange, redact_body, redact_tokens
from nemolocal_conformance.known_differences import (
    KnownDifference,
    KnownDifferencesUnreadable,
    apply_known_differences,
    read_known_differences,
)
from nemolocal_conformance.reports import (
    REPORT_FORMATS,
    as_badge,
    as_html,
    as_json,
    as_junit,
    as_markdown,
)
from nemolocal_conformance.reports.json import report_from_json
from nemolocal_conformance.server_checks import server_catalogue
from nemolocal_conformance.verdicts import ConformanceReport, Verdict, VerdictOutcome

NASTY = "<script>alert('&')</script> | `x` \x00 \ud800"
EXCHANGE = HttpExchange(
    method="GET",
    url="http://a.test/api/credits/balance/simple",
    request_headers={"authorization": "[secret]", "x-skill-source": "it's me", "host": "a.test"},
    request_body='{"a": 1}',
    status=200,
    response_headers={"content-type": "text/html"},
    response_body="<b>",
    seconds=0.01,
)


def verdict(outcome: VerdictOutcome, check: str = "chat.end.clean") -> Verdict:
    return Verdict(
        check=check,
        rules=("SSE-4",),
        sentence="A turn MUST end.",
        level="MUST",
        grade="D",
        outcome=outcome,
        reason="" if outcome == "passed" else "the end",
        expected="" if outcome == "passed" else "'clean'",
        actual="" if outcome == "passed" else "'<cut>'",
        evidence=(EXCHANGE,),
    )


def report(*outcomes: VerdictOutcome, ours: bool = True) -> ConformanceReport:
    return ConformanceReport(
        base_url="http://a.test",
        version="1.0",
        ours=ours,
        verdicts=tuple(verdict(o, f"chat.number.{n}") for n, o in enumerate(outcomes)),
        alternatives={"GEN-2": ("errors=http",)},
        seconds=1.5,
    )


EVERY = report("passed", "failed", "warning", "learned", "known", "not applicable", "error")


def test_json_report_round_trips() -> None:
    assert report_from_json(as_json(EVERY)) == EVERY


def test_junit_counts_and_names_failures() -> None:
    suite = ElementTree.fromstring(as_junit(EVERY))
    counts = [suite.get(name) for name in ("tests", "failures", "errors", "skipped")]
    assert counts == ["7", "1", "1", "1"]
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert "expected 'clean', saw '<cut>'" in (failure.get("message") or "")
    assert "curl" in (failure.text or "")
    outputs = [node.text for node in suite.iter("system-out")]
    assert [text.partition(":")[0] for text in outputs if text] == ["warning", "learned", "known"]


def test_markdown_shows_what_did_not_pass() -> None:
    text = as_markdown(EVERY)
    assert "❌ 1 of 7 checks passed, 1 failed, 1 error" in text
    assert text.count("| `chat.number.") == 5
    assert "- GEN-2: errors=http" in text
    assert "✅" in as_markdown(report("passed"))


def test_markdown_names_unknown_known_differences() -> None:
    odd = msgspec.structs.replace(report("passed"), unknown_ids=("chat.gone",))
    assert "No check is called: chat.gone" in as_markdown(odd)
    assert odd.exit_code == 1


def test_a_long_reason_is_cut_in_markdown() -> None:
    long = msgspec.structs.replace(verdict("failed"), reason="x" * 1000)
    assert "…" in as_markdown(msgspec.structs.replace(EVERY, verdicts=(long,)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("outcomes", "color"),
    [(("passed",), "#2e7d32"), (("passed", "warning"), "#b26a00"), (("failed",), "#c62828")],
)
def test_badge_color_follows_the_outcome(outcomes: tuple[VerdictOutcome, ...], color: str) -> None:
    badge = as_badge(report(*outcomes))
    assert color in badge
    assert f"{outcomes.count('passed')} of {len(outcomes)}" in badge
    ElementTree.fromstring(badge)


def test_page_shows_rule_source_and_evidence_of_each_check() -> None:
    page = as_html(EVERY)
    assert page.count('<details class="check') == 7
    assert "src=" not in page
    assert "href=" not in page
    assert "S0:" in page
    assert "MUST, documented" in page
    assert "curl -sS" in page
    assert "share of edits that close silently" in page
    assert "<!--" not in page


@pytest.mark.slow
@given(st.text())
@settings(max_examples=settings().max_examples // 4)
def test_report_formats_survive_any_server_text(said: str) -> None:
    hostile = msgspec.structs.replace(
        verdict("failed"),
        reason=said,
        evidence=(msgspec.structs.replace(EXCHANGE, response_body=said),),
    )
    whole = msgspec.structs.replace(EVERY, verdicts=(hostile,))
    ElementTree.fromstring(as_junit(whole))
    assert "<script>alert" not in as_html(whole)
    assert json.loads(as_json(whole))


def test_markup_in_evidence_is_escaped() -> None:
    hostile = msgspec.structs.replace(verdict("failed"), reason=NASTY)
    whole = msgspec.structs.replace(EVERY, verdicts=(hostile,))
    assert NASTY not in as_html(whole)
    assert "&lt;script&gt;" in as_html(whole)
    ElementTree.fromstring(as_junit(whole))


def test_markup_in_server_texts_is_escaped_on_the_page() -> None:
    said = "</pre><script>alert(1)</script>{{ 7 * 7 }}"
    sent = msgspec.structs.replace(
        EXCHANGE,
        method=said,
        url=said,
        request_headers={said: said},
        request_body=said,
        response_headers={said: said},
        response_body=said,
    )
    fields = ("check", "sentence", "reason", "expected", "actual", "known")
    texts: dict[str, object] = dict.fromkeys(fields, f"{said} `{said}`")
    hostile = msgspec.structs.replace(verdict("failed"), **texts, evidence=(sent,))
    whole = msgspec.structs.replace(
        EVERY, base_url=said, version=said, verdicts=(hostile,), alternatives={said: (said,)}
    )
    page = as_html(whole)
    assert page.count("<script") == 1
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;{{ 7 * 7 }}") >= 13


def test_every_report_format_has_its_own_file_suffix() -> None:
    assert {Path(name).suffix for name in REPORT_FORMATS} == {
        ".json",
        ".xml",
        ".html",
        ".md",
        ".svg",
    }


def test_curl_repeats_a_request_without_its_token() -> None:
    assert EXCHANGE.curl == (
        "curl -sS -N -X GET http://a.test/api/credits/balance/simple "
        '-H "Authorization: Bearer $NEMO_TOKEN" '
        """-H 'x-skill-source: it'"'"'s me' --data-binary '{"a": 1}'"""
    )


def test_evidence_contains_no_tokens() -> None:
    assert redact_tokens("a nmv_usr_abcd1234 and clm_xyz98765") == "a [token] and [token]"
    assert redact_tokens("nmv_usr_eyJh.bG-c.iO~i+J==, clm_a.b") == "[token], clm_a.b"
    assert redact_body(rb'{"token":"nmv\u005fusr\u005Fab\u002dcd", "\u0022": "\u0020"}') == (
        r'{"token":"[token]", "\u0022": "\u0020"}'
    )
    assert redact_body(b"\xff\xfe") == "<2 bytes>"
    assert redact_body(b"x" * 5000).endswith("… <5000 bytes>")


def test_shared_prerequisites_are_paid_once() -> None:
    checks = [
        server_catalogue()["state.draft.names"],
        server_catalogue()["state.draft.milliseconds"],
    ]
    assert total_cost(checks, Budget()).credits == 50
    assert total_cost(checks, Budget()).tokens == 1
    assert total_cost(checks, Budget(token_given=True)).tokens == 0


def test_too_expensive_named_checks_are_rejected_with_the_cost() -> None:
    with pytest.raises(OverBudget, match="50 credits and 1 anonymous token; allowed are 0 and 1"):
        require_affordable([server_catalogue()["state.draft.names"]], Budget())
    require_affordable([server_catalogue()["state.draft.names"]], Budget(credits=50))


def test_a_known_failure_is_known_and_a_stale_entry_fails() -> None:
    known = [
        KnownDifference("chat.number.1", "theirs"),
        KnownDifference("chat.number.0", "was theirs"),
    ]
    judged = apply_known_differences(report("passed", "failed", "error"), known)
    assert [verdict.outcome for verdict in judged.verdicts] == ["failed", "known", "error"]
    assert "remove it from the list" in judged.verdicts[0].reason
    assert judged.verdicts[1].known == "theirs"


def test_known_difference_of_an_unknown_check_fails_the_run() -> None:
    judged = apply_known_differences(report("passed"), [KnownDifference("chat.number.9", "gone")])
    assert judged.unknown_ids == ("chat.number.9",)
    assert judged.exit_code == 1


def test_the_list_of_known_differences_is_toml(tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    path.write_text('[[difference]]\ncheck = "a.b"\nreason = "so"\n')
    assert read_known_differences(path) == (KnownDifference("a.b", "so"),)


@pytest.mark.parametrize("text", ["[[", "[[difference]]\ncheck = 3", "other = 1"])
def test_invalid_known_differences_file_is_rejected(tmp_path: Path, text: str) -> None:
    path = tmp_path / "known.toml"
    path.write_text(text)
    with pytest.raises(KnownDifferencesUnreadable, match=r"known\.toml"):
        read_known_differences(path)
    with pytest.raises(KnownDifferencesUnreadable, match="No such file"):
        read_known_differences(tmp_path / "none.toml")


def test_local_server_measures_no_assumption() -> None:
    assert {row.measured for row in list_assumptions(EVERY)} == {"never"}


def test_assumptions_confirmed_by_the_cloud_are_listed() -> None:
    seen = ConformanceReport(
        base_url="https://cloud.test",
        version="1.0",
        ours=False,
        verdicts=(verdict("passed", "chat.silent.rate"), verdict("failed", "token.life.over")),
        alternatives={},
        at="2026-01-01T00:00:00Z",
    )
    card = {row.name: row.measured for row in list_assumptions(seen)}
    share = card["share of edits that close silently"]
    assert share == "confirmed, 2026-01-01T00:00:00Z, https://cloud.test"
    assert card["life of a token"].startswith("failed, ")
    assert card["longest turn"] == "never"


def test_every_assumption_names_an_existing_check() -> None:
    from nemolocal_conformance.assumptions import _ASSUMPTIONS

    assert {check for *_, check in _ASSUMPTIONS if check} <= set(server_catalogue())
