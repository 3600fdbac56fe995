"""Takes each guard of the dashboard away in a copy of the product, and sees the test fail that stands for it: ``make test-guards``.

Writes what it saw into docs/security.md. First the tests run unchanged, and must pass. What was seen is kept in var/guards.json,
so that a run that was stopped goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import queue
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click

PROJECT = Path(__file__).resolve().parent.parent
COPIED = ("ecommerce", "django_app", "kafka_scripts", "spark", "tests", "pyproject.toml", "shops.toml")
PAGE, SEEN = PROJECT / "docs" / "security.md", PROJECT / "var" / "guards.json"
AT_ONCE = 2
BEGIN, END = "<!-- guards: made by make test-guards -->", "<!-- guards: end -->"
FAILED = 1
"""pytest's exit code where tests failed; any other is no verdict."""


@dataclass(frozen=True)
class Guard:
    """``title`` as docs name it; ``changes`` (file, text, text in its place) take it away; ``tests`` then fail, each."""

    title: str
    changes: tuple[tuple[str, str, str], ...]
    tests: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Of all that says whether it was seen before."""
        code = [changed(self), [(PROJECT / test.split("::")[0]).read_text(encoding="utf-8") for test in self.tests], self.tests]
        return hashlib.sha256(json.dumps(code).encode()).hexdigest()


def guards() -> list[Guard]:
    """The table tests/guards.toml."""
    rows = tomllib.loads((PROJECT / "tests" / "guards.toml").read_text(encoding="utf-8"))["guard"]
    return [Guard(row["title"], tuple((one["file"], one["old"], one["new"]) for one in row["change"]), tuple(row["tests"])) for row in rows]


def changed(guard: Guard) -> dict[str, str]:
    """The files without the guard, by name.

    Raises:
        ValueError: a text that takes it away is not there exactly once.
    """
    texts: dict[str, str] = {}
    for file, old, new in guard.changes:
        text = texts.get(file) or (PROJECT / file).read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise ValueError(f"{guard.title}: {old!r} is in {file} {text.count(old)} times: bring tests/guards.toml up to date")
        texts[file] = text.replace(old, new)
    return texts


def copy(folder: Path) -> None:
    for name in COPIED:
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(PROJECT / name, folder / name)


def pytest(folder: Path, tests: Iterable[str]) -> tuple[int, str]:
    """Exit code and output of the tests in ``folder``."""
    command = [sys.executable, "-m", "pytest", "-q", "-rfE", "--tb=no", "--no-header", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout


def without(guard: Guard, folder: Path) -> str:
    """Runs the guard's tests without it in ``folder``; '' where they fail as they should, else what happened."""
    kept = {file: (folder / file).read_text(encoding="utf-8") for file in changed(guard)}
    try:
        for file, text in changed(guard).items():
            (folder / file).write_text(text, encoding="utf-8")
        code, output = pytest(folder, guard.tests)
    finally:
        for file, text in kept.items():
            (folder / file).write_text(text, encoding="utf-8")
    quiet = [test for test in guard.tests if f"FAILED {test}" not in output]
    if code == FAILED and not quiet and "\nERROR " not in output:
        return ""
    return f"exit code {code}, {output.strip().splitlines()[-1]}; without a failure: {', '.join(quiet) or 'none'}"


def row(guard: Guard) -> str:
    taken = "; ".join(sorted({file for file, _, _ in guard.changes}))
    return f"| {guard.title} | `{taken}` | {', '.join(f'`{Path(test).name}`' for test in guard.tests)} |"


def write(rows: list[str], wanted: int) -> None:
    """Puts the table of the guards seen to matter between its marks in docs/security.md."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    table = [f"{len(rows)} of {wanted} seen so far.", "", "| Guard | Taken away in | Tests that then fail |", "|---|---|---|", *rows]
    PAGE.write_text("\n".join([f"{before}{BEGIN}", *table, f"{END}{rest.partition(END)[2]}"]), encoding="utf-8")


def seen() -> dict[str, str]:
    """Digests of the guards seen to matter, by title."""
    return json.loads(SEEN.read_text(encoding="utf-8")) if SEEN.exists() else {}


def take_away(chosen: list[Guard], until: float) -> list[str]:
    """Takes each away, AT_ONCE side by side, unless it is late; titles of those whose tests did not fail."""
    folders: queue.SimpleQueue[Path] = queue.SimpleQueue()
    known, wrong = seen(), []

    def judge(guard: Guard) -> None:
        if time.monotonic() > until:
            return
        folder = folders.get()
        verdict = without(guard, folder)
        folders.put(folder)
        click.echo(f"{'NOT SEEN ' if verdict else 'fails    '}{guard.title} {verdict}")
        if verdict:
            wrong.append(guard.title)
            return
        known[guard.title] = guard.digest
        SEEN.parent.mkdir(exist_ok=True)
        SEEN.write_text(json.dumps(known), encoding="utf-8")

    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(AT_ONCE) as pool:
        Path(name).chmod(0o755)
        for number in range(AT_ONCE):
            folder = Path(name, str(number))
            folder.mkdir()
            copy(folder)
            folders.put(folder)
        if until < float("inf") or with_all(chosen, Path(name, "0")):
            list(pool.map(judge, chosen))
    return wrong


def with_all(chosen: list[Guard], folder: Path) -> bool:
    """Whether the tests pass with every guard in place."""
    code, output = pytest(folder, sorted({test for one in chosen for test in one.tests}))
    click.echo(f"with every guard: {output.strip().splitlines()[-1]}")
    if code:
        raise click.ClickException(output)
    return True


@click.command()
@click.argument("words", default="")
@click.option(
    "--minutes",
    default=float("inf"),
    help="Begin no other after so many; the next run goes on. The run without the option sees the tests pass first.",
)
def main(words: str, minutes: float) -> None:
    """Guards whose title has WORDS, by default all."""
    until, known = time.monotonic() + 60 * minutes, seen()
    chosen = [one for one in guards() if words.lower() in one.title.lower() and known.get(one.title) != one.digest]
    wrong = take_away(chosen, until)
    known, everything = seen(), guards()
    shown = [one for one in everything if known.get(one.title) == one.digest]
    write([row(one) for one in shown], len(everything))
    click.echo(f"{len(shown)} of {len(everything)} seen; the table is in {PAGE.relative_to(PROJECT)}")
    if wrong:
        raise click.ClickException(f"their tests did not fail: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
