"""Stores client ids, tokens, sessions and uploads between runs, by base URL (CLI-9).

The files are in the user's config folder or in NEMOLOCAL_CONFIG_DIR; only their owner can read
them.

A client id gets one token a week (AUTH-3). The cloud's client id has its own file, which survives
when tokens are deleted. Every other base URL has its own client id, in the same file as its tokens:
deleting a token also deletes the client id that would not get another token this week.
"""

import contextlib
import hashlib
import os
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol, runtime_checkable
from urllib.parse import quote, unquote_to_bytes, urlsplit

import msgspec
import platformdirs

from nemolocal_contract.endpoints import CLIENT_ID_MAX, CLOUD_BASE_URL

from .config_files import (
    CONFIG_VARIABLE as CONFIG_VARIABLE,
    ConfigFolder,
    JsonLinesFile,
    profile_file_name,
)
from .local_files import FileIdentity
from .operations import KeptSession, SavedToken, Secret

# The maximum number of tokens of a base URL besides the newest.
_EARLIER_MAX = 31
_CLOUD = "client-id"


class _TokenRecord(msgspec.Struct, frozen=True):
    token: str
    expires_at: float
    user_id: str = ""


class ProfileRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """The client id and the tokens of a base URL; `token` is the newest."""

    base_url: str
    token: str = ""
    expires_at: float = 0.0
    user_id: str = ""
    client_id: str = ""
    earlier: tuple[_TokenRecord, ...] = ()

    @property
    def tokens(self) -> tuple[SavedToken, ...]:
        newest = _TokenRecord(self.token, self.expires_at, self.user_id)
        return tuple(
            SavedToken(Secret(each.token), each.expires_at, each.user_id)
            for each in (newest, *self.earlier)
            if each.token
        )

    def with_token(self, kept: SavedToken) -> "ProfileRecord":
        newest, *earlier = (
            _TokenRecord(each.token.reveal(), each.expires_at, each.user_id)
            for each in prepend_token(kept, self.tokens)
        )
        fields = msgspec.structs.asdict(newest)
        return msgspec.structs.replace(self, **fields, earlier=tuple(earlier))


def token_file_names(base_url: str) -> tuple[str, str]:
    """Return the possible names of a base URL's token file; the first may belong to another URL."""
    digest = hashlib.sha256(base_url.encode(errors="surrogatepass")).hexdigest()[:8]
    return profile_file_name("token", base_url, "json"), profile_file_name(
        "token", f"{base_url}-{digest}", "json"
    )


def is_cloud(base_url: str) -> bool:
    """Whether a base URL is the cloud's, however it is written."""
    try:
        return urlsplit(base_url).hostname == urlsplit(CLOUD_BASE_URL).hostname
    except ValueError:
        return False


def is_valid_client_id(client_id: str) -> bool:
    """Whether a client id fits into a header (AUTH-1)."""
    return 0 < len(client_id) <= CLIENT_ID_MAX and client_id.isascii() and client_id.isprintable()


def prepend_token(kept: SavedToken, others: tuple[SavedToken, ...]) -> tuple[SavedToken, ...]:
    """Return the tokens of a base URL with this one as the newest."""
    rest = [other for other in others if other.token != kept.token]
    return (kept, *rest[:_EARLIER_MAX])


class IdentityStore(Protocol):
    """Stores the client ids, tokens and sessions of a client."""

    def client_id(self, base_url: str = CLOUD_BASE_URL) -> str:
        """Return the client id for a base URL, created on first use."""

    def renew_client_id(self, base_url: str = CLOUD_BASE_URL) -> str:
        """Replace the client id by a new one and return it."""

    def token(self, base_url: str) -> SavedToken | None:
        """Return the token that was saved last for a base URL."""

    def earlier_tokens(self, base_url: str) -> tuple[SavedToken, ...]:
        """Return the tokens saved before it, the newest first, of other servers at this URL."""

    def keep(self, base_url: str, kept: SavedToken) -> None:
        """Save a token for a base URL."""

    def sessions(self, base_url: str) -> tuple[KeptSession, ...]:
        """Return the sessions of a base URL, the newest first."""

    def keep_session(self, base_url: str, kept: KeptSession) -> None:
        """Save a session of a base URL; replaces an earlier record of the session."""


