"""A reader turns one kind of log into rows."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, cast

from lossdoctor.core.errors import UnreadableLog
from lossdoctor.core.unit import Unit

HEAD = 65_536  # bytes a reader may look at before it says whether the log is its kind
CHUNK = 262_144  # characters read at a time
LINE = 1_000_000  # characters of a line that are kept; the rest of a longer line is passed over

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
            try:
                head = file.read(HEAD)
                return head if b"\n" in head else head + file.read(4 * LINE)  # a header of thousands of columns
            except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
                raise UnreadableLog(f"{self.name} is a damaged archive ({error}); unpack it, or copy it again") from error

    @property
    def text_head(self) -> str:
        """The head as text."""
        return self.head.decode(self.encoding, errors="replace").removeprefix("\ufeff")

    @property
    def is_text(self) -> bool:
        """Whether the head reads as text: no NUL, few bytes that are no character."""
        text = self.text_head
        return bool(text.strip()) and "\0" not in text and text.count("\ufffd") <= 0.02 * len(text)

    @property
    def encoding(self) -> str:
        return "utf-16" if self.head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"

    def open(self) -> BinaryIO:
        """The bytes of the log; gz, bz2 and xz are decompressed as they are read."""
        try:
            raw: BinaryIO = io.BytesIO(self.data) if self.path is None else self.path.open("rb")
        except OSError as error:
            raise UnreadableLog(f"{self.name} cannot be opened: {error.strerror}; check the path and its permissions") from error
        magic = raw.read(6)
        raw.seek(0)
        if magic[:2] == b"\x1f\x8b":
            return cast(BinaryIO, gzip.GzipFile(fileobj=raw))
        if magic[:3] == b"BZh":
            return cast(BinaryIO, bz2.BZ2File(raw))
        if magic == b"\xfd7zXZ\x00":
            return cast(BinaryIO, lzma.LZMAFile(raw))
        return raw

    def lines(self) -> Iterator[str]:
        """The lines of the log as text without their ends; bytes that are no text become U+FFFD.

        Of a line longer than ``LINE`` the beginning is given.
        """
        with self.open() as file, io.TextIOWrapper(file, self.encoding, errors="replace") as text:
            rest, room = "", LINE
            try:
                while chunk := text.read(CHUNK):
                    *whole, end = chunk.split("\n")
                    if whole:
                        whole[0] = rest + whole[0]
                        yield from whole
                        rest, room = end, LINE - len(end)
                    elif room > 0:
                        rest += end[:room]
                        room -= len(end)
            except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
                raise UnreadableLog(f"{self.name} is a damaged archive ({error}); unpack it, or copy it again") from error
            if rest:
                yield rest


class Reader(Unit):
    """Base of all readers: subclass it in ``readers/`` and the file is the registration.

    The docstring's first line says what it reads. ``priority`` orders the sniffing: a reader of one program's format
    (high) is asked before a general one (low).
    """

    priority: ClassVar[int] = 50

    def sniff(self, source: Source) -> bool:
        """Whether this log is of my kind, judged by content, never by extension alone."""
        raise NotImplementedError

    def rows(self, source: Source) -> Iterator[Row]:
        """The rows of the log in order.

        A row maps a column's name to a number or a text; a name that it lacks was blank there. A ``Block`` stands for
        many rows. The reserved keys ``#run`` (a name that keeps interleaved runs
        apart), ``#note`` (something the user should know), ``#settings`` (a mapping from dotted config key to value, see
        ``names.settings``) and ``#columns`` (the names of all columns, those not read too) carry what is no column.
        Rows come in the order in which they were logged: where steps fall back, a run starts over or resumes.
        """
        raise NotImplementedError
