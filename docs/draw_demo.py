"""Draws docs/demo.svg and docs/demo.jpg: `nemolocal demo` at work, and a frame of its video.

Run it from anywhere: `python docs/draw_demo.py`.
"""

import io
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import av
from rich.console import Console
from rich.text import Text

FOLDER = Path(__file__).parent
COLUMNS = 110
FRAME = 45


def main() -> None:
    """Run the demo once and keep what it showed."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "nemolocal", "demo"]
        run = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
        draw_terminal(run.stdout)
        keep_frame(Path(folder) / "nemolocal-demo.mp4")


def draw_terminal(output: str) -> None:
    """The lines of the demo as a picture of a terminal."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text("$ nemolocal demo", style="bold"))
    for line in output.splitlines():
        console.print(Text(line, style="cyan" if line.startswith("> ") else ""))
    picture = console.export_svg(title="nemolocal")
    # rich asks a server for its font; a picture of ours asks nobody for anything.
    picture = re.sub(r"@font-face \{.*?\}\n?", "", picture, flags=re.DOTALL)
    (FOLDER / "demo.svg").write_text(picture, encoding="utf-8")


def keep_frame(video: Path) -> None:
    """One frame, half its size."""
    with av.open(str(video)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number == FRAME:
                frame.to_image().resize((640, 360)).save(FOLDER / "demo.jpg", quality=85)
                return


if __name__ == "__main__":
    main()
