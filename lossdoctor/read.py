"""A log of any kind becomes runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from lossdoctor.core.assemble import assemble
from lossdoctor.core.discover import readers
from lossdoctor.core.errors import UnreadableLog, UsageError
from lossdoctor.core.names import nearest
from lossdoctor.core.reader import Reader, Source
from lossdoctor.core.run import Run

FILES = 20_000  # files of a folder that are looked at
LOGS = 200  # logs in a folder that are read
# of several files of one folder that tell of the same run, the fullest comes first
_KNOWN = (
    *("metrics.csv", "results.csv", "progress.csv", "trainer_state.json"),
    *("*.csv", "*.jsonl", "*.json", "*.log", "*.out", "*.tsv", "*.txt"),
)


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
    chosen = _named(reader) if reader else _sniffed(source)
    if chosen is None and source.is_dir:
        return _folder(Path(path), mapping)
    if chosen is None:
        raise UnreadableLog(_unknown(source))
    return assemble(chosen.rows(source), source=source.name, reader=key(chosen), mapping=mapping)


def key(reader: Reader) -> str:
    """The name of a reader as reports and ``--reader`` write it: ``lightning_csv``."""
    return reader.name.replace("-", "_")


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


def _named(name: str) -> Reader:
    by_key = {key(reader): reader for reader in readers()}
    if name not in by_key:
        raise UsageError(f"--reader {name}: there is no such reader; the nearest are {', '.join(nearest(name, by_key) or sorted(by_key))}")
    return by_key[name]


def _sniffed(source: Source) -> Reader | None:
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
    runs: list[Run] = []
    files = logs = 0
    for place, folders, names in os.walk(path, onerror=_unsearchable):
        folder = Path(place)
        files += len(names)
        if files > FILES or logs > LOGS:
            break
        folders.sort()
        found = _run_folder(folder, mapping) if folder != path else []
        if found:
            folders.clear()  # it is one run's; what lies below belongs to it
        runs += found or _best_of(folder, [folder / name for name in names], mapping)
        logs += bool(found)
    if not runs:
        raise UnreadableLog(f"{path} holds no training log among its {files} files; give the log itself")
    return runs


def _unsearchable(error: OSError) -> None:
    raise UnreadableLog(f"{error.filename} cannot be searched: {error.strerror}") from error


def _run_folder(folder: Path, mapping: Mapping[str, str] | None) -> list[Run]:
    source = Source(folder, columns=frozenset((mapping or {}).values()))
    chosen = _sniffed(source)
    try:
        return assemble(chosen.rows(source), source=source.name, reader=key(chosen), mapping=mapping) if chosen else []
    except (UnreadableLog, UsageError):
        return []


def _best_of(folder: Path, files: list[Path], mapping: Mapping[str, str] | None) -> list[Run]:
    for pattern in _KNOWN:
        found: list[Run] = []
        for file in sorted(file for file in files if file.match(pattern) and file.is_file() and not file.is_symlink()):
            try:
                found += read(file, mapping=mapping)
            except (UnreadableLog, UsageError):
                continue
        if found:
            return found
    return []
