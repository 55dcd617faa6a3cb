"""No export overwrites a file that was uploaded; an older one only where that is asked for."""

import errno
import os
import threading
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from nemolocal_client import (
    Assistant,
    Attribution,
    Client,
    FileProblem,
    MemoryProfile,
    Notice,
    Profile,
    check_destination,
)
from nemolocal_client.local_files import InputFiles, choose_destination, move_into_place
from tests.support.client_faces import ClientFactory
from tests.support.scripted_backend import VIDEO, Piece, ReceivedRequest, ScriptedBackend

RENDER = "/api/render/proxy/lambda"
CDN = "/cdn/"

# How the same file may be named, each made beside `clip.mp4`.
SPELLINGS: dict[str, Callable[[Path], Path]] = {
    "the path itself": lambda clip: clip,
    "a dot": lambda clip: Path(f"{clip.parent}/./{clip.name}"),
    "up and down": lambda clip: Path(f"{clip.parent}/sub/../{clip.name}"),
    "two slashes": lambda clip: Path(f"{clip.parent}//{clip.name}"),
    "relative": lambda clip: Path(os.path.relpath(clip)),
    "a hard link": lambda clip: linked(clip, "hard.mp4", os.link),
    "a symbolic link": lambda clip: linked(clip, "soft.mp4", os.symlink),
    "a link to a link": lambda clip: linked(
        linked(clip, "one.mp4", os.symlink), "two.mp4", os.symlink
    ),
    "a folder that is a link": lambda clip: linked(clip.parent, "folder", os.symlink) / clip.name,
    "its new name": lambda clip: clip.rename(clip.with_name("moved.mp4")),
}


def linked(path: Path, name: str, link: Callable[[Path, Path], None]) -> Path:
    created = path.with_name(name) if path.is_file() else path / name
    link(path, created)
    return created


@pytest.mark.slow
def test_file_that_was_uploaded_is_refused_in_every_spelling(
    make_client: ClientFactory,
    backend: ScriptedBackend,
    tmp_path: Path,
    subtests: pytest.Subtests,
) -> None:
    for number, (name, overwrite) in enumerate(product(SPELLINGS, (False, True))):
        with subtests.test(name, overwrite=overwrite):
            folder = tmp_path / str(number)
            (folder / "sub").mkdir(parents=True)
            clip = folder / "clip.mp4"
            clip.write_bytes(b"mine")
            client = make_client(profile=MemoryProfile())
            client.upload(clip)
            destination = SPELLINGS[name](clip)
            with pytest.raises(
                FileProblem, match="is an input and would be overwritten: choose another name"
            ):
                client.export(destination, overwrite=overwrite)
            assert destination.read_bytes() == b"mine"
            assert not backend.of(RENDER)


@pytest.mark.slow
def test_link_as_an_input_protects_what_it_leads_to(client: Client, clip: Path) -> None:
    link = linked(clip, "link.mp4", os.symlink)
    client.upload(link)
    for path in (clip, link):
        with pytest.raises(FileProblem, match="would be overwritten"):
            client.export(path, overwrite=True)


@pytest.mark.slow
def test_input_of_an_earlier_session_of_the_client_is_an_input(client: Client, clip: Path) -> None:
    client.upload(clip)
    client.open_session()
    with pytest.raises(FileProblem, match="would be overwritten"):
        client.export(clip, overwrite=True)


@pytest.mark.slow
def test_input_of_a_session_that_is_come_back_to_in_a_later_run_is_an_input(
    make_client: ClientFactory, tmp_path: Path, clip: Path
) -> None:
    mine = clip.rename(tmp_path / os.fsdecode(b"mine\xff.mp4"))
    kept = tmp_path / "kept"
    first = make_client(profile=Profile(kept))
    first.upload(mine)
    later = make_client(profile=Profile(kept))
    later.resume(first.session_id or "")
    os.link(mine, tmp_path / "hard.mp4")
    for path in (mine, tmp_path / "hard.mp4"):
        with pytest.raises(FileProblem, match="would be overwritten"):
            later.export(path, overwrite=True)
    # Another session may make it anew: that is how films are made in steps.
    other = make_client(profile=Profile(kept))
    other.resume("2" * 19)
    assert other.export(mine, overwrite=True).path == mine


