"""README and the pages under docs/ lead to each other, and to files that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")


def linked(page: Path) -> set[Path]:
    """The files that the relative links of a page name."""
    return {(page.parent / link).resolve() for link in LINK.findall(page.read_text())}


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.stem)
def test_links_lead_to_files(page: Path):
    assert not [str(path) for path in linked(page) if not path.exists()]


def test_readme_links_every_page():
    assert PAGES
    assert set(PAGES) <= linked(ROOT / "README.md")


def test_the_first_commands_are_demo_and_test():
    _, block, *_ = (ROOT / "README.md").read_text().split("```")
    commands = [line.partition("#")[0].strip() for line in block.splitlines()[1:]]
    assert commands == ["make demo", "make test"]
