"""A reader turns one kind of log into rows."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from lossdoctor.core.errors import UnreadableLog
from lossdoctor.core.unit import Unit
from lossdoctor.core.unpack import Unpacked, unpacked

HEAD = 65_536  # bytes a reader may look at before it says whether the log is its kind
CHUNK = 262_144  # characters read at a time
LINE = 1_000_000  # characters of a line that are kept; the rest of a longer line is passed over
SKIMMED = 64 * 1024 * 1024  # bytes of a packed log that are unpacked to see that it is no bomb, before anything is parsed
WHOLE = 64 * 1024 * 1024  # bytes of a log that must be in memory at once

Row = Mapping[str, Any]


class Block(dict[str, Any]):
    """Many rows at once: arrays of one length by column; a blank cell is masked, or None in an array of objects."""


@dataclass(frozen=True)
class Source:
    """A log to read: a file, a run folder, or the bytes of standard input (``path`` is None).

    ``columns`` are names the user asked for, to be read whether or not they mean anything to us.
    """

    path: Path | None
    data: bytes = b""
    columns: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return str(self.path) if self.path is not None else "<stdin>"

    @property
    def is_dir(self) -> bool:
        return self.path is not None and self.path.is_dir()

    @cached_property
    def head(self) -> bytes:
        """The first 64 kB, decompressed, or more where the first line is longer; empty for a folder."""
        if self.is_dir:
            return b""
        with self.open() as file:
            head = file.read(HEAD)
            head = head if b"\n" in head else head + file.read(2 * LINE)  # a header of thousands of columns
            skimmed = 0 if isinstance(file, Unpacked) else SKIMMED
            while skimmed < SKIMMED and (more := file.read(LINE)):
                skimmed += len(more)
            return head

    @cached_property
    def text_head(self) -> str:
        """The head as text, without the NULs that a crash of the machine leaves at the end."""
        return self.head.decode(self.encoding, errors="replace").removeprefix("\ufeff").rstrip("\0")

    @property
    def is_text(self) -> bool:
        """Whether the head reads as text: no NUL, few bytes that are no character."""
        text = self.text_head
        return bool(text.strip()) and "\0" not in text and text.count("\ufffd") <= 0.02 * len(text)

    @property
    def encoding(self) -> str:
        return "utf-16" if self.head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"

    def open(self) -> BinaryIO:
        """The bytes of the log; gz, bz2, xz, zst and a zip of one file are unpacked as they are read."""
        try:
            raw: BinaryIO = io.BytesIO(self.data) if self.path is None else self.path.open("rb")
        except OSError as error:
            raise UnreadableLog(f"{self.name} cannot be opened: {error.strerror}; check the path and its permissions") from error
        return unpacked(raw, self.name) or raw

    def parts(self) -> Iterator[BinaryIO]:
        """The log in pieces of whole lines: all of it at once, or of a log that is followed the lines as they come."""
        with self.open() as file:
            yield file

    def document(self) -> str:
        """The whole log as text, where it makes sense only as a whole; refused where it is longer than ``WHOLE``."""
        with self.open() as file:
            data = file.read(WHOLE + 1)
        if len(data) > WHOLE:
            raise UnreadableLog(f"{self.name} is one document of more than {WHOLE >> 20} MB; write one object a line instead")
        return data.decode(self.encoding, errors="replace")

    def json(self) -> Any:
        """The log as one JSON document."""
        try:
            return json.loads(self.document())
        except (ValueError, RecursionError) as error:
            raise UnreadableLog(f"{self.name} is not sound JSON ({error}); if it is still being written, wait for its end") from error

    def lines(self) -> Iterator[str]:
        """The lines of the log as text without their ends; bytes that are no text become U+FFFD.

        Of a line longer than ``LINE`` the beginning is given.
        """
        with self.open() as file, io.TextIOWrapper(file, self.encoding, errors="replace") as text:
            rest, room = "", LINE
            while chunk := text.read(CHUNK):
                *whole, end = chunk.split("\n")
                if whole:
                    whole[0] = rest + whole[0]
                    yield from whole
                    rest, room = end, LINE - len(end)
                elif room > 0:
                    rest += end[:room]
                    room -= len(end)
            if rest:
                yield rest


class Reader(Unit):
    """Base of all readers: subclass it in ``readers/`` and the file is the registration.

    The docstring's first line says what it reads. ``name`` is the class name as reports and ``--reader`` write it,
    ``lightning_csv``. ``priority`` orders the sniffing: a reader of one program's format (high) is asked before a general one (low).
    """

    priority: ClassVar[int] = 50

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.name = cls.name.replace("-", "_")

    def sniff(self, source: Source) -> bool:
        """Whether this log is of my kind, judged by content, never by extension alone."""
        raise NotImplementedError

    def rows(self, source: Source) -> Iterator[Row]:
        """The rows of the log in order.

        A row maps a column's name to a number or a text; a name that it lacks was blank there. A ``Block`` stands for
        many rows. Rows come in the order in which they were logged: where steps fall back, a run starts over or resumes.

        What is no column goes under a reserved key: ``#run`` is a name that keeps interleaved runs apart, ``#note``
        something the user should know, ``#settings`` a mapping from dotted config key to value (see ``names.settings``),
        ``#columns`` the names of all columns, also of those that are not read.
        """
        raise NotImplementedError
