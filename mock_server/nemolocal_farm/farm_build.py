"""The build that decides about the bytes of a part: version, renderer and FFmpeg.

Workers of another build get no parts of a render: their files would not fit the others.
"""

import functools
from hashlib import file_digest, sha256
from importlib.metadata import version
from pathlib import Path

import nemolocal_contract
import nemolocal_render
from nemolocal_render import ffmpeg_cli

from .farm_key import FarmKey, FarmSetupError

_KINDS = frozenset({".py", ".toml"})
_DIGITS = 12


@functools.cache
def farm_build() -> str:
    """Return the version, a digest of the renderer, and one of FFmpeg's binary.

    Takes a tenth of a second. Raises FarmSetupError without FFmpeg.
    """
    digest = sha256()
    for package in (nemolocal_contract, nemolocal_render):
        for path in sorted(Path(package.__path__[0]).rglob("*")):
            if path.suffix in _KINDS:
                digest.update(path.name.encode() + b"\0" + path.read_bytes())
    binary = ffmpeg_cli.executable()
    try:
        with binary.open("rb") as file:
            ffmpeg = file_digest(file, "sha256").hexdigest()
    except OSError:
        raise FarmSetupError(
            f"FFmpeg was not found: set {ffmpeg_cli.BINARY_VARIABLE} to a binary"
        ) from None
    return f"{version('nemolocal')}-{digest.hexdigest()[:_DIGITS]}-{ffmpeg[:_DIGITS]}"


def queue_name(key: FarmKey, encoder: str) -> str:
    """Return the task queue of the workers of this build and key with this encoder.

    A worker that cannot open the tasks of a server gets none.
    """
    return f"nemolocal-{farm_build()}-{_fingerprint(key)}-{encoder}"


def roll_call_queue(key: FarmKey) -> str:
    """Return the queue at which the workers of all builds report, also while they are busy."""
    return f"nemolocal-workers-{_fingerprint(key)}"


def _fingerprint(key: FarmKey) -> str:
    return sha256(key.sealing).hexdigest()[:8]
