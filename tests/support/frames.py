"""What a rendered video shows: the brightness and colours of points in its decoded frames."""

from pathlib import Path

import av

from nemolocal_render.synthetic import sample_media

# Of the plane of red differences: pure red is 240, gray is 128.
_IS_RED = bytes(value > 200 for value in range(256))


class DecodedVideo:
    """The frames of a video, each as its three planes."""

    def __init__(self, path: Path) -> None:
        self._frames: list[list[tuple[int, bytes]]] = []
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                self.width, self.height = frame.width, frame.height
                self._frames.append([(plane.line_size, bytes(plane)) for plane in frame.planes])

    def __len__(self) -> int:
        return len(self._frames)

    def luma(self, index: int, x: float, y: float) -> int:
        """The brightness of a point; x and y from 0 to 1."""
        line, pixels = self._frames[index][0]
        return pixels[int(y * self.height) * line + int(x * self.width)]

    def rgb(self, index: int, x: float, y: float) -> tuple[int, int, int]:
        """The colour of a point, 0 to 255 each."""
        u, v = (
            pixels[int(y * self.height / 2) * line + int(x * self.width / 2)] - 128
            for line, pixels in self._frames[index][1:]
        )
        gray = 1.164 * (self.luma(index, x, y) - 16)
        color = (gray + 1.793 * v, gray - 0.213 * u - 0.533 * v, gray + 2.112 * u)
        red, green, blue = (min(max(round(part), 0), 255) for part in color)
        return red, green, blue

    def row(self, index: int, y: float) -> bytes:
        """The brightness of a row of points."""
        line, pixels = self._frames[index][0]
        return pixels[int(y * self.height) * line :][: self.width]

    def counter(self, index: int) -> int:
        """The number that the sample video carries in its pixels."""
        width, height = sample_media.SAMPLE_SIZE
        y = (sample_media.COUNTER_TOP + sample_media.COUNTER_BLOCK / 2) / height
        places = (
            (sample_media.COUNTER_LEFT + (place + 0.5) * sample_media.COUNTER_BLOCK) / width
            for place in range(sample_media.COUNTER_BITS)
        )
        return int("".join("01"[self.luma(index, x, y) > 128] for x in places), 2)

    def red_box(self, index: int) -> tuple[int, int, int, int]:
        """The red part of a frame: left, top, right, bottom, in even pixels."""
        line, pixels = self._frames[index][2]
        rows = [pixels[at : at + self.width // 2] for at in range(0, len(pixels), line)]
        red = [row.translate(_IS_RED) for row in rows[: self.height // 2]]
        tops = [y for y, row in enumerate(red) if b"\1" in row]
        left = min(red[y].index(b"\1") for y in tops)
        right = max(red[y].rindex(b"\1") for y in tops)
        return 2 * left, 2 * tops[0], 2 * right + 2, 2 * tops[-1] + 2

    def brightest(self, index: int, left: float, top: float, right: float, bottom: float) -> int:
        """The brightest point of a part of a frame; sides from 0 to 1."""
        line, pixels = self._frames[index][0]
        a, b = int(left * self.width), int(right * self.width)
        rows = range(int(top * self.height), int(bottom * self.height))
        return max(max(pixels[row * line + a : row * line + b]) for row in rows)
