"""Scripted replies in the tests of others: the marker, the fixture and the example of the docs."""

import re
from pathlib import Path

import pytest

pytest_plugins = "pytester"
pytestmark = pytest.mark.usefixtures("memoized_servers")

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "script-replies.md"


def test_the_example_of_the_guide_passes(pytester: pytest.Pytester) -> None:
    block = re.search(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    pytester.makepyfile(block[1])
    pytester.runpytest_inprocess("-p", "no:schemathesis").assert_outcomes(passed=1)


def test_replies_are_added_and_those_left_over_fail_a_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.nemo(
            replies=[{"name": "first", "say": "Hello!"}],
            faults=[{"name": "rate-limited", "endpoint": "render"}],
        )
        def test_left_over(nemo_client, nemo_faults, nemo_replies):
            assert nemo_replies.add(match={"message": "never"}, say="x") == "reply-2"
            assert nemo_client.say("hi").lines == ("Hello!",)
            assert [reply.uses for reply in nemo_replies.listed()] == [1, 0]
            assert nemo_replies.unused() == ("reply-2",)
            nemo_replies.assert_all_used()

        def test_anew(nemo_replies):
            assert nemo_replies.listed() == ()
            nemo_replies.add(say="x")
            nemo_replies.clear()
            nemo_replies.assert_all_used()
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:schemathesis")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*scripted replies never used: reply-2*"])
