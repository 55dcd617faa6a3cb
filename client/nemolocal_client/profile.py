"""What is kept between runs: the client id; a token, sessions and uploads of each base URL (CLI-9).

The folder is the user's own config folder, or the one that NEMOLOCAL_CONFIG_DIR names. Files are
written whole and readable by their owner only.
"""

import contextlib
import os
import re
import secrets
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable
from urllib.parse import quote, unquote_to_bytes

import msgspec
import platformdirs

from .effects import KeptSession, KeptToken, Secret
from .errors import FileProblem
from .inputs import Identity

CONFIG_VARIABLE = "NEMOLOCAL_CONFIG_DIR"


class IdentityStore(Protocol):
    """Where a client keeps who it is."""

    def client_id(self) -> str:
        """The client id, made on first use."""

    def renew_client_id(self) -> str:
        """A new client id in place of the old one."""

    def token(self, base_url: str) -> KeptToken | None:
        """The token kept for a base URL."""

    def keep(self, base_url: str, kept: KeptToken) -> None:
        """Keep a token for a base URL."""

    def sessions(self, base_url: str) -> tuple[KeptSession, ...]:
        """The sessions of a base URL, the newest first."""

    def keep_session(self, base_url: str, kept: KeptSession) -> None:
        """Remember that a session of a base URL was opened."""


@runtime_checkable
class InputStore(Protocol):
    """A store that also keeps what was uploaded, so that no later run overwrites it."""

    def keep_inputs(self, base_url: str, session_id: str, files: Iterable[Identity]) -> None:
        """Remember files that were uploaded to a session."""

    def inputs(self, base_url: str, session_id: str) -> tuple[Identity, ...]:
        """The files that were uploaded to a session."""


class MemoryProfile:
    """Keeps everything for the life of the object only."""

    def __init__(self) -> None:
        self._client_id = str(uuid.uuid4())
        self._tokens: dict[str, KeptToken] = {}
        self._sessions: dict[str, list[KeptSession]] = {}

    def client_id(self) -> str:
        return self._client_id

    def renew_client_id(self) -> str:
        self._client_id = str(uuid.uuid4())
        return self._client_id

    def token(self, base_url: str) -> KeptToken | None:
        return self._tokens.get(base_url)

    def keep(self, base_url: str, kept: KeptToken) -> None:
        self._tokens[base_url] = kept

    def sessions(self, base_url: str) -> tuple[KeptSession, ...]:
        return _newest_first(self._sessions.get(base_url, []))

    def keep_session(self, base_url: str, kept: KeptSession) -> None:
        self._sessions.setdefault(base_url, []).append(kept)


class _Record(msgspec.Struct, frozen=True):
    base_url: str
    token: str
    expires_at: float
    user_id: str = ""


class _InputRecord(msgspec.Struct, frozen=True):
    """A file of a session; its path is quoted, since not every path is text."""

    base_url: str
    session_id: str
    file: Identity


class _SessionRecord(msgspec.Struct, frozen=True):
    base_url: str
    session: KeptSession


def config_folder() -> Path:
    """The user's folder for Nemo Local, or what NEMOLOCAL_CONFIG_DIR names."""
    named = os.environ.get(CONFIG_VARIABLE)
    return Path(named) if named else Path(platformdirs.user_config_dir("nemolocal"))


