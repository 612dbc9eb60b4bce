"""What training scripts print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar

from lossdoctor.core import names
from lossdoctor.core.reader import Reader, Row, Source

_WORD = r"[^\W\d_][\w@./\-]{0,80}|_\w{1,80}"
_NUMBER = r"[+-]?(?:\d{1,3}(?:,\d{3})+(?![\d,])|\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:nan|inf(?:inity)?)(?!\w)"
_PAIR = re.compile(
    rf"(?<![\w@./])(?P<name>(?:{_WORD})(?:[ ](?:{_WORD})){{0,3}})"
    rf"(?P<mark>['\"]?[ ]?\)?[ \t]*[:=|]+>?[ ]*|\s+|(?=\[))(?:tensor\(|[\[('\"])*[ ]*"
    rf"(?P<number>{_NUMBER})(?P<unit>[ ]?ms\b|[ ]?s\b)?(?:[ ]*/[ ]*(?P<of>\d+))?",
    re.I,
)
_ANSI = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x08+")
_PROGRESS = re.compile(r"\[\s*(?P<at>\d+)\s*/\s*(?P<of>\d+)[\] ]|(?<![\w.])(?P<at2>\d{1,12})/(?P<of2>\d+)\s*(?:\[|[━╸]+)")
_BAR = re.compile(r"(?<!\d)\d{1,12}\s*/\s*(\d{1,12})\s*(?:\[[=>.\s]+\]|[━╸]+)")
_DONE = re.compile(r"(?<!\d)(\d{1,12})\s*/\s*\1(?!\d)")
_SPLIT = re.compile(rf"(?<![\w/.\\-])({'|'.join(sorted(names.SPLIT, key=len, reverse=True))})(?![\w/.\\])", re.I)
_BOXED = re.compile(r"\|\s*(\S[^|]*?)\s*\|\s*([^|]*?)\s*\|\s*$")
_DIGIT = re.compile(r"\d|nan|inf", re.I)
_CELLS = re.compile(r"[^\s|]+")
_TIMES = frozenset({"time", "step_time", "data_time"})
_CLOCKS = _TIMES | set(names.AXES)
_PROSE = frozenset({"of", "to", "in", "on", "at", "by", "from", "with", "for", "is", "was", "the", "a", "and", "or", "than"})
MOST = 4000  # characters of a line that are looked at


class ConsoleText(Reader):
    """Printed logs: ``name: 1.0``, ``name=1.0`` and ``name 1.0``, Keras and tqdm bars, tables of names over numbers."""

    priority: ClassVar[int] = 0

    def sniff(self, source: Source) -> bool:
        return source.is_text

    def rows(self, source: Source) -> Iterator[Row]:
        header: list[str] = []
        box: dict[str, Any] = {}
        bars = Bars()
        for raw in source.lines():
            line = _ANSI.sub("", raw[:MOST]) if "\x1b" in raw or "\x08" in raw else raw[:MOST]
            if boxed := _BOXED.match(line):
                if boxed[2]:
                    box[boxed[1]] = names.number(boxed[2])
                continue  # all lines of a box are one row
            if box:
                yield box
                box = {}
            if not _DIGIT.search(line):
                header = _header(line) or (header if line.strip(" -|=+\t") == "" else [])
                continue
            row = _cells(line, header) or pairs(line)
            if row and bars.shows(line, row):
                yield row
        if box:
            yield box


class Bars:
    """Progress bars: of all the states of one, only the last is a measurement; a bar that starts over begins an epoch."""

    def __init__(self) -> None:
        self.at = self.epoch = 0
        self.told = False  # whether the log counts epochs itself

    def shows(self, line: str, row: dict[str, Any]) -> bool:
        """Whether the row of this line counts; adds to it where its bar stands."""
        self.told |= any(_metric(name) == "epoch" for name in row)
        if _BAR.search(line):
            row.pop("iter", None)
            return bool(_DONE.search(line)) and "ETA" not in line
        if "it/s" in line or "s/it" in line:
            at = row.get("iter")
            if at is not None and not self.told:
                self.epoch += at < self.at
                self.at = at
                row["epoch"] = self.epoch
        return True


def pairs(line: str) -> dict[str, Any]:
    """The named numbers in a line, by names that tell their split; empty where none is a measurement."""
    if "Namespace(" in line:
        return {}
    row: dict[str, Any] = {}
    marks = [(match.start(), match[1].lower()) for match in _SPLIT.finditer(line)]
    for match in _PAIR.finditer(line):
        name = _name(match["name"], explicit=bool(match["mark"].strip()))
        metric = _metric(name)
        if not metric or (metric in ("step", "epoch") and "." in match["number"] and not match["mark"].strip()):
            continue
        value = float(match["number"].replace(",", ""))
        if match["of"] and metric not in names.AXES:
            value = value / float(match["of"]) if float(match["of"]) else value
        if metric in _TIMES:
            if not match["unit"]:
                continue
            value = value / 1000 if "m" in match["unit"] else value
        if metric not in _CLOCKS and not any(word in names.SPLIT for word in names.words(name)):
            before = [word for at, word in marks if at < match.start()]
            name = f"{before[-1]} {name}" if before else name
        row.setdefault(name, value)
    if row and (progress := _PROGRESS.search(line)) and not any(_metric(name) == "step" for name in row):
        split = next((names.SPLIT[word] for _, word in marks[:1]), "train")
        if split == "train":  # a bar over validation batches is no step of training
            row["iter"] = float(progress["at"] or progress["at2"])
    return row


@lru_cache(maxsize=65_536)
def _name(found: str, explicit: bool) -> str:
    """The name before a number: of several words all that say something, or all where a mark sets them apart."""
    parts = found.split(" ")
    if not explicit and parts[-1].lower() in _PROSE:
        return ""
    keep = 1
    while keep < len(parts) and all(word in names.KNOWN for word in names.words(parts[-keep - 1])):
        keep += 1
    whole = " ".join(parts)
    if explicit and keep < len(parts) and len(parts) <= 3 and _metric(whole):
        return whole
    return " ".join(parts[-keep:])


def _metric(name: str) -> str:
    role = names.recognise(name)
    return role.metric if role else ""


def _header(line: str) -> list[str]:
    """The column names of a table, if a line is its header: two or more that we know, an epoch or a step among them."""
    cells = _CELLS.findall(line)
    known = [_metric(cell) for cell in cells]
    return cells if len(cells) <= 40 and set(known) & set(names.AXES) and sum(map(bool, known)) >= 2 else []


def _cells(line: str, header: list[str]) -> dict[str, Any]:
    """The row of a table under ``header``; empty where the line has not as many cells, all but a few numbers."""
    if not header:
        return {}
    cells = _CELLS.findall(line)
    if len(cells) != len(header):
        return {}
    numbers = {name: names.number(cell) for name, cell in zip(header, cells, strict=True)}
    known = {name: value for name, value in numbers.items() if not isinstance(value, str)}
    return known if len(known) >= 0.6 * len(cells) else {}
