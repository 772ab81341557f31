"""Generated pages are what the program would write now."""

from pathlib import Path

import pytest

from bot.cli.reference import PAGES

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("name", list(PAGES))
def test_a_generated_page_has_not_drifted(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run: make docs"
