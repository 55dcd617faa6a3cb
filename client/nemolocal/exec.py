"""`nemolocal exec`: any program, unchanged, with the local server in the cloud's place."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import ssl
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from nemolocal_contract.endpoints import CLOUD_BASE_URL

from .certificates import Authority
from .problem import Problem
from .proxy import Proxy

if TYPE_CHECKING:
    from nemolocal_server.settings import Settings

_NOT_RUNNABLE, _NOT_FOUND, _SIGNALLED = 126, 127, 128
_TOKEN = "NEMO_TOKEN"
# What the program calls the server.
_CLOUD = urlsplit(CLOUD_BASE_URL).hostname or ""
# Nobody anonymous: who was given a token may not ask for a free one (AUTH-8).
_USER = "user_of-the-environment"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_HERE = "127.0.0.1,localhost,::1"
_NODE = "NODE_OPTIONS"
_FETCH = Path(__file__).with_name("fetch.cjs")
# Where programs look for the certificates that they believe.
_BUNDLES = (
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "PIP_CERT",
    "AWS_CA_BUNDLE",
    "CARGO_HTTP_CAINFO",
    "DENO_CERT",
)


def run(arguments: argparse.Namespace) -> int:
    """The exit status of the program; 128 and the number of the signal where one ended it.

    With `--verdict`, 1 where the program did well and broke a MUST of the rules for clients.
    """
    words = program_words(arguments.words)
    host = urlsplit(CLOUD_BASE_URL).hostname or ""
    authority = Authority()
    from nemolocal_server.serving import LocalServer

    with tempfile.TemporaryDirectory(prefix="nemolocal-") as folder:
        bundle = Path(folder) / "certificates.pem"
        # Hosts that are let through prove themselves by the usual certificates.
        believed = httpx.create_ssl_context() if arguments.allow_host else None
        authority.write_bundle(bundle, believed)
        with LocalServer(_settings(), tls=authority.server_context(host)) as server:
            port = urlsplit(server.base_url).port or 0
            proxy = Proxy(host, port, arguments.allow_host, _tell)
            status = asyncio.run(_run(words, proxy, server.base_url, bundle))
            failed = arguments.verdict and _judge(server.base_url, bundle)
    return status or int(failed)


def program_words(given: list[str]) -> list[str]:
    """The program and its arguments, without the `--` before them."""
    words = given[1:] if given[:1] == ["--"] else given
    if not words:
        raise Problem("nothing to run: name a program after --")
    return words


def _judge(base_url: str, bundle: Path) -> bool:
    """Tell how the program kept the rules for clients; whether it broke a MUST."""
    from nemolocal_conformance.client_rules import client_catalogue
    from nemolocal_conformance.client_rules.judging import judge_journal
    from nemolocal_conformance.driver.asking import fetch_journal

    from .verdict import tell_report

    journal, _ = fetch_journal(base_url, ssl.create_default_context(cafile=bundle))
    report = judge_journal(journal, client_catalogue().values())
    for line in tell_report(report, "this run", len(journal.entries)):
        _tell(line)
    return bool(report.count("failed") or report.count("error"))


def _settings() -> "Settings":
    """A server in memory; a token of the environment is good there, too."""
    from nemolocal_server.settings import Settings
    from nemolocal_server.tokens import NewToken

    token = os.environ.get(_TOKEN)
    try:
        made = (NewToken(token=token, user_id=_USER),) if token else ()
        return Settings(port=0, tokens=made, allowed_hosts=(_CLOUD,))
    except ValueError as error:
        raise Problem(f"{_TOKEN} cannot be used ({error}): unset it") from None


async def _run(words: Sequence[str], proxy: Proxy, base_url: str, bundle: Path) -> int:
    await proxy.start()
    try:
        status = await _program(words, os.environ | variables(proxy, base_url, bundle))
    finally:
        await proxy.close()
    return status if status >= 0 else _SIGNALLED - status


async def _program(words: Sequence[str], environment: Mapping[str, str]) -> int:
    """The status of a program; 127 and 126 where there is none to run, as a shell has it."""
    with _signals() as told:
        try:
            child = await asyncio.create_subprocess_exec(*words, env=environment)
        except FileNotFoundError:
            _tell(f"{words[0]}: not found")
            return _NOT_FOUND
        except OSError as error:
            _tell(f"{words[0]}: {(error.strerror or str(error)).lower()}")
            return _NOT_RUNNABLE
        told.add_done_callback(lambda _: _end(child))
        return await child.wait()


def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        child.terminate()


def variables(proxy: Proxy, base_url: str, bundle: Path) -> Mapping[str, str]:
    """What tells a program of the proxy, of the server, and of the certificate to believe."""
    proxies = dict.fromkeys(_PROXIES, proxy.url)
    facts = {"host": proxy.host, "url": base_url, "allowed": sorted(proxy.allowed)}
    given = os.environ.get(_NODE, "")
    return {
        **proxies,
        **dict.fromkeys(map(str.lower, _PROXIES), proxy.url),
        "NO_PROXY": _HERE,
        "no_proxy": _HERE,
        "NODE_USE_ENV_PROXY": "1",
        _NODE: f'{given} --require "{_FETCH.as_posix()}"'.strip(),
        "NEMOLOCAL_EXEC": json.dumps(facts),
        "NEMO_API_URL": base_url,
        **dict.fromkeys(_BUNDLES, str(bundle)),
    }


@contextlib.contextmanager
def _signals() -> Iterator[asyncio.Future[None]]:
    """Signals are the program's to answer, and so are caught before there is one.

    The future is done when we are told to end; an interrupt the program gets from the terminal.
    """
    loop = asyncio.get_running_loop()
    told: asyncio.Future[None] = loop.create_future()

    def tell() -> None:
        with contextlib.suppress(asyncio.InvalidStateError):  # told again
            told.set_result(None)

    # Windows has no such handlers: there an interrupt ends us both.
    with contextlib.suppress(NotImplementedError):
        loop.add_signal_handler(signal.SIGINT, lambda: None)
        loop.add_signal_handler(signal.SIGTERM, tell)
    try:
        yield told
    finally:
        told.cancel()
        with contextlib.suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGINT)
            loop.remove_signal_handler(signal.SIGTERM)


def _tell(said: str) -> None:
    print(f"nemolocal exec: {said}", file=sys.stderr, flush=True)
