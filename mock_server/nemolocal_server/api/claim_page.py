"""The project page that a claim token opens: plain HTML, no script, no address but our own."""

from nemolocal_contract.describe import describe_track, format_seconds
from nemolocal_contract.draft import Draft
from nemolocal_contract.html_page import render_page


def build_project_page(title: str, draft: Draft, video_url: str) -> str:
    """A project: its player, where there is something to play, and its timeline."""
    return _page(
        title,
        found=True,
        video_url=video_url,
        length=format_seconds(draft.duration_ms or 0),
        tracks=[describe_track(track) for track in draft.tracks or ()],
    )


def build_not_found_page() -> str:
    """The page of a link that opens nothing."""
    return _page("Link not found", found=False)


def _page(title: str, **values: object) -> str:
    return render_page(__package__, "claim.html", title=title, **values)
