"""A log of any kind becomes runs."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from lossdoctor.core.assemble import assemble
from lossdoctor.core.discover import readers
from lossdoctor.core.errors import NoLog, UnreadableLog, UsageError
from lossdoctor.core.names import nearest
from lossdoctor.core.reader import Reader, Source
from lossdoctor.core.run import Run

FILES = 10_000  # files of a folder that are opened to see what they are
LOGS = 1000  # logs in a folder that are read
# of several files of one folder that tell of the same run, the fullest comes first
_KNOWN = (
    *("metrics.csv", "results.csv", "progress.csv", "trainer_state.json"),
    *("*.csv", "*.jsonl", "*.json", "*.log", "*.out", "*.tsv", "*.txt", "*.db"),
)
_PACKED = ("", ".gz", ".bz2", ".xz", ".zst")


def read(path: str | Path, *, mapping: Mapping[str, str] | None = None, reader: str | None = None, stdin: bytes | None = None) -> list[Run]:
    """The runs in a log, a run folder, or a folder of logs; ``-`` is standard input.

    ``mapping`` names the column for a role (``{"train_loss": "my column"}``), ``reader`` the reader to use instead of
    the first that knows the content. Raises ``UnreadableLog`` or ``UsageError``, each with a sentence for the user.
    """
    columns = frozenset((mapping or {}).values())
    if str(path) == "-":
        source = Source(None, sys.stdin.buffer.read() if stdin is None else stdin, columns)
    else:
        source = Source(Path(path), columns=columns)
        _check(Path(path))
    chosen = named(reader) if reader else sniffed(source)
    if chosen is None and source.is_dir:
        return _folder(Path(path), mapping)
    if chosen is None:
        raise NoLog(_unknown(source))
    return _runs(chosen, source, mapping)


def expand(logs: Iterable[str], folder: Path | None = None) -> list[str]:
    """The logs that are meant, each once: a pattern (``runs/**/*.csv``) stands for what it matches, in the order of the names.

    What exists is itself, whatever its name. Relative ones are taken from ``folder``. Raises ``UsageError`` for a pattern that
    matches nothing.
    """
    found: dict[str, None] = {}
    for log in logs:
        path = str(folder / log) if folder and log != "-" else log
        matches = [path]
        if glob.has_magic(path):
            matches = glob.glob(glob.escape(path)) or sorted(glob.glob(path, recursive=True))  # noqa: PTH207 (Path takes no absolute pattern)
        if not matches:
            raise UsageError(f"{path} matches no file; check the pattern and the folder it is taken from")
        found |= dict.fromkeys(matches)
    return list(found)


def _runs(reader: Reader, source: Source, mapping: Mapping[str, str] | None) -> list[Run]:
    try:
        return assemble(reader.rows(source), source=source.name, reader=reader.name, mapping=mapping)
    except OSError as error:
        raise UnreadableLog(f"{source.name} cannot be read: {error.strerror or error}; copy it again, or check its permissions") from error


def _check(path: Path) -> None:
    try:
        if not path.exists():
            raise UnreadableLog(f"{path} does not exist; check the path")
        if not (path.is_file() or path.is_dir()):
            raise UnreadableLog(f"{path} is neither a file nor a folder; to read a pipe, give - and feed it to standard input")
        if path.is_file() and path.stat().st_size == 0:
            raise UnreadableLog(f"{path} is empty; has the training begun to log?")
    except (OSError, ValueError) as error:
        raise UnreadableLog(f"{str(path)[:200]!r} cannot be opened: {error}") from error


def named(name: str) -> Reader:
    """The reader that ``--reader`` names; ``UsageError`` tells the nearest."""
    by_name = {reader.name: reader for reader in readers()}
    if name not in by_name:
        near = nearest(name, by_name) or sorted(by_name)
        raise UsageError(f"--reader {name}: there is no such reader; the nearest are {', '.join(near)}")
    return by_name[name]


def sniffed(source: Source) -> Reader | None:
    """The first reader that knows the content; a file that is no folder of its own kind needs a head to look at."""
    return next((reader for reader in readers() if (source.head or source.is_dir) and reader.sniff(source)), None)


def _unknown(source: Source) -> str:
    if not source.head.strip():
        return f"{source.name} is empty; has the training begun to log?"
    if not source.is_text:
        return f"{source.name} is binary and no log format that we know; give the log that the training wrote"
    return f"{source.name} holds no table, no JSON and no named number such as 'loss: 0.5'; give the log that the training wrote"


def _folder(path: Path, mapping: Mapping[str, str] | None) -> list[Run]:
    """The runs of all logs below a folder: of run folders, and of each other folder the first kind of file that can be read."""
    search = _Search(mapping)
    for place, folders, names in os.walk(path, onerror=search.pass_over):
        folder = Path(place)
        # a hidden folder is a tool's own (.git, .venv)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if folder != path and search.try_run_folder(folder):
            folders.clear()  # it is one run's; what lies below belongs to it
        else:
            search.try_files(folder, names)
        if search.is_over:
            search.notes.append(f"{path} is larger than is searched, {LOGS:,} logs or {FILES:,} files; give its parts one by one")
            break
    if not search.runs:
        reasons = "; ".join(search.notes[:3]) or "give the log itself"
        raise NoLog(f"{path} holds no training log that can be read, of {search.opened:,} files looked at; {reasons}")
    first, *others = search.runs
    return [replace(first, notes=(*first.notes, *search.notes)), *others]


@dataclass
class _Search:
    """What a search for logs has found so far: runs, and notes of what looks like a log and cannot be read."""

    mapping: Mapping[str, str] | None
    runs: list[Run] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seen: set[Path] = field(default_factory=set)
    opened: int = 0
    logs: int = 0

    @property
    def is_over(self) -> bool:
        return self.opened >= FILES or self.logs >= LOGS

    def pass_over(self, error: OSError) -> None:
        self.notes.append(f"{error.filename} cannot be searched: {error.strerror}")

    def try_run_folder(self, folder: Path) -> bool:
        """Whether a folder is as a whole the log of a run."""
        source = Source(folder, columns=frozenset((self.mapping or {}).values()))
        chosen = sniffed(source)
        if chosen is None:
            return False
        self._try(lambda: _runs(chosen, source, self.mapping))
        return True

    def try_files(self, folder: Path, names: list[str]) -> None:
        """Read the logs of the first kind that a folder has; of several kinds the fullest comes first."""
        for pattern in _KNOWN:
            before = len(self.runs)
            for name in sorted(name for name in names if any(fnmatchcase(name, pattern + packed) for packed in _PACKED)):
                file = folder / name
                if self.is_over or not file.is_file() or file.resolve() in self.seen:
                    continue
                self.seen.add(file.resolve())
                self._try(lambda file=file: read(file, mapping=self.mapping))  # type: ignore[misc]
            if len(self.runs) > before:
                return

    def _try(self, reading: Callable[[], list[Run]]) -> None:
        self.opened += 1
        try:
            self.runs += reading()
            self.logs += 1
        except (NoLog, UsageError):
            pass
        except UnreadableLog as error:
            self.notes.append(str(error))