def test_profile_that_keeps_no_token_keeps_no_paths(
    make_client: ClientFactory, tmp_path: Path, clip: Path
) -> None:
    make_client(profile=Profile(tmp_path / "kept", keep_tokens=False)).upload(clip)
    assert not list(tmp_path.glob("kept/*"))


@pytest.mark.slow
def test_upload_that_fails_makes_an_input_too(
    client: Client, backend: ScriptedBackend, clip: Path
) -> None:
    backend.arm("/api/upload-video", backend.wire.fail(4001, "no"))
    with pytest.raises(Exception, match="no"):
        client.upload(clip)
    with pytest.raises(FileProblem, match="would be overwritten"):
        client.export(clip, overwrite=True)


@pytest.mark.slow
def test_older_file_is_kept_and_the_film_gets_a_number_which_is_said(
    client: Client, tmp_path: Path, notices: list[Notice]
) -> None:
    for name in ("out.mp4", "out-2.mp4"):
        (tmp_path / name).write_bytes(b"older")
    done = client.export(tmp_path / "out.mp4")
    assert done.path == tmp_path / "out-3.mp4"
    assert done.path.read_bytes() == VIDEO
    assert (tmp_path / "out.mp4").read_bytes() == b"older"
    said = [notice.text for notice in notices if notice.kind == "renamed"]
    assert said == [f"{tmp_path / 'out.mp4'} already exists: saving as out-3.mp4"]


@pytest.mark.slow
@pytest.mark.parametrize("overwrite", [False, True])
def test_film_that_passes_an_input_by_says_so_and_offers_no_overwriting(
    client: Client, clip: Path, notices: list[Notice], overwrite: bool
) -> None:
    client.upload(clip)
    answer = Assistant(client, clip, overwrite=overwrite).export()
    assert answer.export is not None
    assert answer.export.path == clip.with_stem(f"{clip.stem}-2")
    said = [(notice.kind, notice.text) for notice in notices if "saving" in notice.text]
    assert said == [("saving", f"{clip} is an input: saving as {answer.export.path.name}")]


def test_what_was_uploaded_while_the_film_was_made_is_passed_by(tmp_path: Path) -> None:
    out, inputs = tmp_path / "out.mp4", InputFiles()
    out.write_bytes(b"mine")
    assert choose_destination(out, inputs, overwrite=True, number_inputs=False) == out
    inputs.add(out)
    part = tmp_path / ".part"
    part.write_bytes(b"new")
    assert move_into_place(part, out, inputs, overwrite=True).name == "out-2.mp4"
    assert out.read_bytes() == b"mine"


