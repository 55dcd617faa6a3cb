"""Sessions with a clip that nothing was made for: enough where nothing is rendered."""

from nemolocal_render.media import MediaInfo
from nemolocal_server import ids
from nemolocal_server.context import ServerContext
from nemolocal_server.data.sessions import Asset, SessionRecord
from nemolocal_server.data.tokens import TokenRecord

CLIP = MediaInfo(kind="video", extension="mp4", duration=4.0, width=64, height=64, fps=30.0)


def open_session(context: ServerContext, token: TokenRecord) -> SessionRecord:
    """A session of this token with four seconds of video in it."""
    session = context.sessions.create(token, "project", "en")
    path = context.store.work / ids.new_file_id()
    path.write_bytes(b"a clip")
    asset = Asset(ids.new_file_id(), session.id, "upload", "clip.mp4", "", CLIP)
    context.assets.add([(asset, path)])
    return session
