import pytest

from ecommerce.config import PROJECT_DIR
from ecommerce.reference import PAGES


@pytest.mark.parametrize("name", PAGES)
def test_generated_page_says_what_the_code_says(name):
    page = PROJECT_DIR / "docs" / name
    assert page.read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"
