"""Sections of docs/benchmarks.md, each written by the command that measures it and found again by its marks."""

from __future__ import annotations

from ecommerce.config import PROJECT_DIR

PAGE = PROJECT_DIR / "docs" / "benchmarks.md"
TITLE = "# Benchmarks\n\nEach section is written by the command that measures it.\n"


def put(name: str, text: str) -> None:
    """Puts ``text`` in the place of section ``name``, or at the end; the rest of the page stays."""
    begin, end = f"<!-- {name}: made by make bench-{name} -->", f"<!-- {name}: end -->"
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else TITLE
    section = f"{begin}\n{text.strip()}\n{end}"
    if begin in page:
        before, _, rest = page.partition(begin)
        page = before + section + rest.partition(end)[2]
    else:
        page = f"{page.rstrip()}\n\n{section}\n"
    PAGE.write_text(page, encoding="utf-8")
