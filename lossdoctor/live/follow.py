"""A log that grows: only what is new is read, and what is old takes bounded space."""

from __future__ import annotations

import io
import os
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO

from lossdoctor.core.assemble import Log, collect, runs_in
from lossdoctor.core.errors import UnreadableLog
from lossdoctor.core.names import AXES, recognise
from lossdoctor.core.reader import HEAD, LINE, Reader, Row, Source
from lossdoctor.core.run import Run
from lossdoctor.live.history import History
from lossdoctor.read import FILES, named, read, sniffed

PIECE = 4 * 1024 * 1024  # bytes that are read at a time
MARK = 4096  # bytes before the place that was read to; where they have changed, the log was written anew
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_LINE_END = re.compile(rb"\r\n?")


class Follower:
    """Follows a log: a file, a run folder, or a folder of logs; it need not exist yet.

    A short file, a folder, and a format that makes sense only as a whole are read again whenever they have changed. Of a longer file
    of lines (a table, JSON lines, printed text) the new lines are read, at a cost that does not grow with the log. A file that was
    written anew, cut off or replaced is begun anew; where its steps go on, as after a rotation, it is taken for the same run.
    """

    def __init__(self, path: Path, *, mapping: Mapping[str, str] | None = None, reader: str | None = None) -> None:
        self.path, self.mapping, self.reader = path, mapping, reader
        self.trouble = f"{path} does not exist yet"  # why there are no runs; empty where there are
        self.runs: list[Run] = []
        self.signature: Signature | None = None
        self.tail: Tail | None = None
        self.is_followed = True  # until it turns out that the format must be read as a whole
        self.parts: dict[str, Follower] = {}  # of a folder of logs

    def look(self) -> list[Run]:
        """The runs in the log as it is now; none, and ``trouble`` says why, where there is nothing to judge yet."""
        try:
            signature = _signature(self.path)
            if signature != self.signature:
                before, self.signature = self.signature, signature
                self.runs, self.trouble = self._read(signature, before), ""
        except FileNotFoundError:
            pass  # not yet there, or just being replaced
        except OSError as error:
            self.trouble, self.signature = f"{self.path} cannot be read: {error.strerror}", None
        except UnreadableLog as error:
            self.trouble = str(error)
        return self.runs

    def _read(self, signature: Signature, before: Signature | None) -> list[Run]:
        if self.path.is_dir():
            return self._read_folder(signature, before or {})
        if self.tail is not None and not self.tail.is_continued():
            self.tail = self._rotated(self.tail)
        if self.tail is None and self.is_followed and self.path.stat().st_size > HEAD:
            self.tail = self._begin()
        try:
            return self.tail.runs() if self.tail else self._whole(self.path)
        except NotFollowed:
            self.tail, self.is_followed = None, False
            return self._whole(self.path)

    def _whole(self, path: Path) -> list[Run]:
        return read(path, mapping=self.mapping, reader=self.reader)

    def _begin(self) -> Tail | None:
        source = Source(self.path)
        chosen = named(self.reader) if self.reader else sniffed(source)
        if chosen is not None and source.is_text and source.head[:2] not in UTF_16:
            return Tail(self.path, chosen, self.mapping)
        self.is_followed = False
        return None

    def _rotated(self, old: Tail) -> Tail | None:
        """What follows the file that stands here now, if it goes on where the one before ended; ``NoLog`` while it is too short to tell."""
        tail, goes_on = Tail(self.path, old.reader, self.mapping), False
        try:
            goes_on = tail.goes_on_from(old)
        finally:
            (old if goes_on else tail).feed.close()
        return tail if goes_on else None

    def _read_folder(self, signature: Signature, before: Signature) -> list[Run]:
        """All of a folder; where only files have changed that are logs of their own, no more than these."""
        changed = [name for name in signature if signature[name] != before.get(name)]
        sources = {run.source for run in self.runs}
        if not before or before.keys() - signature.keys() or not sources.issuperset(changed):
            return self._whole(self.path)
        for name in changed:
            part = self.parts.setdefault(name, Follower(Path(name), mapping=self.mapping, reader=self.reader))
            found = part.look()
            place = next(place for place, run in enumerate(self.runs) if run.source == name)
            self.runs = [run for run in self.runs if run.source != name]
            self.runs[place:place] = found
        return self.runs


Signature = dict[str, tuple[int, int, int]]


def _signature(path: Path) -> Signature:
    """What changes when a log does: inode, size and time of the file, or of all files in a folder."""
    if not path.is_dir():
        return {str(path): _state(path.stat())}
    found: Signature = {}
    for place, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            file = Path(place) / name
            try:
                found[str(file)] = _state(file.stat())
            except OSError:
                continue  # gone since
        if len(found) > FILES:
            break
    return found


