"""Tables of text: which separator and decimal mark, where the header is, and the wanted columns as arrays."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from lossdoctor.core.errors import UnreadableLog
from lossdoctor.core.names import is_wanted
from lossdoctor.core.reader import CHUNK, HEAD, LINE, Block, Reader, Row, Source

if TYPE_CHECKING:
    import pandas as pd

ROWS = 262_144  # parsed at a time
APPENDED = 5000  # tables one below the other in a file
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*|\s*[+-]?(nan|inf(inity)?)\s*", re.I)
_PLAIN = re.compile(r"\s*[+-]?(?:(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|inf(inity)?)\s*", re.I)  # nan is a text here, so that it is no blank
_COMMA_NUMBER = re.compile(r"\s*[+-]?\d+,\d+([eE][+-]?\d+)?\s*")
_COMMA_DECIMAL = re.compile(r"\s*[+-]?(0,\d+|\d+,(\d{1,2}|\d{4,}))([eE][+-]?\d+)?\s*")
_SAYS = re.compile(r"[:=]\s*[+-]?\.?\d|[:=]$")  # a word that a value follows
_EXCEL = re.compile(r'"?sep=.?"?')
_CUT = re.compile(r"[.,eE+-]$")


@dataclass(frozen=True)
class Dialect:
    """How a table is written.

    ``skip`` lines stand before the table; ``names`` is the header, or numbers from 1 where there is none; ``padded``
    cells have spaces before them.
    """

    separator: str
    decimal: str
    skip: int
    names: tuple[str, ...]
    has_header: bool
    padded: bool


class TableReader(Reader):
    """Base of the readers of one program's tables."""

    def table(self, source: Source) -> Dialect | None:
        """The table, if this program wrote it."""
        raise NotImplementedError

    def names(self, table: Dialect) -> Sequence[str]:
        """What the columns are called, where their header does not say it."""
        return table.names

    def sniff(self, source: Source) -> bool:
        return self.table(source) is not None

    def rows(self, source: Source) -> Iterator[Row]:
        if table := self.table(source):
            yield from blocks(source, table, self.names(table))


@lru_cache(maxsize=4)  # several readers ask
def dialect(head: str) -> Dialect | None:
    """The dialect of the table that begins with ``head``, or None where that is no table."""
    if "\x1b[" in head:
        return None  # colours: printed text
    lines = head.splitlines()
    if len(lines) > 2 and not head.endswith("\n"):
        lines.pop()  # it may be cut
    found = [_try(lines, separator) for separator in ("\t", ";", ",", "|", r"\s+")]
    return max((table for table in found if table), key=lambda table: len(table.names), default=None)


def _cells(line: str, separator: str) -> list[str]:
    if separator == r"\s+":
        return line.split()
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error:
        return []


