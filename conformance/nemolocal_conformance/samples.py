"""The small files that checks upload, shipped with the package: FFmpeg's own test pictures."""

import functools
from importlib.resources import files

from nemolocal_contract.media import ACCEPTED_EXTENSIONS

CLIP, CLIP_SECONDS, CLIP_SIZE, CLIP_FPS = "clip.mp4", 2.0, (160, 90), 15
PICTURE, PICTURE_SIZE = "picture.png", (32, 32)
SOUND, SOUND_SECONDS = "sound.wav", 1.0
# Every extension that is accepted, and the file of `kinds/` that is sent under it.
SAMPLE_BY_EXTENSION = {**{name: name for name in ACCEPTED_EXTENSIONS}, "jpeg": "jpg"}


@functools.cache
def read_sample(name: str) -> bytes:
    """The bytes of a file: CLIP (H.264 and AAC), PICTURE, SOUND, or `kinds/` one of each kind."""
    return files(__package__).joinpath("media", name).read_bytes()