def _state(stat: os.stat_result) -> tuple[int, int, int]:
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


class NotFollowed(UnreadableLog):
    """A log whose reader needs the whole of it, or that holds several runs at a time."""


class Tail:
    """A file of lines that is read on from where it was read to; what was read is kept as a ``History``."""

    def __init__(self, path: Path, reader: Reader, mapping: Mapping[str, str] | None) -> None:
        self.path, self.reader, self.mapping = path, reader, mapping
        self.columns = frozenset((mapping or {}).values())
        self.feed = Feed(reader, Growing(path, columns=self.columns, beginning=Source(path).head))
        self.history = History()
        self.offset = 0
        self.mark = b""  # what stands before the offset
        self.names: set[str] = set()  # of runs

    def runs(self) -> list[Run]:
        """The runs with all whole lines that there are now."""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            while lines := self._whole_lines(file.read(PIECE)):
                self.offset += len(lines)
                self.mark = (self.mark + lines)[-MARK:]
                file.seek(self.offset)
                if lines.strip():
                    self.history.add(self._numbers(collect(iter(self.feed.rows(lines)), self.columns)))
        return self._runs()

    def _runs(self) -> list[Run]:
        return runs_in(self.history.log(), source=str(self.path), reader=self.reader.name, mapping=self.mapping)

    def is_continued(self) -> bool:
        """Whether the file still holds what was read of it."""
        with self.path.open("rb") as file:
            file.seek(self.offset - len(self.mark))
            return file.read(len(self.mark)) == self.mark

    def goes_on_from(self, old: Tail) -> bool:
        """Take over the history of the file that stood here before, if the steps of this one go on; raises ``NoLog`` while it has none."""
        first, last, new = self.runs()[0], old._runs()[-1], self.history.log()
        counts = any(role.metric in AXES for name in new.columns if (role := recognise(name)))
        goes_on = counts and min(float(curve.step[0]) for curve in first.curves.values()) > last.steps
        if goes_on:
            self.history = old.history
            self.history.add(new)
        return goes_on

    def _whole_lines(self, data: bytes) -> bytes:
        end = data.rfind(b"\n") + 1 or data.rfind(b"\r") + 1  # a progress bar ends its lines so
        if not end and len(data) == PIECE:
            raise UnreadableLog(f"{self.path} has a line of more than {PIECE >> 20} MB; that is no log")
        return data[:end]

    def _numbers(self, log: Log) -> Log:
        """The log without its columns of text, which name one run and the same."""
        texts = {name for name, column in log.columns.items() if column.value.dtype == object}
        self.names.update(str(value) for name in texts for value in log.columns[name].value)
        if len(self.names) > 1:
            raise NotFollowed(f"{self.path} holds several runs")
        log.columns = {name: column for name, column in log.columns.items() if name not in texts}
        return log


@dataclass(frozen=True)
class Growing(Source):
    """A log whose lines come in pieces; a reader that asks for the whole of it raises ``NotFollowed``."""

    beginning: bytes = b""
    pieces: SimpleQueue[bytes | None] = field(default_factory=SimpleQueue)
    asked: SimpleQueue[Exception | None] = field(default_factory=SimpleQueue)

    @cached_property
    def head(self) -> bytes:
        return self.beginning

    def open(self) -> BinaryIO:
        raise NotFollowed(f"{self.name} makes sense only as a whole")

    def parts(self) -> Iterator[BinaryIO]:
        while (lines := self.pieces.get()) is not None:
            yield io.BytesIO(lines)
            self.asked.put(None)

    def lines(self) -> Iterator[str]:
        for part in self.parts():
            text = _LINE_END.sub(b"\n", part.read()).decode(self.encoding, errors="replace")
            yield from (line[:LINE] for line in text.removesuffix("\n").split("\n"))


class Feed:
    """A reader that is given a log piece by piece. It runs in a thread of its own, which stands still while it waits for the next:
    so its state, such as the header of a printed table, outlives the piece."""

    def __init__(self, reader: Reader, source: Growing) -> None:
        self.reader, self.source = reader, source
        self.found: list[Row] = []
        threading.Thread(target=self._read, daemon=True).start()

    def rows(self, lines: bytes) -> list[Row]:
        """The rows that these lines make; raises what the reader raises."""
        self.source.pieces.put(lines)
        if error := self.source.asked.get():
            raise error
        found, self.found = self.found, []
        return found

    def close(self) -> None:
        """Let the reader come to its end."""
        self.source.pieces.put(None)

    def _read(self) -> None:
        try:
            for row in self.reader.rows(self.source):
                self.found.append(row)
            self.source.asked.put(NotFollowed(f"{self.source.name} was read without its lines"))
        except Exception as error:
            self.source.asked.put(error)