def _try(lines: list[str], separator: str) -> Dialect | None:
    """The table under this separator, if the lines agree on a number of cells and a column of them is numeric."""
    skip = next((i for i, line in enumerate(lines) if line.strip() and not _is_comment(line, lines[i + 1 : i + 3], separator)), None)
    if skip is None:
        return None
    header = _cells(lines[skip].lstrip("#% ") if separator == r"\s+" else lines[skip].strip().lstrip("#%"), separator)
    rows = [_cells(line, separator) for line in islice((line for line in lines[skip + 1 :] if line.strip()), 50)]
    rows = list(takewhile(lambda cells: not _is_header(cells, header), rows))
    if len(header) > 1 and not header[-1] and not any(cells[-1] for cells in rows if len(cells) >= len(header)):
        header.pop()  # a comma at the end of the line
    rows = _filled([_without_end(cells, len(header)) for cells in rows], header, separator)
    if _count(header, _is_number) == len(header):
        rows, names, has_header = [header, *rows], tuple(str(i) for i in range(1, len(header) + 1)), False
    else:
        names, has_header = tuple(header), True
        if separator == r"\s+" and (any(map(_SAYS.search, names)) or not any(map(is_wanted, names))):
            return None  # prose, or printed: Epoch: 01 | loss=0.5
    # a lone first line may be a header still without rows
    fits = [row for row in rows if len(row) == len(names)]
    if has_header and any(not _is_number(name) and name == _same(cells) for name, *cells in zip(names, *fits, strict=True)):
        return None  # each line repeats the words: printed text, step 1 loss 0.5
    if fits and has_header and any(_SAYS.search(name) and all(map(_SAYS.search, cells)) for name, *cells in zip(names, *fits, strict=True)):
        return None  # iter: 1,500, loss: 0.5
    if not rows or not names or len(fits) < 0.8 * len(rows) or (len(names) < 2 and (separator != "," or " " in names[0])):
        return None
    if len(names) < 2 and not has_header and not all(_is_number(cell) for cells in rows for cell in cells):
        return None
    commas = _COMMA_DECIMAL if separator == "," else _COMMA_NUMBER  # between commas it stands in quotes, as thousands may: "1,200"
    decimal = "," if _share(fits, commas.fullmatch) > _share(fits, _NUMBER.fullmatch, fraction=True) else "."
    if not any(_is_numeric(column, decimal) for column in zip(*fits, strict=True)):
        return None
    padded = any(f"{separator} " in line for line in lines[skip:])
    return Dialect(separator, decimal, skip, names, has_header, padded)


def _without_end(cells: list[str], size: int) -> list[str]:
    """A row without the blank cell that a comma at its end makes."""
    return cells[:-1] if len(cells) == size + 1 and not cells[-1] else cells


def _filled(rows: list[list[str]], header: list[str], separator: str) -> list[list[str]]:
    """The rows with blank cells at their end, where all of them leave out the same columns: those are still to be measured."""
    widths = {len(cells) for cells in rows}
    if separator == r"\s+" or len(widths) != 1 or not 1 < (width := widths.pop()) < len(header) or _is_number(header[0]):
        return rows
    return [[*cells, *[""] * (len(header) - width)] for cells in rows]


def _is_header(cells: list[str], header: list[str]) -> bool:
    """Whether a row is a header again: another run was appended, be it with other columns."""
    return len(cells) > 1 and cells[0] == header[0] and not any(map(_is_number, cells))


def _same(cells: list[str]) -> str | None:
    """The text that all cells of a column hold, or None where they differ."""
    return cells[0] if len(set(cells)) == 1 else None


def _is_comment(line: str, below: list[str], separator: str) -> bool:
    """A line that begins with # and is not a header with a # before it; or Excel's ``sep=;``."""
    if _EXCEL.fullmatch(line.strip()):
        return True
    if not line.lstrip().startswith(("#", "%")):
        return False
    size = len(_cells(line.strip().lstrip("#%"), separator))
    return size < 2 or not any(len(_cells(row, separator)) == size for row in below)


def _is_number(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(cell) or _COMMA_NUMBER.fullmatch(cell))


def _count(cells: list[str], test: Callable[[str], Any]) -> int:
    return sum(1 for cell in cells if test(cell))


def _share(rows: list[list[str]], test: Callable[[str], Any], fraction: bool = False) -> int:
    return sum(1 for row in rows for cell in row if test(cell) and (not fraction or "." in cell))


def _is_numeric(column: tuple[str, ...], decimal: str) -> bool:
    filled = [cell.replace(decimal, ".") for cell in column if cell]
    return bool(filled) and sum(1 for cell in filled if _NUMBER.fullmatch(cell)) >= 0.5 * len(filled)


