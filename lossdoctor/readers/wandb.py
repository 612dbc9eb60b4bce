"""Weights & Biases."""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, ClassVar

import numpy as np

from lossdoctor.core.errors import UnreadableLog
from lossdoctor.core.names import settings
from lossdoctor.core.reader import Block, Reader, Row, Source
from lossdoctor.core.table import Dialect, blocks, dialect
from lossdoctor.core.wire import fields

_MAGIC = b":W&B"
_PIECE = 32_768  # bytes of a block; no record's piece crosses its end
_HEAD = struct.Struct("<IHB")
_COLUMN = re.compile(r"(?P<run>.+) - (?P<metric>[^-].*?)(?P<twin>__MIN|__MAX)?$")


class Wandb(Reader):
    """W&B's ``.wandb``: the log of protobuf records that a run leaves in its folder, without the wandb package."""

    priority: ClassVar[int] = 80

    def sniff(self, source: Source) -> bool:
        if source.path is not None and source.is_dir:
            return len(list(source.path.glob("*.wandb"))) == 1
        return source.head.startswith(_MAGIC)

    def rows(self, source: Source) -> Iterator[Row]:
        if source.path is not None and source.is_dir:
            source = Source(next(source.path.glob("*.wandb")), columns=source.columns)
        count = 0
        with source.open() as file:
            head = file.read(7)
            if len(head) < 7 or head[6] != 0:
                raise UnreadableLog(f"{source.name} is a .wandb file of a version that is not known; export its history as CSV")
            for record in _records(file):
                if isinstance(record, str):
                    yield {"#note": f"the .wandb file {record}; what stands before is read"}
                    return
                for row in _rows(record):
                    count += "#settings" not in row
                    yield row
        if not count:
            raise UnreadableLog(f"{source.name} holds no history; the run ended before it logged anything")


class WandbExport(Reader):
    """W&B's exported chart: a CSV with the step and, for each run, the metric and its ``__MIN`` and ``__MAX``."""

    priority: ClassVar[int] = 45

    def sniff(self, source: Source) -> bool:
        return _export(source) is not None

    def rows(self, source: Source) -> Iterator[Row]:
        table = _export(source)
        if table is None:
            return
        runs: dict[str, list[tuple[str, str]]] = {}
        for name in table.names:
            if (match := _COLUMN.match(name)) and not match["twin"]:
                runs.setdefault(match["run"], []).append((name, match["metric"]))
        chosen = frozenset(name for found in runs.values() for name, _ in found) | {table.names[0]}
        wide = list(blocks(Source(source.path, source.data, chosen), table))
        # run by run, so that each is whole in the order of its steps
        for run, columns in runs.items():
            for block in wide:
                if isinstance(block, Block):
                    step = block[table.names[0]]
                    names = np.full(len(step), run, dtype=object)
                    yield Block({"#run": names, table.names[0]: step, **{metric: block[name] for name, metric in columns}})
        yield from (row for row in wide if "#note" in row)


def _export(source: Source) -> Dialect | None:
    first = source.text_head.partition("\n")[0] if source.is_text else ""
    if " - " not in first or "__MIN" not in first:
        return None
    return dialect(source.text_head)


def _records(file: BinaryIO) -> Iterator[bytes | str]:
    """The records after the header; a text that says what is wrong where the file ends early or is damaged.

    A LevelDB log: blocks of 32 kB; a record is one piece (type 1), or a first (2), middle (3) and last (4).
    """
    at, whole = 7, b""
    while True:
        room = _PIECE - at % _PIECE
        if room < _HEAD.size:
            at += len(file.read(room))
            continue
        head = file.read(_HEAD.size)
        if not head:
            return
        if len(head) < _HEAD.size:
            yield f"is cut off at byte {at:,}"
            return
        crc, size, kind = _HEAD.unpack(head)
        data = file.read(size)
        if len(data) < size:
            yield f"is cut off at byte {at:,}"
            return
        if zlib.crc32(data, zlib.crc32(bytes([kind]))) != crc:
            yield f"is damaged at byte {at:,}"
            return
        at += _HEAD.size + size
        whole = data if kind in (1, 2) else whole + data
        if kind in (1, 4):
            yield whole


def _rows(record: bytes) -> Iterator[dict[str, Any]]:
    """Record: history 2 (item 1), config 5 (update 1), run 17 (config 4); an item has key 1, nested_key 2, value_json 16."""
    try:
        for number, _, value in fields(record):
            if not isinstance(value, bytes):
                continue
            if number == 2:
                yield _items(value)
            elif number == 5:
                yield {"#settings": settings(_items(value))}
            elif number == 17:
                yield from ({"#settings": settings(_items(part))} for at, _, part in fields(value) if at == 4 and isinstance(part, bytes))
    except ValueError:
        yield {"#note": "a record of the .wandb file is no sound message and is left out"}


def _items(message: bytes) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for number, _, item in fields(message):
        if number != 1 or not isinstance(item, bytes):
            continue
        key: list[str] = []
        text = b""
        for part, _, value in fields(item):
            if part in (1, 2) and isinstance(value, bytes) and value:
                key.append(value.decode(errors="replace"))
            elif part == 16 and isinstance(value, bytes):
                text = value
        try:
            row["/".join(key)] = json.loads(text)
        except (ValueError, RecursionError):
            continue
    return row
