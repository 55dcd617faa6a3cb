"""The small files that checks upload, shipped with the package."""

import functools
from importlib.resources import files

CLIP, CLIP_SECONDS, CLIP_SIZE, CLIP_FPS = "clip.mp4", 2.0, (160, 90), 15
PICTURE, PICTURE_SIZE = "picture.png", (32, 32)
SOUND, SOUND_SECONDS = "sound.wav", 1.0


@functools.cache
def sample(name: str) -> bytes:
    """The bytes of a file: CLIP (H.264 and AAC), PICTURE or SOUND."""
    return files(__package__).joinpath("media", name).read_bytes()
