"""TensorBoard event files."""

from __future__ import annotations

import heapq
import struct
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from lossdoctor.core.errors import UnreadableLog
from lossdoctor.core.names import SPLIT, recognise, words
from lossdoctor.core.reader import Reader, Row, Source
from lossdoctor.core.wire import BYTES, fields, masked_crc32c

LONGEST = 512 * 1024 * 1024  # bytes of one event; a longer one is damage
CHECKED = 4096  # bytes of an event whose checksum is checked; images and graphs, which are longer, are passed over
FILES = 2000  # event files of a folder

_HEAD = struct.Struct("<QI")
_TYPES = {1: "<f", 2: "<d", 3: "<i", 9: "<q"}  # TensorProto's dtype numbers


class Tensorboard(Reader):
    """TensorBoard event files, and the folder of a run: scalars of any style; sub-folders named as splits belong to it."""

    priority: ClassVar[int] = 80

    def sniff(self, source: Source) -> bool:
        if source.is_dir:
            return source.path is not None and any(True for _ in _event_files(source.path))
        return _is_events(source.head)

    def rows(self, source: Source) -> Iterator[Row]:
        found = False
        for row in _merged(source.path, source.columns) if source.path and source.is_dir else _rows(source):
            found = found or "#note" not in row
            row.pop("#time", None)
            yield row
        if not found:
            raise UnreadableLog(f"{source.name} holds no scalars, only graphs, texts or histograms; log the loss with add_scalar")


def _merged(folder: Path, columns: frozenset[str]) -> Iterator[dict[str, Any]]:
    """The rows of all files of a run, by time: they are logs of its splits, or its parts after restarts."""
    files = sorted(_event_files(folder))
    streams = [_rows(Source(file, columns=columns), "" if file.parent == folder else f"{file.parent.name}/") for file in files]
    yield from heapq.merge(*streams, key=lambda row: float(row.get("#time", 0.0)))


def _event_files(folder: Path) -> Iterator[Path]:
    """The event files of a folder and of its sub-folders named as splits, ``val``, or by ``add_scalars`` as curves, ``loss_val``."""
    parts = [folder, *(part for part in folder.iterdir() if _is_split(part.name) and part.is_dir())]
    files = (file for part in parts for file in part.iterdir() if "tfevents" in file.name and file.is_file())
    return islice(files, FILES)


def _is_split(name: str) -> bool:
    """``train``; ``loss_train``, but not ``train_big_model``."""
    role = recognise(name)
    found = [word for word in words(name) if word in SPLIT]
    return bool(found) and (len(words(name)) == 1 or (role is not None and not role.part))


def _is_events(head: bytes) -> bool:
    if len(head) < 16:
        return False
    size, crc = _HEAD.unpack_from(head)
    return bool(size < LONGEST and masked_crc32c(head[:8]) == crc)


def _rows(source: Source, prefix: str = "") -> Iterator[dict[str, Any]]:
    """The scalars of one file, one a row, with the step and the wall time."""
    damage = ""
    at = 0
    with source.open() as file:
        while head := file.read(12):
            if len(head) < 12:
                damage = "is cut off"
                break
            size, crc = _HEAD.unpack(head)
            if size > LONGEST or masked_crc32c(head[:8]) != crc:
                damage = "is damaged"
                break
            event, check = file.read(size), file.read(4)
            if len(event) < size or len(check) < 4:
                damage = "is cut off"
                break
            if size <= CHECKED and masked_crc32c(event) != int.from_bytes(check, "little"):
                damage = "is damaged"
                break
            at += size + 16
            try:
                yield from _scalars(event, prefix)
            except (ValueError, struct.error) as error:
                raise UnreadableLog(f"{source.name} is no event file: {error} at byte {at}") from error
    if damage:
        yield {"#note": f"the event file {damage} at byte {at:,}; what stands before is read"}


def _scalars(event: bytes, prefix: str) -> Iterator[dict[str, Any]]:
    """Event: wall_time 1, step 2, summary 5 > value 1 > tag 1, simple_value 2, tensor 8, metadata 9."""
    time = 0.0
    step = 0
    summary: bytes | None = None
    for number, kind, value in fields(event):
        if number == 1 and isinstance(value, bytes) and len(value) == 8:
            time = struct.unpack("<d", value)[0]
        elif number == 2 and isinstance(value, int):
            step = value - (1 << 64 if value >= 1 << 63 else 0)
        elif number == 5 and kind == BYTES and isinstance(value, bytes):
            summary = value
    for number, _, item in fields(summary or b""):
        if number != 1 or not isinstance(item, bytes):
            continue
        tag, scalar = _value(item)
        if scalar is not None:
            yield {f"{prefix}{tag}": scalar, "step": step, "wall_time": time, "#time": time}


def _value(item: bytes) -> tuple[str, float | None]:
    tag, scalar = "", None
    for number, kind, value in fields(item):
        if number == 1 and isinstance(value, bytes):
            tag = value.decode(errors="replace")
        elif number == 2 and isinstance(value, bytes) and kind != BYTES:
            scalar = struct.unpack("<f", value)[0]
        elif number == 8 and isinstance(value, bytes) and len(value) < CHECKED:
            scalar = _tensor(value)
    return tag, scalar


def _tensor(tensor: bytes) -> float | None:
    """A tensor of one number. TensorProto: dtype 1, shape 2, tensor_content 4, float_val 5, double_val 6, int_val 7, int64_val 10."""
    dtype, content = 0, b""
    numbers: dict[int, Any] = {}
    for number, _, value in fields(tensor):
        if number == 1 and isinstance(value, int):
            dtype = value
        elif number == 4 and isinstance(value, bytes):
            content = value
        elif number == 2 and isinstance(value, bytes) and value:
            return None  # it has a shape: a histogram, a curve
        else:
            numbers[number] = value
    form = _TYPES.get(dtype)
    if form and len(content) == struct.calcsize(form):
        return float(struct.unpack(form, content)[0])
    held = numbers.get({1: 5, 2: 6, 3: 7, 9: 10}.get(dtype, 0))
    if isinstance(held, bytes) and len(held) in (4, 8):
        return float(struct.unpack("<f" if len(held) == 4 else "<d", held)[0])
    return float(held) if isinstance(held, int) else None
