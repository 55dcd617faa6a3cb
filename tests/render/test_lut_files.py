"""`.cube` files are read within limits, and written anew with the strength mixed in."""

import codecs
import math
from pathlib import Path

import pytest

from nemolocal_contract.effects import Lut
from nemolocal_render.lut_files import MAX_LUT_BYTES, lut_file, parse_lut, read_lut, write_lut
from nemolocal_render.media import MediaRejected
from tests.support.tables import check_rows

CORNERS = "0 0 0\n1 0 0\n0 1 0\n1 1 0\n0 0 1\n1 0 1\n0 1 1\n1 1 1\n"
IDENTITY = f"LUT_3D_SIZE 2\n{CORNERS}"
HEADER = 'TITLE "a look"\n# made by hand\n\nDOMAIN_MIN 0 0 0\nDOMAIN_MAX 1.0 1.0 1.0\n'
HEADER += "LUT_3D_INPUT_RANGE 0.0 1.0\n"
WRONG: list[tuple[str, str]] = [
    ("", "has no LUT_3D_SIZE or LUT_1D_SIZE"),
    ("just some text", "line 1 of the LUT begins with 'just'"),
    ("0 0 0\n", "line 1 of the LUT comes before LUT_3D_SIZE"),
    ("LUT_3D_SIZE 2\n" + CORNERS[:-6], "the LUT has 7 rows, but its size requires 8"),
    (IDENTITY + "0 0 0\n", "line 10 of the LUT exceeds the 8 rows of its size"),
    ("LUT_3D_SIZE 1\n", "LUT_3D_SIZE of 1; it must be from 2 to 65"),
    ("LUT_3D_SIZE 66\n", "LUT_3D_SIZE of 66; it must be from 2 to 65"),
    ("LUT_3D_SIZE 99999999999999999999\n", "LUT_3D_SIZE that is not a number"),
    ("LUT_3D_SIZE -2\n", "LUT_3D_SIZE that is not a number"),
    ("LUT_3D_SIZE 2 2\n", "LUT_3D_SIZE that is not a number"),
    ("LUT_3D_SIZE\n", "LUT_3D_SIZE that is not a number"),
    ("LUT_1D_SIZE 65537\n", "LUT_1D_SIZE of 65537; it must be from 2 to 65536"),
    ("LUT_3D_SIZE 2\nLUT_1D_SIZE 2\n", "line 2 of the LUT sets the size again"),
    ("LUT_1D_SIZE 2\n0 0\n", "line 2 of the LUT has 2 numbers, not 3"),
    ("LUT_1D_SIZE 2\n0 0 0 0\n", "line 2 of the LUT has 4 numbers, not 3"),
    ("LUT_1D_SIZE 2\n0 0 nan\n", "line 2 of the LUT has 'nan'"),
    ("LUT_1D_SIZE 2\n0 0 -inf\n", "line 2 of the LUT has '-inf'"),
    ("LUT_1D_SIZE 2\n0 0 1e300\n", "line 2 of the LUT has '1e300'"),
    ("LUT_1D_SIZE 2\n0 0 1_0\n", "line 2 of the LUT has '1_0'"),
    ("LUT_1D_SIZE 2\n0 0 0;drawtext\n", "line 2 of the LUT has '0;drawtext'"),
    ("LUT_1D_SIZE 2\nnan 0 0\n", "line 2 of the LUT begins with 'nan'"),
    ("LUT_1D_SIZE 2\nDOMAIN_MAX 2 2 2\n", "has a DOMAIN_MAX other than 1"),
    ("LUT_1D_SIZE 2\nDOMAIN_MIN 0 0\n", "has 2 numbers, not 3"),
    ("LUT_1D_SIZE 2\nLUT_1D_INPUT_RANGE 0 4\n", "has a LUT_1D_INPUT_RANGE other than 0 to 1"),
    ("#" * 401, "line 1 of the LUT has more than 400 characters"),
]


def check_wrong(text: str, reason: str) -> None:
    with pytest.raises(MediaRejected) as error:
        parse_lut(text)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def test_table_that_is_wrong_is_refused_with_its_line(subtests: pytest.Subtests) -> None:
    check_rows(subtests, WRONG, check_wrong)


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "encode",
    [
        str.encode,
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    ],
    ids=["utf-8", "utf-8 with mark", "utf-16", "utf-16 big"],
)
def test_table_is_read_in_each_encoding_and_with_each_end_of_line(
    tmp_path: Path, ends: str, encode: "codecs._Encoder"
) -> None:
    file = tmp_path / "a.cube"
    file.write_bytes(encode((HEADER + IDENTITY).replace("\n", ends)))  # type: ignore[arg-type]
    table = read_lut(file)
    assert (table.kind, table.size) == ("3d", 2)
    assert [*table.values] == [float(number) for number in CORNERS.split()]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n\xff", "is not text in UTF-8 or UTF-16"),
        (b"LUT_1D_SIZE 2\0\n", "the file is not text"),
        (b"\xff\xfe\x00\xd8", "is not text in UTF-8 or UTF-16"),
        (b"#\n" * (MAX_LUT_BYTES // 2 + 1), "the file has more than 12.6 MB"),
    ],
    ids=["png", "zero", "half a character", "large"],
)
def test_file_that_is_no_text_or_too_large_is_refused(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    file = tmp_path / "a.cube"
    file.write_bytes(content)
    with pytest.raises(MediaRejected, match=reason):
        read_lut(file)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaRejected, match="cannot be opened"):
        read_lut(tmp_path / "gone.cube")


@pytest.mark.parametrize("amount", [0.0, 0.25, 1.0])
def test_written_table_is_mixed_with_the_colors_as_they_are(tmp_path: Path, amount: float) -> None:
    black = parse_lut("LUT_3D_SIZE 3\n" + "0 0 0\n" * 27)
    file = tmp_path / "black.cube"
    write_lut(black, amount, file)
    again = read_lut(file)
    place = 3 * (2 + 3 * 1 + 9 * 0)  # red 1, green 1/2, blue 0
    expected = [(1 - amount) * value for value in (1.0, 0.5, 0.0)]
    assert [*again.values[place : place + 3]] == pytest.approx(expected)
    curve = parse_lut("LUT_1D_SIZE 3\n1 0 0\n1 0.5 0\n1 1 0\n")
    write_lut(curve, amount, file)
    again = read_lut(file)
    assert (again.kind, again.size) == ("1d", 3)
    assert [*again.values[3:6]] == pytest.approx([0.5 + amount / 2, 0.5, 0.5 - amount / 2])
    assert all(map(math.isfinite, again.values))


def test_name_of_a_written_table_is_a_digest() -> None:
    names = {
        lut_file(Lut(source, amount)) for source in ("a", "../b:'\ud800") for amount in (1, 0.5)
    }
    assert len(names) == 4
    assert all(name.removeprefix("lut-").removesuffix(".cube").isalnum() for name in names)
