"""The HTML report of a server in a real browser, from disk, with the network off."""

from pathlib import Path

import pytest

from nemolocal_conformance.reports import as_html
from tests.support.chromium import open_document, scrolls_sideways, serious_violations

from .test_conformance_reports import EVERY

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    path.write_text(as_html(EVERY), encoding="utf-8")
    return path


def test_reasons_of_failures_are_read_without_a_click(report: Path) -> None:
    with open_document(report) as page:
        for outcome in ("failed", "error"):
            assert page.locator(f"details.{outcome} > .why").first.is_visible()
        assert not page.locator("details.passed > .rule").first.is_visible()


def test_search_and_outcomes_filter_the_checks(report: Path) -> None:
    with open_document(report) as page:
        total = page.locator("details.check:visible").count()
        assert total == 7
        page.uncheck("input[data-outcome=failed]")
        assert page.locator("details.check:visible").count() == total - 1
        page.check("input[data-outcome=failed]")
        page.fill("#search", "no such words in any check")
        assert page.locator("details.check:visible").count() == 0
        page.fill("#search", "")
        assert page.locator("details.check:visible").count() == total


@pytest.mark.parametrize("dark", [False, True])
def test_conformance_report_is_accessible_and_fits_a_phone(report: Path, dark: bool) -> None:
    with open_document(report, width=390, dark=dark) as page:
        assert serious_violations(page) == []
        assert not scrolls_sideways(page)
