"""Texts from outside, harmless where people read them: pages, downloads, logs."""

_CONTROLS = dict.fromkeys((*range(32), *range(127, 160), *range(8234, 8239), *range(8294, 8298), 8232, 8233), "�")


def inert(text: str) -> str:
    """``text`` with each control character (also those that turn the direction of writing) as �."""
    return text.translate(_CONTROLS)


def one_line(text: str) -> str:
    """``text`` as one line of a log: it cannot colour, overwrite or forge other lines."""
    return inert(" ".join(text.splitlines()))
