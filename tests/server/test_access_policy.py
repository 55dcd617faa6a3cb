"""Which requests are let in: tables of hosts, origins, bodies, tokens and proxies."""

import contextlib
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

from nemolocal_contract.endpoints import CONTROL_TOKEN, endpoints
from nemolocal_server.access.access_policy import AccessDecision, AccessPolicy, AccessRequest
from nemolocal_server.access.addresses import canonical_pattern, parse_authority
from nemolocal_server.settings import Settings

LISTENED = ("192.168.1.5", 8787)
CONTROL = "/__nemolocal__"
JSON = {"content-type": "application/json"}


def judge(
    headers: dict[str, str],
    method: str = "GET",
    path: str = "/run_sse",
    peer: str = "127.0.0.1",
    scheme: str = "http",
    **settings: Any,
) -> AccessDecision:
    """What becomes of a request to a server with these settings, at 192.168.1.5:8787."""
    asked = AccessRequest(
        method=method,
        path=path,
        scheme=scheme,
        headers=[(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
        peer=peer,
        listened=LISTENED,
    )
    return AccessPolicy(Settings(**{"host": "0.0.0.0", **settings})).evaluate(asked)


def on_host(host: str, /, **settings: Any) -> AccessDecision:
    return judge({"host": host}, **settings)


KNOWN = [
    "127.0.0.1", "127.0.0.1:8787", "127.0.0.1:9000", "127.9.9.9:1", "localhost", "LocalHost:9000",
    "localhost.", "app.localhost:80", "[::1]", "[::1]:8787", "[::ffff:127.0.0.1]:5",
    "192.168.1.5:8787", "192.168.1.5", "0.0.0.0:8787",
]  # fmt: skip
UNKNOWN = [
    "rebind.example", "rebind.example:8787", "127.0.0.1.rebind.example", "localhost.rebind.example",
    "localhostx", "xlocalhost:8787", "10.0.0.1:8787", "192.168.1.6:8787", "[fe80::1]:8787",
    "2130706433:8787", "127.1", "0x7f.0.0.1", "0177.0.0.1", "169.254.169.254",
    "mega-api-prod.nemovideo.ai",
]  # fmt: skip
NO_HOST = [
    "", " ", ":8787", "a b", "user@localhost", "localhost:", "localhost:x", "localhost:99999",
    "localhost/", "localhost:80:80", "[::1", "::1", "[127.0.0.1]", "[::1%25lo]", "http://localhost",
    "localhost,rebind.example", "\xe9.example", "*", "localhost\t",
]  # fmt: skip


def test_a_host_is_a_name_of_the_server_or_refused(subtests: pytest.Subtests) -> None:
    for host in KNOWN:
        with subtests.test(host):
            assert on_host(host).refusal == ""
    for host in UNKNOWN:
        with subtests.test(host):
            refusal = on_host(host).refusal
            assert host in refusal
            assert "--allowed-host" in refusal
    for host in NO_HOST[:-1]:
        with subtests.test(host):
            assert on_host(host).refusal.startswith("Refused: ")


def test_one_host_is_due_and_no_more() -> None:
    policy = AccessPolicy(Settings())
    for hosts in ([], [b"localhost", b"localhost"], [b"localhost", b"rebind.example"]):
        asked = AccessRequest(
            method="GET", path="/", scheme="http", headers=[(b"host", host) for host in hosts]
        )
        assert "Host" in policy.evaluate(asked).refusal


def test_a_server_on_one_address_has_no_others() -> None:
    assert on_host("0.0.0.0:8787", host="127.0.0.1").refusal
    assert on_host("[::]:8787").refusal
    assert not on_host("[::]:8787", host="::").refusal
    assert not on_host("0.0.0.0:8787", host="").refusal
    assert not on_host("My-Host:8787", host="my-host").refusal
    assert on_host("my-host:8787").refusal


@pytest.mark.parametrize(
    ("pattern", "known", "unknown"),
    [
        ("nemo", "nemo nemo:8787 NEMO. nemo:1", "nemo.example anemo"),
        ("nemo:9000", "nemo:9000", "nemo nemo:9001"),
        ("*.nemo.example", "a.nemo.example b.a.nemo.example:1", "nemo.example xnemo.example"),
        ("10.1.2.3", "10.1.2.3 10.1.2.3:9", "10.1.2.4"),
        ("[fd00::1]", "[fd00::1] [FD00:0::1]:9", "[fd00::2]"),
        ("fd00::1", "[fd00::1]:9", "[fd00::2]"),
        ("[fd00::1]:9", "[fd00::1]:9", "[fd00::1]:8 [fd00::1] f:9"),
        ("bücher.example", "xn--bcher-kva.example", "bucher.example"),
        ("*", "rebind.example:1 10.9.9.9", ""),
    ],
)
def test_names_of_the_settings_are_names_of_the_server(
    pattern: str, known: str, unknown: str
) -> None:
    assert not any(on_host(host, allowed_hosts=(pattern,)).refusal for host in known.split())
    assert all(on_host(host, allowed_hosts=(pattern,)).refusal for host in unknown.split())


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"allowed_hosts": ("http://nemo",)}, "allowed_hosts must be a host"),
        ({"allowed_hosts": ("",)}, "allowed_hosts"),
        ({"allowed_hosts": ("a b",)}, "allowed_hosts"),
        ({"allowed_hosts": ("nemo:99999",)}, "allowed_hosts"),
        ({"public_url": "nemo.example"}, "public_url must be an http or https URL"),
        ({"public_url": "ftp://nemo.example"}, "public_url"),
        ({"public_url": "https://nemo.example/?a=1"}, "public_url"),
        ({"public_url": "https://user@nemo.example"}, "public_url"),
        ({"public_url": "https://nemo.example/../x"}, "public_url"),
        ({"public_url": "https://nemo.example//x"}, "public_url"),
        ({"public_url": "https://[::1"}, "public_url"),
        ({"trusted_proxies": ("proxy",)}, "trusted_proxies must be IP addresses or networks"),
        ({"trusted_proxies": ("*",)}, "trusted_proxies"),
        ({"control_token": "two words"}, "control_token must be"),
        ({"control_token": "x" * 257}, "control_token must be"),
        ({"control_token": "schlüssel"}, "control_token must be"),
    ],
)
def test_settings_of_access_that_make_no_sense_are_named(
    settings: dict[str, Any], named: str
) -> None:
    with pytest.raises(ValueError, match="must be") as refused:
        Settings(**settings)
    assert named in str(refused.value)
    assert settings.get("control_token", "nothing") not in str(refused.value)