class Profile:
    """Keeps the client id and the tokens in files; raises `FileProblem` where it cannot.

    `keep_tokens=False` keeps the client id only: without its token no session is come back to.
    """

    def __init__(self, folder: Path | None = None, *, keep_tokens: bool = True) -> None:
        self.folder = folder or config_folder()
        self._keep_tokens = keep_tokens

    def client_id(self) -> str:
        """The kept client id: 1 to 64 characters (AUTH-1)."""
        kept = self._read("client-id").strip()
        fits = 0 < len(kept) <= 64 and kept.isascii() and kept.isprintable()
        return kept if fits else self.renew_client_id()

    def renew_client_id(self) -> str:
        fresh = str(uuid.uuid4())
        self._write("client-id", fresh.encode())
        return fresh

    def token(self, base_url: str) -> KeptToken | None:
        if not self._keep_tokens:
            return None
        try:
            record = msgspec.json.decode(self._read(_file("token", base_url, "json")), type=_Record)
        except msgspec.MsgspecError:
            return None
        if record.base_url != base_url:
            return None
        return KeptToken(Secret(record.token), record.expires_at, record.user_id)

    def keep(self, base_url: str, kept: KeptToken) -> None:
        if not self._keep_tokens:
            return
        record = _Record(base_url, kept.token.reveal(), kept.expires_at, kept.user_id)
        self._write(_file("token", base_url, "json"), msgspec.json.encode(record))

    def sessions(self, base_url: str) -> tuple[KeptSession, ...]:
        records = self._session_records(_file("sessions", base_url, "jsonl"))
        return _newest_first(r.session for r in records if r.base_url == base_url)

    def all_sessions(self) -> tuple[tuple[str, KeptSession], ...]:
        """Every base URL with a session of it, the newest first."""
        names = sorted(path.name for path in self.folder.glob("sessions-*.jsonl"))
        records = [record for name in names for record in self._session_records(name)]
        known = {record.base_url for record in records}
        found = [(base_url, kept) for base_url in known for kept in self.sessions(base_url)]
        return tuple(sorted(found, key=lambda each: (-each[1].used_at, each[1].session_id)))

    def keep_session(self, base_url: str, kept: KeptSession) -> None:
        if not self._keep_tokens:
            return
        line = msgspec.json.encode(_SessionRecord(base_url, kept))
        self._append(_file("sessions", base_url, "jsonl"), b"\n" + line + b"\n")

    def keep_inputs(self, base_url: str, session_id: str, files: Iterable[Identity]) -> None:
        if not self._keep_tokens:
            return
        for file in files:
            quoted = msgspec.structs.replace(file, path=quote(os.fsencode(file.path)))
            line = msgspec.json.encode(_InputRecord(base_url, session_id, quoted))
            self._append(_file("inputs", base_url, "jsonl"), b"\n" + line + b"\n")

    def inputs(self, base_url: str, session_id: str) -> tuple[Identity, ...]:
        found = set()
        for line in self._read(_file("inputs", base_url, "jsonl")).split("\n"):
            with contextlib.suppress(msgspec.MsgspecError):
                record = msgspec.json.decode(line, type=_InputRecord)
                if (record.base_url, record.session_id) == (base_url, session_id):
                    path = os.fsdecode(unquote_to_bytes(record.file.path))
                    found.add(msgspec.structs.replace(record.file, path=path))
        return tuple(found)

    def _session_records(self, name: str) -> Iterator[_SessionRecord]:
        for line in self._read(name).split("\n"):
            # A line that a killed process left unfinished is no session.
            with contextlib.suppress(msgspec.MsgspecError):
                yield msgspec.json.decode(line, type=_SessionRecord)

    def _read(self, name: str) -> str:
        try:
            return (self.folder / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        except UnicodeDecodeError:
            return ""
        except (OSError, ValueError) as error:
            raise _unusable(self.folder, error) from error

    def _append(self, name: str, content: bytes) -> None:
        """Add a line in one write, so that two processes never mix theirs."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            with open(os.open(self.folder / name, flags, 0o600), "ab", buffering=0) as file:
                file.write(content)
        except (OSError, ValueError) as error:
            raise _unusable(self.folder, error) from error

    def _write(self, name: str, content: bytes) -> None:
        """Whole or not at all: a fresh file, readable by its owner only, renamed into place."""
        fresh = self.folder / f".{name}.{secrets.token_hex(4)}"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as file:
                file.write(content)
            fresh.replace(self.folder / name)
        except (OSError, ValueError) as error:
            with contextlib.suppress(OSError, ValueError):
                fresh.unlink(missing_ok=True)
            raise _unusable(self.folder, error) from error


def _file(kind: str, base_url: str, ending: str) -> str:
    return f"{kind}-{re.sub(r'[^A-Za-z0-9.]+', '-', base_url).strip('-')}.{ending}"


def _newest_first(kept: Iterable[KeptSession]) -> tuple[KeptSession, ...]:
    """Each session once, as it was kept last."""
    latest = {session.session_id: session for session in kept}
    return tuple(sorted(latest.values(), key=lambda session: -session.used_at))


def _unusable(folder: Path, error: OSError | ValueError) -> FileProblem:
    reason = getattr(error, "strerror", None) or "no folder has such a name"
    return FileProblem(
        f"the config folder {folder} cannot be used ({reason})",
        remedy=f"set {CONFIG_VARIABLE} to a folder that you may write",
    )
