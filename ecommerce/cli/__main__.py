"""``python -m ecommerce.cli``."""

from ecommerce.cli import main

main()