CHANGING = [e for e in endpoints().values() if e.template.startswith(CONTROL) and e.method != "GET"]
READING = [
    e
    for e in endpoints().values()
    if e.template.startswith(CONTROL) and e.method == "GET" and not e.template.endswith("/health")
]
FOREIGN = [
    {"origin": "https://evil.example"}, {"origin": "null"}, {"origin": "http://localhost:8788"},
    {"origin": "http://127.0.0.1:8787"}, {"origin": "https://localhost:8787"},
    {"origin": "http://"},
    {"origin": "http://localhost:8787.evil.example"},
    {"origin": "http://localhost:8787@evil.example"},
    {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "Same-Origin"},
    {"origin": "http://localhost:8787", "sec-fetch-site": "cross-site"},
]  # fmt: skip
HERE = {"host": "localhost:8787"}


def test_no_page_of_another_origin_uses_the_control_api() -> None:
    assert len(CHANGING) > 8
    for endpoint in (*CHANGING, *READING):
        for page in FOREIGN:
            access = judge({**HERE, **JSON, **page}, endpoint.method, endpoint.template)
            assert access.refusal.startswith("Refused: a page "), (endpoint, page)
            assert "from a program" in access.refusal


def test_a_page_of_the_server_itself_and_a_program_may_use_it() -> None:
    for endpoint in (*CHANGING, *READING):
        for extra in ({}, {"origin": "HTTP://LOCALHOST:8787"}, {"sec-fetch-site": "same-origin"}):
            assert not judge({**HERE, **JSON, **extra}, endpoint.method, endpoint.template).refusal
    assert not judge({**HERE, "sec-fetch-site": "none"}, path=f"{CONTROL}/journal").refusal
    assert not judge({"host": "localhost", "origin": "http://localhost:80"}, path=CONTROL).refusal


@pytest.mark.parametrize(
    "kind",
    [
        None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data",
        "application/jsonp", "application/json-patch+json", "text/json", "application/octet-stream",
        "text/plain; application/json", "application/json, text/plain",
    ],
)  # fmt: skip
def test_a_call_that_changes_something_demands_json(kind: str | None) -> None:
    sent = {} if kind is None else {"content-type": kind}
    for endpoint in CHANGING:
        refusal = judge({**HERE, **sent}, endpoint.method, endpoint.template).refusal
        # No page can send a DELETE unasked, so that one without a body needs no header.
        assert ("application/json" in refusal) == (kind is not None or endpoint.method == "POST")
    assert not judge({**HERE, **sent}, path=f"{CONTROL}/journal").refusal


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON", "application/json; charset=utf-8"]
)
def test_json_is_json_however_it_is_written(kind: str) -> None:
    assert not judge({**HERE, "content-type": kind}, "POST", f"{CONTROL}/reset").refusal


def test_the_contracts_routes_and_the_health_check_stay_open_to_programs() -> None:
    contract = [e for e in endpoints().values() if not e.template.startswith(CONTROL)]
    health = endpoints()["health"]
    for endpoint in (*contract, health):
        for extra in ({}, *FOREIGN, {"content-type": "text/plain"}):
            for token in ("", "secret"):
                headers = {**HERE, **extra}
                access = judge(headers, endpoint.method, endpoint.template, control_token=token)
                assert access.refusal == ""


def test_a_control_token_is_demanded_where_there_is_one() -> None:
    name = CONTROL_TOKEN.lower()
    for endpoint in (*CHANGING, *READING):
        sent = {"control_token": "s3cret", "method": endpoint.method, "path": endpoint.template}
        assert "--control-token" in judge({**HERE, **JSON}, **sent).refusal
        for wrong in ("", "s3cre", "s3crets", "S3CRET", "\xe9"):
            refusal = judge({**HERE, **JSON, name: wrong}, **sent).refusal
            assert CONTROL_TOKEN in refusal
            assert "s3cret" not in refusal
        assert not judge({**HERE, **JSON, name: "s3cret"}, **sent).refusal


