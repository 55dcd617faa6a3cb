"""The key that the server and the workers of a farm share.

From it come two others: one seals everything that the engine stores and passes on, the other signs
the URLs by which workers fetch sources and return parts. The engine itself never gets the key.
"""

import base64
import binascii
import os
import secrets
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PREFIX = "nemolocal-farm-key-1:"
_BYTES = 32
_SEAL, _SIGN = b"nemolocal farm: payloads", b"nemolocal farm: urls"


class FarmSetupError(Exception):
    """The farm cannot be used as it is set up; the message says why and what to do."""


class FarmKey(msgspec.Struct, frozen=True):
    """The two keys that are derived from that of the file, 32 bytes each."""

    sealing: bytes
    signing: bytes


def write_farm_key(path: Path) -> None:
    """Write a new key to a new file that only its owner can read; raises FarmSetupError."""
    text = _PREFIX + base64.urlsafe_b64encode(secrets.token_bytes(_BYTES)).decode() + "\n"
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w", encoding="ascii") as out:
            out.write(text)
    except FileExistsError:
        raise FarmSetupError(f"{path} exists already: choose another file") from None
    except OSError as error:
        raise FarmSetupError(f"cannot write {path}: {error.strerror}") from error


def read_farm_key(path: Path) -> FarmKey:
    """Read a file that `nemolocal farm key` wrote; raises FarmSetupError."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise FarmSetupError(
            f"key file not found: {path}; `nemolocal farm key {path}` makes one"
        ) from None
    except OSError as error:
        raise FarmSetupError(f"cannot read key file {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        text = ""
    try:
        secret = base64.b64decode(text.removeprefix(_PREFIX), b"-_", validate=True)
    except binascii.Error:
        secret = b""
    if not text.startswith(_PREFIX) or len(secret) != _BYTES:
        raise FarmSetupError(f"{path} is not a key file of `nemolocal farm key`")
    return FarmKey(_derive(secret, _SEAL), _derive(secret, _SIGN))


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), _BYTES, salt=None, info=purpose).derive(secret)