@runtime_checkable
class InputStore(Protocol):
    """A store that also records uploaded files, so that later runs do not overwrite them."""

    def keep_inputs(self, base_url: str, session_id: str, files: Iterable[FileIdentity]) -> None:
        """Save the files that were uploaded to a session."""

    def inputs(self, base_url: str, session_id: str) -> tuple[FileIdentity, ...]:
        """Return the files that were uploaded to a session."""


class MemoryProfile:
    """Stores everything in memory, for the life of the object."""

    def __init__(self) -> None:
        self._client_ids: dict[str, str] = {}
        self._tokens: dict[str, tuple[SavedToken, ...]] = {}
        self._sessions: dict[str, dict[str, KeptSession]] = {}

    def client_id(self, base_url: str = CLOUD_BASE_URL) -> str:
        return self._client_ids.get(base_url) or self.renew_client_id(base_url)

    def renew_client_id(self, base_url: str = CLOUD_BASE_URL) -> str:
        self._client_ids[base_url] = str(uuid.uuid4())
        return self._client_ids[base_url]

    def token(self, base_url: str) -> SavedToken | None:
        return next(iter(self._tokens.get(base_url, ())), None)

    def earlier_tokens(self, base_url: str) -> tuple[SavedToken, ...]:
        return self._tokens.get(base_url, ())[1:]

    def keep(self, base_url: str, kept: SavedToken) -> None:
        self._tokens[base_url] = prepend_token(kept, self._tokens.get(base_url, ()))

    def sessions(self, base_url: str) -> tuple[KeptSession, ...]:
        return _newest_first(self._sessions.get(base_url, {}).values())

    def keep_session(self, base_url: str, kept: KeptSession) -> None:
        self._sessions.setdefault(base_url, {})[kept.session_id] = kept


class _InputRecord(msgspec.Struct, frozen=True):
    """A file of a session; its path is percent-encoded, since it may not be valid Unicode."""

    base_url: str
    session_id: str
    file: FileIdentity


class _SessionRecord(msgspec.Struct, frozen=True):
    base_url: str
    session: KeptSession


def config_folder() -> Path:
    """Return the config folder: NEMOLOCAL_CONFIG_DIR, or the user's default."""
    named = os.environ.get(CONFIG_VARIABLE)
    return Path(named) if named else Path(platformdirs.user_config_dir("nemolocal"))