PROXY: dict[str, Any] = {"peer": "10.0.0.9", "trusted_proxies": ("10.0.0.0/24", "::1")}
NAMES: dict[str, Any] = {"allowed_hosts": ("nemo.example", "backend")}


@pytest.mark.parametrize(
    ("headers", "base_url"),
    [
        ({}, "https://backend:8787"),
        ({"x-forwarded-host": "nemo.example"}, "https://nemo.example"),
        ({"x-forwarded-host": "nemo.example:8443"}, "https://nemo.example:8443"),
        ({"x-forwarded-host": "nemo.example", "x-forwarded-port": "8443"},
         "https://nemo.example:8443"),
        ({"x-forwarded-host": "nemo.example", "x-forwarded-port": "443"}, "https://nemo.example"),
        ({"x-forwarded-host": "evil.example, nemo.example"}, "https://nemo.example"),
        ({"x-forwarded-prefix": "/nemo/"}, "https://backend:8787/nemo"),
        ({"x-forwarded-prefix": "/a/b", "x-forwarded-host": "nemo.example"},
         "https://nemo.example/a/b"),
    ],
)  # fmt: skip
def test_what_a_trusted_proxy_says_is_what_urls_begin_with(
    headers: dict[str, str], base_url: str
) -> None:
    sent = {"host": "backend:8787", **headers}
    access = judge(sent, scheme="https", **PROXY, **NAMES)
    assert (access.refusal, access.base_url) == ("", base_url)
    others = judge(sent, **{**PROXY, "peer": "10.0.1.9"}, **NAMES)
    assert others.base_url == "http://backend:8787"


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"x-forwarded-host": "evil.example"}, "--allowed-host"),
        ({"x-forwarded-host": "nemo.example, evil.example"}, "--allowed-host"),
        ({"x-forwarded-host": "a b"}, "--allowed-host"),
        ({"x-forwarded-host": "localhost", "host": "rebind.example"}, "rebind.example"),
        ({"x-forwarded-prefix": "nemo"}, "X-Forwarded-Prefix"),
        ({"x-forwarded-prefix": "//evil.example"}, "X-Forwarded-Prefix"),
        ({"x-forwarded-prefix": "/a/../b"}, "X-Forwarded-Prefix"),
        ({"x-forwarded-prefix": "/a\"><script>"}, "X-Forwarded-Prefix"),
        ({"x-forwarded-prefix": "/a?b"}, "X-Forwarded-Prefix"),
    ],
)  # fmt: skip
def test_nor_is_a_trusted_proxy_believed_everything(headers: dict[str, str], said: str) -> None:
    assert said in judge({"host": "backend", **headers}, **PROXY, **NAMES).refusal


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/nemo/run_sse", "/run_sse"),
        ("/nemo/cdn/media/a.mp4", "/cdn/media/a.mp4"),
        ("/nemo/__nemolocal__/reset", "/__nemolocal__/reset"),
        ("/run_sse", "/run_sse"),
        ("/nemo/nothing", "/nemo/nothing"),
        ("/nemoish/run_sse", "/nemoish/run_sse"),
    ],
)
def test_a_prefix_may_be_left_in_the_path(path: str, found: str) -> None:
    by_setting = judge(HERE, path=path, public_url="https://nemo.example/nemo/")
    assert (by_setting.path, by_setting.base_url) == (found, "https://nemo.example/nemo")
    sent = {"host": "backend", "x-forwarded-prefix": "/nemo"}
    assert judge(sent, path=path, **PROXY, **NAMES).path == found
    assert judge(sent, path=path, **NAMES).path == path


def test_a_prefix_that_looks_like_a_path_of_ours_takes_nothing_away() -> None:
    for path, found in (("/api/auth/x", "/api/auth/x"), ("/api/api/auth/x", "/api/auth/x")):
        assert judge(HERE, path=path, public_url="https://nemo.example/api").path == found


def test_what_is_left_of_a_prefix_is_judged_as_what_it_is() -> None:
    path, settings = "/nemo/__nemolocal__/reset", {"public_url": "https://nemo.example/nemo"}
    assert judge({**HERE, **FOREIGN[0], **JSON}, "POST", path, **settings).refusal
    assert not judge(
        {"host": "nemo.example", "origin": "https://nemo.example", **JSON}, "POST", path, **settings
    ).refusal


@given(st.text(max_size=40))
@example("…")  # dots, once it is in its usual form
def test_no_host_is_a_surprise(text: str) -> None:
    authority = parse_authority(text)
    if authority is not None:
        assert not set(authority.host) & set(" /@\\?#,%<>\"'\r\n")
        access = on_host(text, allowed_hosts=(authority.host,))
        assert access.refusal == ""
    with contextlib.suppress(ValueError):
        assert canonical_pattern(canonical_pattern(text)) == canonical_pattern(text)
