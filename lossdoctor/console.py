"""Where text meets the outside: what the terminal can show, the output file, errors and progress on standard error."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any, Protocol

from lossdoctor.core.errors import UsageError
from lossdoctor.core.text import plain

if TYPE_CHECKING:
    from rich.progress import Progress

    from lossdoctor.core.report import Page

PATIENCE = 0.8  # seconds without a word
NARROW, WIDE = 60, 120  # columns; a wider terminal does not make a report easier to read


def page(*, output: Path | None = None, no_color: bool = False, quiet: bool = False) -> Page:
    """The page that a report is written for: the output file, the terminal, or a pipe."""
    from lossdoctor.core.report import Page

    terminal = output is None and sys.stdout.isatty()
    color = terminal and not (no_color or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb")
    width = 80 if output else shutil.get_terminal_size((80, 24)).columns
    return Page(width=max(NARROW, min(width, WIDE)), color=color, unicode=output is not None or _speaks_unicode(), quiet=quiet)


def _speaks_unicode() -> bool:
    """Python writes UTF-8 even where the user asked for the C locale, so the locale is asked first."""
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or ""
    return locale not in ("C", "POSIX") and "utf" in (sys.stdout.encoding or "").lower()


def check_output(output: Path | None) -> None:
    """Refuse an output file that cannot be written, before the work is done."""
    if output is None:
        return
    if output.is_dir():
        raise UsageError(f"--output {output}: that is a folder; name a file in it")
    if not output.parent.is_dir():
        raise UsageError(f"--output {output}: there is no folder {output.parent}; make it first")


def write(text: str, output: Path | None = None) -> None:
    """The report to its file, or to standard output; a reader that has gone away, as ``head`` does, is no error."""
    try:
        if output:
            output.write_text(text, encoding="utf-8", errors="backslashreplace")
            return
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        silence()
    except OSError as error:
        raise UsageError(f"{output or 'standard output'} cannot be written: {error.strerror}") from error


def summarise(text: str) -> None:
    """Append Markdown to the summary of the GitHub Actions job that this runs in, if it does."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{text}\n")
    except OSError as error:
        complain(f"the summary {path} cannot be written: {error.strerror}")


def silence() -> None:
    """Send standard output nowhere, after its reader has gone: Python would else complain when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(message: str) -> None:
    """One line on standard error."""
    print(f"lossdoctor: error: {plain(message)}", file=sys.stderr)


class Show(Protocol):
    """Says what is being done, and which fraction of it where that is known."""

    def __call__(self, what: str, fraction: float | None = None) -> None: ...


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Show]:
    """A bar on standard error from the moment that something has taken ``PATIENCE``; nothing where that is no terminal."""
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda what, fraction=None: None
        return
    bar = _Bar()
    timer = Timer(PATIENCE, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield bar.show
    finally:
        timer.cancel()
        timer.join()
        bar.stop()


class _Bar:
    """A bar that can be told what to show before it is there; rich is loaded when it starts."""

    def __init__(self) -> None:
        self.drawn: Progress | None = None
        self.state: dict[str, Any] = {"description": "", "total": None}

    def show(self, what: str, fraction: float | None = None) -> None:
        self.state = {"description": plain(what), "completed": fraction or 0.0, "total": None if fraction is None else 1.0}
        if self.drawn:
            self.drawn.update(self.drawn.task_ids[0], **self.state)

    def start(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        console = Console(stderr=True, no_color=bool(os.environ.get("NO_COLOR")), highlight=False)
        columns = (BarColumn(30), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
        drawn = Progress(*columns, console=console, transient=True)
        drawn.add_task(**self.state)
        drawn.start()
        self.drawn = drawn

    def stop(self) -> None:
        if self.drawn:
            self.drawn.stop()


def is_screen() -> bool:
    """Whether standard output is a terminal that can be drawn on."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


class Lines:
    """What ``watch`` says, for a pipe: a line for each change, no control codes."""

    def __init__(self, *, errors: bool = False) -> None:
        self.errors = errors  # to standard error, where standard output belongs to someone else

    def show(self, state: Any) -> None:
        """The state as such is no news."""

    def say(self, line: str) -> None:
        if not self.errors:
            print(line, flush=True)
            return
        with suppress(OSError):  # the training goes on, whether or not someone reads this
            print(f"lossdoctor: {line}", file=sys.stderr, flush=True)


class Screen:
    """What ``watch`` shows on a terminal: the state, drawn anew in place, and above it a line for each change."""

    def __init__(self, draw: Callable[[Any, Page], str], *, no_color: bool = False) -> None:
        self.draw, self.no_color = draw, no_color

    def __enter__(self) -> Screen:
        from rich.console import Console
        from rich.live import Live

        console = Console(highlight=False, markup=False, no_color=not page(no_color=self.no_color).color)
        self.live = Live(console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
        self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.live.stop()

    def show(self, state: Any) -> None:
        from rich.text import Text

        if not is_screen():
            raise BrokenPipeError  # the terminal was closed
        self.live.update(Text.from_ansi(self.draw(state, page(no_color=self.no_color))), refresh=True)

    def say(self, line: str) -> None:
        from rich.text import Text

        self.live.console.print(Text(f"{time.strftime('%H:%M')} {line}"))
