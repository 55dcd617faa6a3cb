"""What is kept between runs: client ids; tokens, sessions and uploads of each base URL (CLI-9).

The folder is the user's own config folder, or the one that NEMOLOCAL_CONFIG_DIR names. Files are
written whole and readable by their owner only.

A client id gets one token a week (AUTH-3). The cloud's has a file of its own, so that it uses up no
more of the limit than it must. Every other base URL has a client id of its own, in the file of its
tokens: a server with two names is asked under two client ids, and whoever deletes the token deletes
the client id that would get no other.
"""

import contextlib
import os
import secrets
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable
from urllib.parse import quote, unquote_to_bytes

import msgspec
import platformdirs

from nemolocal_contract.endpoints import CLOUD_BASE_URL

from .effects import KeptSession, KeptToken
from .errors import FileProblem
from .inputs import Identity
from .token_records import Record, file_name, fits, in_front, is_cloud, token_files

CONFIG_VARIABLE = "NEMOLOCAL_CONFIG_DIR"
_CLOUD = "client-id"


class IdentityStore(Protocol):
    """Where a client keeps who it is."""

    def client_id(self, base_url: str = CLOUD_BASE_URL) -> str:
        """The client id for a base URL, made on first use."""

    def renew_client_id(self, base_url: str = CLOUD_BASE_URL) -> str:
        """A new client id in place of the old one."""

    def token(self, base_url: str) -> KeptToken | None:
        """The token that was kept last for a base URL."""

    def earlier_tokens(self, base_url: str) -> tuple[KeptToken, ...]:
        """The tokens kept before it, the newest first: another server had this base URL then."""

    def keep(self, base_url: str, kept: KeptToken) -> None:
        """Keep a token for a base URL."""

    def sessions(self, base_url: str) -> tuple[KeptSession, ...]:
        """The sessions of a base URL, the newest first."""

    def keep_session(self, base_url: str, kept: KeptSession) -> None:
        """Remember a session of a base URL, in place of what was kept of it."""


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
        self._client_ids: dict[str, str] = {}
        self._tokens: dict[str, tuple[KeptToken, ...]] = {}
        self._sessions: dict[str, dict[str, KeptSession]] = {}

    def client_id(self, base_url: str = CLOUD_BASE_URL) -> str:
        return self._client_ids.get(base_url) or self.renew_client_id(base_url)

    def renew_client_id(self, base_url: str = CLOUD_BASE_URL) -> str:
        self._client_ids[base_url] = str(uuid.uuid4())
        return self._client_ids[base_url]

    def token(self, base_url: str) -> KeptToken | None:
        return next(iter(self._tokens.get(base_url, ())), None)

    def earlier_tokens(self, base_url: str) -> tuple[KeptToken, ...]:
        return self._tokens.get(base_url, ())[1:]

    def keep(self, base_url: str, kept: KeptToken) -> None:
        self._tokens[base_url] = in_front(kept, self._tokens.get(base_url, ()))

    def sessions(self, base_url: str) -> tuple[KeptSession, ...]:
        return _newest_first(self._sessions.get(base_url, {}).values())

    def keep_session(self, base_url: str, kept: KeptSession) -> None:
        self._sessions.setdefault(base_url, {})[kept.session_id] = kept


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
    """Keeps client ids, tokens and sessions in files; raises `FileProblem` where it cannot.

    `keep_tokens=False` writes no token and no session down, and asks every server but the cloud
    under a client id that lives as long as the object. The cloud's client id is kept all the same,
    and a token that was kept for it before is used: it gives no other for a week.
    """

    def __init__(self, folder: Path | None = None, *, keep_tokens: bool = True) -> None:
        self.folder = folder or config_folder()
        self._keep_tokens = keep_tokens
        self._memory = MemoryProfile()

    def client_id(self, base_url: str = CLOUD_BASE_URL) -> str:
        """The kept client id: 1 to 64 characters (AUTH-1)."""
        if is_cloud(base_url):
            kept = self._read(_CLOUD).strip()
            return kept if fits(kept) else self.renew_client_id(base_url)
        if not self._keep_tokens:
            return self._memory.client_id(base_url)
        record = self._record(base_url)
        if fits(record.client_id):
            return record.client_id
        return self._keep_client_id(base_url, str(uuid.uuid4()), anew=False)

    def renew_client_id(self, base_url: str = CLOUD_BASE_URL) -> str:
        fresh = str(uuid.uuid4())
        if is_cloud(base_url):
            self._write(_CLOUD, fresh.encode())
            return fresh
        if not self._keep_tokens:
            return self._memory.renew_client_id(base_url)
        return self._keep_client_id(base_url, fresh, anew=True)

    def token(self, base_url: str) -> KeptToken | None:
        return next(iter(self._tokens(base_url)), None)

    def earlier_tokens(self, base_url: str) -> tuple[KeptToken, ...]:
        return self._tokens(base_url)[1:]

    def keep(self, base_url: str, kept: KeptToken) -> None:
        if self._keep_tokens:
            self._write_record(self._record(base_url).with_token(kept))
        else:
            self._memory.keep(base_url, kept)

    def _tokens(self, base_url: str) -> tuple[KeptToken, ...]:
        if self._keep_tokens:
            return self._record(base_url).tokens
        newest = self._memory.token(base_url)
        passing = (newest, *self._memory.earlier_tokens(base_url)) if newest is not None else ()
        return passing + (self._record(base_url).tokens if is_cloud(base_url) else ())

    def _keep_client_id(self, base_url: str, client_id: str, *, anew: bool) -> str:
        """Write a client id down; the one that counts, where two processes begin at once."""
        before = self._record(base_url)
        record = msgspec.structs.replace(before, client_id=client_id)
        self._write_record(record, only_first=not (anew or before.token))
        winner = self._record(base_url).client_id
        if not winner:
            # What was there could not be read.
            self._write_record(record)
        return winner or client_id

    def _record(self, base_url: str) -> Record:
        found = self._find_record(base_url)
        return Record(base_url) if found is None else found[1]

    def _find_record(self, base_url: str) -> tuple[str, Record] | None:
        for name in token_files(base_url):
            with contextlib.suppress(msgspec.MsgspecError):
                record = msgspec.json.decode(self._read(name), type=Record)
                if record.base_url == base_url:
                    return name, record
        return None

    def _write_record(self, record: Record, *, only_first: bool = False) -> None:
        found = self._find_record(record.base_url)
        name = found[0] if found is not None else self._free_name(record.base_url)
        self._write(name, msgspec.json.encode(record), only_first=only_first and found is None)

    def _free_name(self, base_url: str) -> str:
        """The plain name, unless what is kept for another base URL has it."""
        plain, own = token_files(base_url)
        try:
            msgspec.json.decode(self._read(plain), type=Record)
        except msgspec.MsgspecError:
            return plain
        return own

    def sessions(self, base_url: str) -> tuple[KeptSession, ...]:
        records = self._session_records(file_name("sessions", base_url, "jsonl"))
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
        self._append(file_name("sessions", base_url, "jsonl"), b"\n" + line + b"\n")

    def keep_inputs(self, base_url: str, session_id: str, files: Iterable[Identity]) -> None:
        if not self._keep_tokens:
            return
        for file in files:
            quoted = msgspec.structs.replace(file, path=quote(os.fsencode(file.path)))
            line = msgspec.json.encode(_InputRecord(base_url, session_id, quoted))
            self._append(file_name("inputs", base_url, "jsonl"), b"\n" + line + b"\n")

    def inputs(self, base_url: str, session_id: str) -> tuple[Identity, ...]:
        found = set()
        for line in self._read(file_name("inputs", base_url, "jsonl")).split("\n"):
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

    def _write(self, name: str, content: bytes, *, only_first: bool = False) -> None:
        """Whole or not at all: a fresh file, readable by its owner only, renamed into place.

        `only_first` leaves alone what another process has put there in the meantime.
        """
        fresh = self.folder / f".{name}.{secrets.token_hex(4)}"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as file:
                file.write(content)
            if not only_first or not _put_first(fresh, self.folder / name):
                fresh.replace(self.folder / name)
        except (OSError, ValueError) as error:
            with contextlib.suppress(OSError, ValueError):
                fresh.unlink(missing_ok=True)
            raise _unusable(self.folder, error) from error


def _put_first(fresh: Path, place: Path) -> bool:
    """Put a file where none is, or leave what is there; False where this disk cannot do that."""
    try:
        os.link(fresh, place)
    except FileExistsError:
        pass
    except OSError:
        return False
    fresh.unlink(missing_ok=True)
    return True


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