def blocks(source: Source, table: Dialect, names: Sequence[str] | None = None) -> Iterator[Row]:
    """The wanted columns of a table in blocks of many rows: numbers as masked float arrays (masked where blank), other text as objects.

    ``names`` replaces the header. A last line that was cut while being written is left out, with a note.
    """
    written = table.names if names is None else names
    names, use = _columns(source, written)
    yield {"#columns": names}
    if doubles := [name for name, count in Counter(written).items() if count > 1 and name in use]:
        yield {"#note": f"the column {doubles[0]!r} occurs more than once; the first is read"}
    parse = _parse_small if len(source.head) < HEAD else _parse_large
    for part in source.parts():
        file = WholeLines(_utf8(part, source), source.name, table)
        try:
            yield from parse(file, table, names, use) if use else ()
            while below := file.appended():
                file, table = below, below.table
                names, use = _columns(source, table.names)
                yield {"#columns": names}
                yield from parse(file, table, names, use) if use else ()
        except (ValueError, csv.Error) as error:
            raise UnreadableLog(f"{source.name} is not a sound table: {str(error).splitlines()[0]}") from error
        if file.dropped:
            yield {"#note": f"the last line is cut short and left out: {file.dropped[:60]!r}"}
        table = replace(table, skip=0, has_header=False)  # they stand in the first part


def _columns(source: Source, written: Sequence[str]) -> tuple[list[str], list[str]]:
    """The names of the columns, each its own, and those of them that are read."""
    names = _unique(written)
    used = [name for name, plain in zip(names, written, strict=True) if name in source.columns or (name == plain and is_wanted(name))]
    return names, used


def _parse_large(file: WholeLines, table: Dialect, names: list[str], use: list[str]) -> Iterator[Block]:
    import pandas as pd

    with warnings.catch_warnings():
        # low_memory parses in small pieces, which is half again as fast; a column it finds mixed is sorted out by _array
        warnings.simplefilter("ignore", pd.errors.DtypeWarning)
        frames = pd.read_csv(
            file,
            sep=table.separator,
            decimal=table.decimal,
            header=0 if table.has_header else None,
            names=names,
            usecols=use,
            skiprows=table.skip or None,  # a 0 here would cost a test of every line
            skipinitialspace=table.padded,
            skip_blank_lines=True,
            index_col=False,
            keep_default_na=False,
            na_values=[""],
            on_bad_lines="skip",
            encoding="utf-8-sig",
            encoding_errors="replace",
            chunksize=ROWS,
        )
        for frame in frames:
            yield Block({name: _array(frame[name]) for name in use})


def _parse_small(file: WholeLines, table: Dialect, names: list[str], use: list[str]) -> Iterator[Row]:
    """The same for a small table, without pandas, whose import takes longer than all the rest of a diagnosis."""
    parts = iter(file.read, b"")
    lines = b"".join(parts).decode("utf-8-sig", errors="replace").splitlines()[table.skip + table.has_header :]
    if table.separator == r"\s+":
        rows = [line.split() for line in lines]
    else:
        rows = list(csv.reader(lines, delimiter=table.separator, skipinitialspace=table.padded))
    rows = [_without_end(row, len(names)) for row in rows if any(row)]
    if longer := sum(len(row) > len(names) for row in rows):
        yield {"#note": f"{longer} rows that have more cells than the header are left out"}
    rows = [row for row in rows if len(row) <= len(names)]
    columns = {name: [row[i] if i < len(row) else "" for row in rows] for i, name in enumerate(names) if name in use}
    if rows:
        yield Block({name: _numbers(columns[name], table.decimal) for name in use})


def _numbers(cells: list[str], decimal: str) -> Any:
    """A column of text as numbers, masked where blank; where one cell is no number, as objects, None where blank."""
    filled = [cell for cell in cells if cell]
    if not all(_PLAIN.fullmatch(cell.replace(decimal, ".")) for cell in filled):
        return np.array([cell or None for cell in cells], dtype=object)
    values = np.array([float(cell.replace(decimal, ".")) if cell else np.nan for cell in cells])
    return np.ma.MaskedArray(values, np.isnan(values)) if len(filled) < len(cells) else values


def _unique(names: Sequence[str]) -> list[str]:
    """The names, later ones of the same spelling numbered so that none is lost."""
    seen: Counter[str] = Counter()
    result = []
    for name in names:
        seen[name] += 1
        result.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return result


