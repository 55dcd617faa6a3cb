"""What is kept between runs: the client id, and one token for each base URL (CLI-9).

The folder is the user's own config folder, or the one that NEMOLOCAL_CONFIG_DIR names. Files are
written whole and readable by their owner only.
"""

import contextlib
import os
import re
import secrets
import uuid
from pathlib import Path
from typing import Protocol

import msgspec
import platformdirs

from .effects import KeptToken, Secret
from .errors import FileProblem

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


class MemoryProfile:
    """Keeps everything for the life of the object only."""

    def __init__(self) -> None:
        self._client_id = str(uuid.uuid4())
        self._tokens: dict[str, KeptToken] = {}

    def client_id(self) -> str:
        return self._client_id

    def renew_client_id(self) -> str:
        self._client_id = str(uuid.uuid4())
        return self._client_id

    def token(self, base_url: str) -> KeptToken | None:
        return self._tokens.get(base_url)

    def keep(self, base_url: str, kept: KeptToken) -> None:
        self._tokens[base_url] = kept


class _Record(msgspec.Struct, frozen=True):
    base_url: str
    token: str
    expires_at: float
    user_id: str = ""


def config_folder() -> Path:
    """The user's folder for Nemo Local, or what NEMOLOCAL_CONFIG_DIR names."""
    named = os.environ.get(CONFIG_VARIABLE)
    return Path(named) if named else Path(platformdirs.user_config_dir("nemolocal"))


class Profile:
    """Keeps the client id and the tokens in files; raises `FileProblem` where it cannot.

    `keep_tokens=False` keeps the client id only.
    """

    def __init__(self, folder: Path | None = None, *, keep_tokens: bool = True) -> None:
        self.folder = folder or config_folder()
        self._keep_tokens = keep_tokens

    def client_id(self) -> str:
        """The kept client id: 1 to 64 characters (AUTH-1)."""
        kept = self._read("client-id").strip()
        return kept if 0 < len(kept) <= 64 and kept.isascii() else self.renew_client_id()

    def renew_client_id(self) -> str:
        fresh = str(uuid.uuid4())
        self._write("client-id", fresh.encode())
        return fresh

    def token(self, base_url: str) -> KeptToken | None:
        if not self._keep_tokens:
            return None
        try:
            record = msgspec.json.decode(self._read(_token_file(base_url)), type=_Record)
        except msgspec.MsgspecError:
            return None
        if record.base_url != base_url:
            return None
        return KeptToken(Secret(record.token), record.expires_at, record.user_id)

    def keep(self, base_url: str, kept: KeptToken) -> None:
        if not self._keep_tokens:
            return
        record = _Record(base_url, kept.token.reveal(), kept.expires_at, kept.user_id)
        self._write(_token_file(base_url), msgspec.json.encode(record))

    def _read(self, name: str) -> str:
        try:
            return (self.folder / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        except UnicodeDecodeError:
            return ""
        except OSError as error:
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
        except OSError as error:
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise _unusable(self.folder, error) from error


def _token_file(base_url: str) -> str:
    return f"token-{re.sub(r'[^A-Za-z0-9.]+', '-', base_url).strip('-')}.json"


def _unusable(folder: Path, error: OSError) -> FileProblem:
    reason = error.strerror or type(error).__name__
    return FileProblem(
        f"the config folder {folder} cannot be used ({reason})",
        remedy=f"set {CONFIG_VARIABLE} to a folder that you may write",
    )
