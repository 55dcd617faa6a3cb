"""Each error of client, commands and server has a way out, and it is one that can be taken."""

import re

import pytest

import write_errors
from write_errors import client_errors, command_errors, media_errors, server_errors

pytestmark = pytest.mark.sources

# An option of a command, or a command: nothing that whoever uses a library or a server can give.
OPTION = re.compile(r"(?<![\w-])--?[a-z]")
# Those that name what starts a server, which is where they help.
OF_A_SERVER = ("--fetch-from {place}", "start it with --clock manual")
WAY_OUT = re.compile(r"[:;,] \S|must be|not \{|cannot be written: \{strerror\}")


@pytest.mark.slow
def test_table_of_errors_is_up_to_date() -> None:
    assert write_errors.main(["--check"]) == 0, "run: python docs/write_errors.py"


@pytest.mark.slow
def test_every_class_and_source_of_errors_is_in_the_table() -> None:
    assert {said.who for said in client_errors()} == set(write_errors.KINDS)
    assert {said.code for said in server_errors()} >= {*write_errors.CODES.values()}
    assert len(command_errors()) > 30
    assert len(media_errors()) > 8


@pytest.mark.slow
def test_way_out_of_a_library_error_is_for_who_uses_a_library(
    subtests: pytest.Subtests,
) -> None:
    for said in client_errors():
        with subtests.test(message=said.message):
            assert said.remedy
            assert not said.remedy.endswith(".")
            assert said.remedy not in said.message
            assert not OPTION.search(f"{said.message} {said.remedy}")
            if "nemolocal " in said.remedy:
                assert "start a local server with `nemolocal serve`" in said.remedy


@pytest.mark.slow
def test_text_of_a_command_says_the_way_out(
    subtests: pytest.Subtests,
) -> None:
    for said in command_errors():
        with subtests.test(message=said.message):
            assert WAY_OUT.search(said.message) or said.message.endswith("must be greater than 0")


@pytest.mark.slow
def test_refusal_of_the_server_names_no_option_of_a_client(
    subtests: pytest.Subtests,
) -> None:
    for said in server_errors():
        with subtests.test(message=said.message):
            text = said.message
            for named in OF_A_SERVER:
                text = text.replace(named, "")
            assert not OPTION.search(text)
            assert said.remedy or said.code == "404"


def test_only_another_kind_of_file_is_to_be_converted() -> None:
    converted = [said.message for said in server_errors() if "convert" in said.remedy]
    assert converted
    assert all(text.startswith("Unsupported file: ") for text in converted)
    fetched = [said for said in server_errors() if said.message.startswith("Cannot fetch")]
    assert len(fetched) > 5
    assert {said.remedy for said in fetched} == {
        "check the URL, or download the file and upload that"
    }