def _array(column: pd.Series[Any]) -> Any:
    """A column of a frame as numbers, masked where blank; where one cell is no number, as objects, None where blank."""
    if column.dtype.kind in "fiub":
        values = column.to_numpy(dtype=np.float64)
        blank = np.isnan(values)
        return np.ma.MaskedArray(values, blank) if blank.any() else values
    cells = column.to_numpy(dtype=object, copy=True)  # pandas may hand out a view that cannot be written to
    cells[column.isna().to_numpy()] = None
    return cells


def _utf8(raw: BinaryIO, source: Source) -> BinaryIO:
    return io.BytesIO(raw.read().decode("utf-16", errors="replace").encode()) if source.encoding == "utf-16" else raw


class WholeLines(io.BufferedIOBase):
    """The lines of a file, read ahead of a parser, without a last one that was cut while being written.

    A last line without its newline is cut if it lacks cells, if its last number breaks off (``2,0.``), or if that is
    less than half as long as the ones before: ``0.0`` after ``0.0412``. They end where the header of another run follows,
    appended with other columns; ``appended`` are the lines from there on.
    """

    def __init__(self, file: BinaryIO, name: str, table: Dialect, ahead: bytes = b"", count: int = 0) -> None:
        self.file, self.source, self.table = file, name, table
        self.ahead, self.count = ahead, count  # bytes read already; headers before this one
        self.tail = self.before = self.below = b""
        self.dropped = ""
        first = table.names[0]
        self.mark = b"" if table.separator == r"\s+" or not first or _is_number(first) else b"\n" + first.encode()
        self.start = table.skip + table.has_header  # lines that come before the first row

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """The next lines, whole; some 256 kB of them whatever ``size`` is."""
        if self.below:
            return b""
        data = b""
        while not data and (chunk := self.ahead or self.file.read(CHUNK)):
            self.ahead = b""
            data = self.tail + chunk
            end = data.rfind(b"\n") + 1
            data, self.tail = data[:end], data[end:]
            if len(self.tail) > 16 * LINE:
                raise UnreadableLog(f"{self.source} has a line longer than {16 * LINE:,} bytes; that is no table")
        if data:
            data = self._above(data) if self.mark in data and self.mark else data
            self.start, self.before = 0, data[-2000:]
            return data
        rest, self.tail = self.tail, b""
        if rest and self._is_cut(rest):
            self.dropped = rest.decode(errors="replace").strip()
            return b""
        return rest

    read1 = read

    def _above(self, data: bytes) -> bytes:
        """The lines above the next header, if there is one."""
        at = -1
        for _ in range(self.start):
            at = data.find(b"\n", at + 1)
        at = max(at, 0)
        while (at := data.find(self.mark, at)) >= 0:
            line = data[at + 1 : data.find(b"\n", at + 1)].decode(errors="replace")
            if _is_header(_cells(line.strip(), self.table.separator), list(self.table.names)):
                self.below = data[at + 1 :] + self.tail
                return data[: at + 1]
            at += 1
        return data

    def appended(self) -> WholeLines | None:
        """The lines of the run that follows under a header of its own."""
        if not self.below:
            return None
        if self.count >= APPENDED:
            raise UnreadableLog(f"{self.source} holds more than {APPENDED:,} tables one below the other; split it")
        header = self.below[: self.below.find(b"\n")].decode(errors="replace")
        table = replace(self.table, skip=0, names=tuple(_cells(header.strip(), self.table.separator)), has_header=True)
        return WholeLines(self.file, self.source, table, self.below, self.count + 1)

    def _is_cut(self, rest: bytes) -> bool:
        last = _cells(rest.decode(errors="replace").strip(), self.table.separator)
        whole = [_cells(line, self.table.separator) for line in self.before.decode(errors="replace").splitlines()[1:]]
        whole = [cells for cells in whole if len(cells) == len(self.table.names)]
        if not last or not whole:
            return False
        shortest = min(len(cells[-1]) for cells in whole)
        return len(last) < len(self.table.names) or bool(_CUT.search(last[-1])) or len(last[-1]) < 0.5 * shortest