class Profile:
    """Stores client ids, tokens and sessions in files; raises `FileProblem` if it cannot.

    With `keep_tokens=False` no token and no session is written, and every server but the cloud gets
    a client id that lives as long as the object. The cloud's client id is saved nevertheless, and
    an earlier token for it is used, since the cloud issues only one a week.
    """

    def __init__(self, folder: Path | None = None, *, keep_tokens: bool = True) -> None:
        self.folder = folder or config_folder()
        self._files = ConfigFolder(self.folder)
        self._keep_tokens = keep_tokens
        self._memory = MemoryProfile()
        self._sessions = JsonLinesFile(
            self._files,
            "sessions",
            _SessionRecord,
            subject=lambda record: (record.base_url, record.session.session_id),
            rank=_used_last_first,
        )
        self._inputs = JsonLinesFile(
            self._files, "inputs", _InputRecord, subject=lambda record: record, rank=self._rank
        )

    def client_id(self, base_url: str = CLOUD_BASE_URL) -> str:
        """Return the client id: 1 to 64 characters (AUTH-1)."""
        if is_cloud(base_url):
            kept = self._read(_CLOUD).strip()
            return kept if is_valid_client_id(kept) else self.renew_client_id(base_url)
        if not self._keep_tokens:
            return self._memory.client_id(base_url)
        record = self._record(base_url)
        if is_valid_client_id(record.client_id):
            return record.client_id
        return self._keep_client_id(base_url, str(uuid.uuid4()), anew=False)

    def renew_client_id(self, base_url: str = CLOUD_BASE_URL) -> str:
        fresh = str(uuid.uuid4())
        if is_cloud(base_url):
            self._files.write(_CLOUD, fresh.encode())
            return fresh
        if not self._keep_tokens:
            return self._memory.renew_client_id(base_url)
        return self._keep_client_id(base_url, fresh, anew=True)

    def token(self, base_url: str) -> SavedToken | None:
        return next(iter(self._tokens(base_url)), None)

    def earlier_tokens(self, base_url: str) -> tuple[SavedToken, ...]:
        return self._tokens(base_url)[1:]

    def keep(self, base_url: str, kept: SavedToken) -> None:
        if self._keep_tokens:
            self._write_record(self._record(base_url).with_token(kept))
        else:
            self._memory.keep(base_url, kept)

    def _tokens(self, base_url: str) -> tuple[SavedToken, ...]:
        if self._keep_tokens:
            return self._record(base_url).tokens
        newest = self._memory.token(base_url)
        passing = (newest, *self._memory.earlier_tokens(base_url)) if newest is not None else ()
        return passing + (self._record(base_url).tokens if is_cloud(base_url) else ())

    def _keep_client_id(self, base_url: str, client_id: str, *, anew: bool) -> str:
        """Save a client id and return the saved one, which another process may have written."""
        before = self._record(base_url)
        record = msgspec.structs.replace(before, client_id=client_id)
        self._write_record(record, only_first=not (anew or before.token))
        winner = self._record(base_url).client_id
        if not winner:
            # The existing file could not be read.
            self._write_record(record)
        return winner or client_id

    def _record(self, base_url: str) -> ProfileRecord:
        found = self._find_record(base_url)
        return ProfileRecord(base_url) if found is None else found[1]

    def _find_record(self, base_url: str) -> tuple[str, ProfileRecord] | None:
        for name in token_file_names(base_url):
            with contextlib.suppress(msgspec.MsgspecError):
                record = msgspec.json.decode(self._read(name), type=ProfileRecord)
                if record.base_url == base_url:
                    return name, record
        return None

    def _write_record(self, record: ProfileRecord, *, only_first: bool = False) -> None:
        found = self._find_record(record.base_url)
        name = found[0] if found is not None else self._free_name(record.base_url)
        self._files.write(
            name, msgspec.json.encode(record), only_first=only_first and found is None
        )

    def _free_name(self, base_url: str) -> str:
        """Return the plain file name, unless another base URL uses it."""
        plain, own = token_file_names(base_url)
        try:
            msgspec.json.decode(self._read(plain), type=ProfileRecord)
        except msgspec.MsgspecError:
            return plain
        return own

    def sessions(self, base_url: str) -> tuple[KeptSession, ...]:
        return _newest_first(record.session for record in self._sessions.of(base_url))

    def all_sessions(self) -> tuple[tuple[str, KeptSession], ...]:
        """Return every saved session with its base URL, the newest first."""
        known = self._sessions.base_urls()
        found = [(base_url, kept) for base_url in known for kept in self.sessions(base_url)]
        return tuple(sorted(found, key=lambda each: (-each[1].used_at, each[1].session_id)))

    def keep_session(self, base_url: str, kept: KeptSession) -> None:
        if self._keep_tokens:
            self._sessions.add(_SessionRecord(base_url, kept))

    def keep_inputs(self, base_url: str, session_id: str, files: Iterable[FileIdentity]) -> None:
        if self._keep_tokens:
            self._inputs.add(*(_InputRecord(base_url, session_id, _quoted(f)) for f in files))

    def inputs(self, base_url: str, session_id: str) -> tuple[FileIdentity, ...]:
        records = self._inputs.of(base_url)
        return tuple(_unquoted(each.file) for each in records if each.session_id == session_id)

    def _rank(self, records: list[_InputRecord]) -> list[_InputRecord]:
        """Return the files of saved sessions and of the current session first."""
        newest = records[0]
        known = {(newest.base_url, newest.session_id)}
        for base_url in {record.base_url for record in records}:
            known |= {(base_url, kept.session_id) for kept in self.sessions(base_url)}
        return sorted(records, key=lambda each: (each.base_url, each.session_id) not in known)

    def _read(self, name: str) -> str:
        with contextlib.suppress(UnicodeDecodeError):
            return self._files.read(name).decode()
        return ""


def _newest_first(kept: Iterable[KeptSession]) -> tuple[KeptSession, ...]:
    """Return each session once, as it was saved last."""
    latest = {session.session_id: session for session in kept}
    return tuple(sorted(latest.values(), key=lambda session: -session.used_at))


def _used_last_first(records: list[_SessionRecord]) -> list[_SessionRecord]:
    """Return the record that was saved last first, even if the clock was changed."""
    return sorted(records, key=lambda each: (each is not records[0], -each.session.used_at))


def _quoted(file: FileIdentity) -> FileIdentity:
    return msgspec.structs.replace(file, path=quote(os.fsencode(file.path)))


def _unquoted(file: FileIdentity) -> FileIdentity:
    return msgspec.structs.replace(file, path=os.fsdecode(unquote_to_bytes(file.path)))
