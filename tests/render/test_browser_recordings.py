"""What a browser records: pictures when something changes, and no length in the header."""

import base64
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from nemolocal_render.probing.probe_worker import inspect_media
from tests.support.decoding import agrees, decode

_CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
_PAGE = """<canvas id=c width=320 height=180></canvas><script>
const canvas = document.getElementById('c'), paint = canvas.getContext('2d');
let number = 0;
setInterval(() => {
  paint.fillStyle = `hsl(${number++ * 7} 80% 50%)`;
  paint.fillRect(0, 0, 320, 180);
}, 40);
const audio = new AudioContext(), tone = audio.createOscillator();
const sink = audio.createMediaStreamDestination();
tone.connect(sink); tone.start();
const stream = canvas.captureStream(30);
sink.stream.getAudioTracks().forEach(track => stream.addTrack(track));
const recorder = new MediaRecorder(stream, {mimeType: 'KIND'}), parts = [];
recorder.ondataavailable = event => parts.push(event.data);
recorder.onstop = () => {
  const reader = new FileReader();
  reader.onload = () => { document.body.innerText = reader.result; };
  reader.readAsDataURL(new Blob(parts));
};
recorder.start(500);
setTimeout(() => recorder.stop(), 3000);
</script>"""


@pytest.mark.slow
@pytest.mark.skipif(_CHROMIUM is None, reason="there is no Chromium")
@pytest.mark.parametrize(
    ("extension", "kind"),
    [("webm", "video/webm;codecs=vp8,opus"), ("mkv", "video/x-matroska;codecs=h264,opus")],
)
def test_a_recording_of_a_browser_is_as_long_as_its_frames(
    tmp_path: Path, extension: str, kind: str
) -> None:
    page = tmp_path / "page.html"
    page.write_text(_PAGE.replace("KIND", kind), encoding="utf-8")
    command = [
        str(_CHROMIUM),
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000"),
        *("--autoplay-policy=no-user-gesture-required", f"--user-data-dir={tmp_path / 'profile'}"),
        *("--dump-dom", page.as_uri()),
    ]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    recorded = re.search(r"base64,([A-Za-z0-9+/=]+)", shown)
    if recorded is None:
        pytest.skip(f"this Chromium records no {kind}")
    path = tmp_path / f"x.{extension}"
    path.write_bytes(base64.b64decode(recorded[1]))
    info = inspect_media(path, extension)
    assert (info.kind, info.width, info.audio_codec) == ("video", 320, "opus")
    # A busy machine records fewer seconds.
    assert 0 < info.duration < 10
    assert agrees(info, decode(path, info))
