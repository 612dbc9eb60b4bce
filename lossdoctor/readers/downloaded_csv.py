"""Single charts downloaded from a dashboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from lossdoctor.core.names import AXES, SPLIT, recognise, split_of, words
from lossdoctor.core.reader import Reader, Row, Source
from lossdoctor.core.table import Dialect, blocks, dialect

_TENSORBOARD = re.compile(r"run-(?P<run>.*)-tag-(?P<tag>.+)")


class DownloadedCsv(Reader):
    """A chart downloaded from TensorBoard, Neptune or ClearML: ``Step`` and ``Value`` or ``train``; the file's name says of what."""

    priority: ClassVar[int] = 45

    def sniff(self, source: Source) -> bool:
        return _names(source) is not None

    def rows(self, source: Source) -> Iterator[Row]:
        if found := _names(source):
            yield from blocks(source, *found)


def _names(source: Source) -> tuple[Dialect, list[str]] | None:
    """The table and its columns' full names; None where they say it all themselves, or the file's name says nothing."""
    if source.path is None or source.is_dir or not source.is_text or (chart := _chart(source.path.name)) is None:
        return None
    table = dialect(source.text_head)
    values = {name: _full(name, chart) for name in table.names if _is_value(name)} if table else {}
    clocks = [role.metric for name in (table.names if table else ()) if name not in values and (role := recognise(name))]
    if table is None or not values or not set(clocks) & set(AXES) or set(clocks) - {*AXES, "time"}:
        return None
    return table, [values.get(name, name) for name in table.names]


def _is_value(name: str) -> bool:
    return name.lower() == "value" or (len(words(name)) == 1 and words(name)[0] in SPLIT)


def _full(name: str, chart: str) -> str:
    return chart if name.lower() == "value" else f"{split_of(name)}/{chart}"


def _chart(file: str) -> str | None:
    """What the chart shows: ``train/Loss`` of ``run-exp_train-tag-Loss.csv``, or the name itself; None where that is nothing we know."""
    stem = file.partition(".csv")[0]
    if match := _TENSORBOARD.fullmatch(stem):
        split = next((SPLIT[word] for word in reversed(words(match["run"])) if word in SPLIT), "")
        stem = f"{split}/{match['tag']}" if split else match["tag"]
    return stem if recognise(stem) else None
