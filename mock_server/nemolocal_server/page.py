"""The project page that a claim token opens: plain HTML, no script, no address but our own."""

from string import Template

from nemolocal_contract.draft import Draft
from nemolocal_contract.printable import as_markup
from nemolocal_contract.summary import describe_track, seconds

_PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
video { width: 100%; background: #000; }
li { margin: .25rem 0; }
</style>
<h1>$title</h1>
$body
</html>
""")


def draw_project(title: str, draft: Draft, video_url: str) -> str:
    """A project: its player, where there is something to play, and its timeline."""
    player = f'<video controls src="{as_markup(video_url)}"></video>' if video_url else ""
    tracks = "".join(f"<li>{as_markup(describe_track(track))}</li>" for track in draft.tracks or ())
    length = seconds(draft.duration_ms or 0)
    timeline = f"<ol>{tracks}</ol>" if tracks else "<p>Nothing is on the timeline yet.</p>"
    body = f"{player}\n<h2>Timeline ({length}s)</h2>\n{timeline}"
    return _PAGE.substitute(title=as_markup(title), body=body)


def draw_nothing() -> str:
    """The page of a link that opens nothing."""
    return _PAGE.substitute(title="Link not found", body="<p>This link is unknown or expired.</p>")