def test_file_that_appears_while_the_film_was_made_is_kept(
    client: Client, backend: ScriptedBackend, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"

    def take_the_name(_: ReceivedRequest) -> list[Piece]:
        out.write_bytes(b"somebody's")
        return backend.wire.file(VIDEO)

    backend.arm(CDN, take_the_name)
    assert client.export(out).path.name == "out-2.mp4"
    assert out.read_bytes() == b"somebody's"


@pytest.mark.slow
@pytest.mark.parametrize("overwrite", [False, True])
def test_assistant_passes_an_input_by(
    backend: ScriptedBackend, clip: Path, overwrite: bool
) -> None:
    skill, profile = Attribution("a", "1"), MemoryProfile()
    with Client(
        backend.base_url, attribution=skill, profile=profile, clock=backend.clock, environment={}
    ) as client:
        assistant = Assistant(client, clip, overwrite=overwrite)
        assistant.upload(clip)
        done = assistant.export().export
    assert done is not None
    assert done.path.name == "clip-2.mp4"
    assert clip.read_bytes() == VIDEO


def test_destination_of_a_command_is_checked_against_its_inputs(clip: Path, tmp_path: Path) -> None:
    check_destination(tmp_path / "other.mp4", inputs=[clip, "https://example.com/clip.mp4"])
    with pytest.raises(FileProblem, match="would be overwritten"):
        check_destination(tmp_path / "." / "clip.mp4", inputs=[str(clip)])


@pytest.mark.parametrize("path", ["/dev/null", "pipe"])
def test_device_and_pipe_are_no_destination(path: str, tmp_path: Path) -> None:
    if path == "pipe":
        os.mkfifo(tmp_path / "pipe")
        path = str(tmp_path / "pipe")
    with pytest.raises(FileProblem, match="is a device or a pipe: choose a regular file"):
        check_destination(path)


def place(tmp_path: Path, name: str, content: bytes = b"new", *, overwrite: bool = False) -> Path:
    """Put a part file in place, with no inputs known."""
    part = tmp_path / f".part-{threading.get_ident()}"
    part.write_bytes(content)
    return move_into_place(part, tmp_path / name, InputFiles(), overwrite=overwrite)


def test_exports_to_one_name_at_once_are_all_there_and_whole(tmp_path: Path) -> None:
    ready = threading.Barrier(8)

    def export(number: int) -> None:
        ready.wait()
        place(tmp_path, "out.mp4", bytes([number]) * 10_000)

    threads = [threading.Thread(target=export, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    created = sorted(tmp_path.iterdir())
    assert len(created) == 8
    assert sorted(path.read_bytes() for path in created) == [bytes([n]) * 10_000 for n in range(8)]


def test_link_to_nothing_keeps_its_name(tmp_path: Path) -> None:
    (tmp_path / "out.mp4").symlink_to(tmp_path / "nowhere")
    assert place(tmp_path, "out.mp4").name == "out-2.mp4"
    assert (tmp_path / "out.mp4").is_symlink()


def test_longest_name_gets_a_number_all_the_same(tmp_path: Path) -> None:
    name = "字" * 83 + "ab.mp4"
    (tmp_path / name).write_bytes(b"older")
    assert place(tmp_path, name).name == "字" * 83 + "-2.mp4"


def test_only_the_name_that_was_given_is_ever_replaced(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "clip-2.mp4").write_bytes(b"older")
    chosen = choose_destination(clip, InputFiles([clip]), overwrite=True, number_inputs=True)
    assert chosen.name == "clip-3.mp4"


@pytest.mark.parametrize("refusal", [errno.EPERM, errno.EOPNOTSUPP])
def test_folder_without_hard_links_keeps_the_promise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(refusal, os.strerror(refusal))

    monkeypatch.setattr(os, "link", refuse)
    assert [place(tmp_path, "out.mp4").name for _ in range(2)] == ["out.mp4", "out-2.mp4"]
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"new"}
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(FileProblem, match="cannot be used"):
        place(tmp_path, "third.mp4")
    assert not (tmp_path / "third.mp4").exists()


def test_another_file_with_the_inode_of_one_that_is_gone_is_no_input(tmp_path: Path) -> None:
    gone, other = tmp_path / "gone.mp4", tmp_path / "other.mp4"
    gone.write_bytes(b"mine")
    inputs = InputFiles([gone])
    gone.rename(other)
    assert inputs.contains(other)
    other.write_bytes(b"somebody's")
    assert not inputs.contains(other)


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["upload", "export", "replace", "link", "symlink", "move"]),
        st.sampled_from("abc"),
        st.sampled_from("abc"),
    ),
    max_size=12,
)


@pytest.mark.slow
@given(actions=ACTIONS)
def test_no_order_of_uploads_exports_and_links_loses_an_input_or_an_older_file(
    actions: list[tuple[str, str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Every content that was uploaded stays; what may not be replaced stays as well."""
    folder = tmp_path_factory.mktemp("law")
    inputs, uploaded = InputFiles(), set[bytes]()
    for name in "ab":
        (folder / name).write_bytes(name.encode())
    for number, (action, name, other) in enumerate(actions):
        path, target = folder / name, folder / other
        match action:
            case "upload" if path.is_file():
                inputs.add(path)
                uploaded.add(path.read_bytes())
            case "export" | "replace":
                before = {each: each.read_bytes() for each in folder.iterdir() if each.is_file()}
                part = folder / ".part"
                part.write_bytes(b"film %d" % number)
                created = move_into_place(part, path, inputs, overwrite=action == "replace")
                assert created.read_bytes() == b"film %d" % number
                if action == "export":
                    assert created not in before
            case "link" if path.is_file() and not os.path.lexists(target):
                os.link(path, target)
            case "symlink" if path.is_file() and not os.path.lexists(target):
                target.symlink_to(path)
            case "move" if path.is_file() and not os.path.lexists(target):
                path.rename(target)
        there = {each.read_bytes() for each in folder.iterdir() if each.is_file()}
        assert uploaded <= there
