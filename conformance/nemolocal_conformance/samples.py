"""Small media files that checks upload, shipped with the package: FFmpeg's test sources."""

import functools
from collections.abc import Iterator
from importlib.resources import files

from nemolocal_contract.media import ACCEPTED_EXTENSIONS, MB

CLIP, CLIP_SECONDS, CLIP_SIZE, CLIP_FPS = "clip.mp4", 2.0, (160, 90), 15
PICTURE, PICTURE_SIZE = "picture.png", (32, 32)
SOUND, SOUND_SECONDS = "sound.wav", 1.0
# Every accepted extension, and the file of `kinds/` that is uploaded under it.
SAMPLE_BY_EXTENSION = {**{name: name for name in ACCEPTED_EXTENSIONS}, "jpeg": "jpg"}


@functools.cache
def read_sample(name: str) -> bytes:
    """Read a file: CLIP (H.264 and AAC), PICTURE, SOUND, or one of each type in `kinds/`."""
    return files(__package__).joinpath("media", name).read_bytes()


LARGE_UPLOAD_BOUNDARY, LARGE_UPLOAD_NAME = "conformance", "too-large.mp4"


def large_upload(size: int) -> Iterator[bytes]:
    """Yield a multipart body with a file of about this size, in bytes."""
    disposition = f'Content-Disposition: form-data; name="files"; filename="{LARGE_UPLOAD_NAME}"'
    yield f"--{LARGE_UPLOAD_BOUNDARY}\r\n{disposition}\r\n\r\n".encode()
    piece = bytes(MB)
    for _ in range(size // MB):
        yield piece
    yield f"\r\n--{LARGE_UPLOAD_BOUNDARY}--\r\n".encode()
