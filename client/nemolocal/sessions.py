"""`nemolocal sessions`: what was saved on which server, and back to it."""

import argparse
from datetime import datetime

import msgspec

from nemolocal_client import KeptSession, Profile

from . import chat
from .console import json_text
from .problem import Problem


def run(arguments: argparse.Namespace) -> int:
    """List the sessions, or chat on in the one that is named."""
    known = Profile().all_sessions()
    if arguments.base_url:
        wanted = arguments.base_url.rstrip("/")
        known = tuple((base_url, kept) for base_url, kept in known if base_url == wanted)
    if arguments.session:
        return _come_back(arguments, known)
    for base_url, kept in known:
        print(_described(base_url, kept, as_json=arguments.json))
    if not known and not arguments.json:
        print("No session was saved: `nemolocal chat --base-url URL` begins one")
    return 0


def _come_back(arguments: argparse.Namespace, known: tuple[tuple[str, KeptSession], ...]) -> int:
    servers = [base_url for base_url, kept in known if kept.session_id == arguments.session]
    if not servers and not arguments.base_url:
        raise Problem(
            f"session {arguments.session} was not saved here: name its server with --base-url"
        )
    arguments.base_url = arguments.base_url or servers[0]
    arguments.input = []
    return chat.run(arguments)


def _described(base_url: str, kept: KeptSession, *, as_json: bool) -> str:
    if as_json:
        return json_text({"base_url": base_url, **msgspec.structs.asdict(kept)})
    used = datetime.fromtimestamp(kept.used_at).isoformat(" ", "minutes")
    return f"{kept.session_id}  {used}  {' '.join(kept.task_name.split())}  {base_url}"
