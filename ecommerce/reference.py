"""The generated pages of the documentation: docs/metrics.md and docs/settings.md.

``python -m ecommerce.reference`` writes them; a test holds the files against these functions.
"""

from __future__ import annotations

from dataclasses import fields

from ecommerce.config import PREFIX, PROJECT_DIR, Settings
from ecommerce.metrics import HLL_STANDARD_ERROR, METRICS, OF_A_RANGE

KINDS = {
    "additive": "Additive: may be summed over days, products and shops.",
    "distinct": f"Distinct: exact in the batch, live a HyperLogLog estimate (standard error {HLL_STANDARD_ERROR:.2%}).",
    "ratio": "Ratios: computed from measures when they are read.",
}


def metrics_page() -> str:
    """docs/metrics.md, from :mod:`ecommerce.metrics`."""
    lines = ["# Metrics", "", "Made from `ecommerce/metrics.py` by `make docs`. A day is a day in the shop's time zone.", ""]
    for kind, sentence in KINDS.items():
        lines += [f"## {sentence}", "", "| Name | Title | Unit | Definition |", "|---|---|---|---|"]
        lines += [f"| `{m.name}` | {m.title} | {m.unit} | {m.definition} |" for m in METRICS if m.kind == kind]
        lines.append("")
    lines += ["## Of a range: worked out for the days asked for, never summed from days unless additive.", ""]
    lines += ["| Name | Title | Unit | Definition |", "|---|---|---|---|"]
    lines += [f"| `{m.name}` | {m.title} | {m.unit} | {m.definition} |" for m in OF_A_RANGE]
    return "\n".join([*lines, ""])


def settings_page() -> str:
    """docs/settings.md, from :class:`ecommerce.config.Settings`."""
    lines = ["# Settings", "", "Made from `ecommerce/config.py` by `make docs`. Each is an environment variable.", ""]
    lines += ["| Variable | Default | Meaning |", "|---|---|---|"]
    for setting in fields(Settings):
        default = str(setting.default).replace(f"{PROJECT_DIR}/", "") if setting.default not in (None, "") else "–"
        lines.append(f"| `{PREFIX}{setting.name.upper()}` | `{default}` | {setting.metadata['help']} |")
    return "\n".join([*lines, ""])


PAGES = {"metrics.md": metrics_page, "settings.md": settings_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (PROJECT_DIR / "docs" / name).write_text(page(), encoding="utf-8")
