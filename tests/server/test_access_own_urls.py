"""Which URLs are about the server itself: tables of spellings, without a socket."""

import pytest

from nemolocal_server.access.access_policy import AccessPolicy, AccessRequest
from nemolocal_server.access.addresses import canonical_numeric_host
from nemolocal_server.access.own_urls import OwnFile, OwnUrls
from nemolocal_server.settings import Settings

NAME = "0123456789abcdef0123456789abcdef.mp4"
FILE = f"/cdn/media/{NAME}"
SETTINGS = Settings(
    public_url="https://nemo.example/nemo", allowed_hosts=("nemo", "*.nemo.example")
)


def own_urls(host: str = "127.0.0.1:9000", settings: Settings = SETTINGS) -> OwnUrls:
    policy, listened = AccessPolicy(settings), ("172.17.0.2", 8787)
    headers = [(b"host", host.encode())]
    asked = AccessRequest(
        method="POST", path="/", scheme="http", headers=headers, listened=listened
    )
    access = policy.evaluate(asked)
    assert not access.refusal
    return OwnUrls(policy, access)


def test_a_file_is_recognised_by_every_address_that_is_given_out(
    subtests: pytest.Subtests,
) -> None:
    own = own_urls()
    for url in (
        f"http://127.0.0.1:9000{FILE}",
        f"HTTP://127.0.0.1:9000{FILE}?a=1#b",
        f"http://user:word@127.0.0.1:9000{FILE}",
        f"http://127.0.0.1:9000/cdn//media/./{NAME}",
        f"http://127.0.0.1:9000/cdn/x/..{'/media/'}{NAME}",
        f"http://127.0.0.1:9000/%63dn/media/{NAME}",
        f"http://127.0.0.1:9000/cdn%2fmedia%2f{NAME}",
        f"http://localhost:8787{FILE}",
        f"http://LOCALHOST.:8787{FILE}",
        f"http://[::1]:8787{FILE}",
        f"http://[::ffff:7f00:1]:8787{FILE}",
        f"http://2130706433:8787{FILE}",
        f"http://127.1:8787{FILE}",
        f"http://172.17.0.2:8787{FILE}",
        f"http://nemo:8787{FILE}",
        f"https://nemo.example/nemo{FILE}",
        f"http://nemo.example:443/nemo{FILE}",
        f"https://nemo.example{FILE}",
    ):
        with subtests.test(url):
            assert own.is_own(url)
            assert own.find_file(url) == OwnFile("media", NAME)


def test_a_host_of_ours_is_enough_for_a_name_that_nobody_can_guess() -> None:
    own = own_urls()
    for url in (f"http://localhost:5{FILE}", f"https://a.nemo.example:7{FILE}"):
        assert not own.is_own(url)
        assert own.find_file(url) == OwnFile("media", NAME)
    assert own.find_file("http://localhost:5/cdn/fixtures/sample.mp4") is None
    assert own.find_file("http://localhost:8787/cdn/fixtures/sample.mp4") == OwnFile(
        "fixtures", "sample.mp4"
    )


@pytest.mark.parametrize(
    "path",
    [
        "/cdn/../latest/meta-data/x.mp4", "/cdn/%2e%2e/latest/x.mp4", "/cdn/media/../../x.mp4",
        "/cdn/media/%2e%2e%2fnemolocal.sqlite3", "/cdn/media/a/b.mp4", "/cdn/media/", "/cdn/media",
        "/cdn/other/a.mp4", "/__nemolocal__/journal/x.mp4", "/x.mp4", "", "/cdn/media/..%5cx.mp4",
        "/cdn/media/a%00.mp4", "/cdn/media/日本.mp4",
    ],
)  # fmt: skip
def test_what_is_no_file_of_ours_is_ours_all_the_same_and_names_nothing(path: str) -> None:
    own = own_urls()
    assert own.is_own(f"http://127.0.0.1:9000{path}")
    assert own.find_file(f"http://127.0.0.1:9000{path}") is None


@pytest.mark.parametrize(
    "url",
    [
        f"http://10.0.0.1:8787{FILE}", f"http://evil.example:8787{FILE}", f"http://169.254.169.254{FILE}",
        f"http://127.0.0.1:8787@evil.example{FILE}", f"http://127.0.0.1:8787\\@evil.example{FILE}",
        f"http://127.0.0.1.evil.example:8787{FILE}", f"ftp://127.0.0.1:8787{FILE}",
        f"file://127.0.0.1:8787{FILE}", f"//127.0.0.1:8787{FILE}", FILE, "", "http://", "http://[::1",
        f"http://127.0.0.1:99999{FILE}", f"http://127.0.0.1:x{FILE}",
    ],
)  # fmt: skip
def test_other_addresses_are_not_ours(url: str) -> None:
    own = own_urls()
    assert not own.is_own(url)
    assert own.find_file(url) is None


def test_any_name_makes_no_address_ours() -> None:
    own = own_urls("10.0.0.7", Settings(allowed_hosts=("*",)))
    assert own.is_own(f"http://10.0.0.7{FILE}")
    assert own.is_own(f"https://10.0.0.7{FILE}")
    assert not own.is_own(f"http://10.0.0.8:8787{FILE}")


@pytest.mark.parametrize(
    ("host", "canonical"),
    [
        ("0x7f.1", "127.0.0.1"),
        ("010.1", "8.0.0.1"),
        ("1.2.3.999", "1.2.3.999"),
        ("99999999999", "99999999999"),
    ],
)
def test_a_number_is_an_address_only_if_the_c_library_reads_one(host: str, canonical: str) -> None:
    assert canonical_numeric_host(host) == canonical
