"""TensorBoard event files."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np
from numpy.typing import NDArray

from lossdoctor.core.curve import Floats
from lossdoctor.core.errors import NoLog
from lossdoctor.core.names import SPLIT, is_wanted, recognise, words
from lossdoctor.core.reader import Block, Reader, Row, Source
from lossdoctor.core.wire import BYTES, fields, masked_crc32c, masked_crc32c_of_rows, varint

LONGEST = 512 * 1024 * 1024  # bytes of one event; a longer one is damage
PASSED = 1024 * 1024  # bytes of an event that is looked at; images and graphs, which are longer, are passed over
CHECKED = 4096  # bytes of an event whose checksum is checked
CHUNK = 2 * 1024 * 1024  # bytes that are decoded at a time
ROWS = 16_384  # scalars that are made rows at a time
CELLS = 4_000_000  # of a block of rows at most
FILES = 2000  # event files of a folder
KINDS = 200  # layouts of one length; where there are more, events are decoded one by one

_HEAD = struct.Struct("<QI")
_TYPES = {1: "<f", 2: "<d", 3: "<i", 9: "<q"}  # TensorProto's dtype numbers
Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]


class Tensorboard(Reader):
    """TensorBoard event files, and the folder of a run: scalars of any style; sub-folders named as splits belong to it.

    Checksums are checked: of each event's length, and of each event of less than 4 kB. What follows damage is left out.
    """

    priority: ClassVar[int] = 80

    def sniff(self, source: Source) -> bool:
        if source.is_dir:
            return source.path is not None and any(True for _ in _event_files(source.path))
        return _is_events(source.head)

    def rows(self, source: Source) -> Iterator[Row]:
        if source.path is not None and source.is_dir:
            files = sorted(_event_files(source.path))
            parts = [_read(Source(file), "" if file.parent == source.path else f"{file.parent.name}/", source.columns) for file in files]
        else:
            parts = [_read(source, "", source.columns)]
        yield from ({"#note": part.note} for part in parts if part.note)
        names = list(dict.fromkeys(name for part in parts for name in part.names))
        if not names:
            raise NoLog(f"{source.name} holds no scalars, only graphs, texts or histograms; log the loss with add_scalar")
        yield {"#columns": tuple(names)}
        yield from _blocks(_joined(parts, names), names)


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


# --- scalars to rows ---


@dataclass
class Scalars:
    """Scalars in the order in which they were logged, ``[n]`` each: wall time (s), step, value, and name, an index into ``names``."""

    time: Floats
    step: Floats
    value: Floats
    name: Ints
    names: dict[str, int]
    note: str = ""


def _joined(parts: list[Scalars], names: list[str]) -> Scalars:
    """The files of a run, logs of its splits or its parts after restarts, as one, by time; within a file the order stands."""
    code = {name: number for number, name in enumerate(names)}
    codes = [np.array([code[name] for name in part.names] or [0])[part.name] for part in parts]
    order = np.argsort(np.concatenate([np.maximum.accumulate(part.time) for part in parts]), kind="stable")
    time, step, value = (np.concatenate([getattr(part, of) for part in parts])[order] for of in ("time", "step", "value"))
    return Scalars(time, step, value, np.concatenate(codes)[order], code)


def _blocks(scalars: Scalars, names: list[str]) -> Iterator[Block]:
    """One row for the scalars logged one after another at the same step; one for each where a name comes twice at a step."""
    size = max(256, min(ROWS, CELLS // len(names)))
    for low in range(0, len(scalars.step), size):
        time, step, value, name = (of[low : low + size] for of in (scalars.time, scalars.step, scalars.value, scalars.name))
        row = np.concatenate([[0], np.cumsum(np.diff(step) != 0)])
        if len(np.unique(row * len(names) + name)) < len(row):
            row = np.arange(len(row))
        last = np.append(np.diff(row) > 0, True)
        block = Block(step=step[last], wall_time=time[last])
        for code in np.unique(name).tolist():
            here = name == code
            cells = np.ma.MaskedArray(np.empty(int(row[-1]) + 1), mask=True)
            cells[row[here]] = value[here]
            block[names[code]] = cells
        yield block


# --- a file to scalars ---


@dataclass(frozen=True)
class Chunk:
    """Whole events as they stand in a file: where each begins in ``data``, which begins at byte ``base``, and how long it is."""

    base: int
    data: bytes
    start: Ints
    size: Ints

    def rows(self, chosen: Ints, size: int, shift: int = 0) -> Bytes:
        """``size`` bytes of each of the chosen events, ``[n, size]``, from ``shift`` bytes after its beginning."""
        windows = np.lib.stride_tricks.sliding_window_view(np.frombuffer(self.data, np.uint8), size)
        return windows[self.start[chosen] + shift]

    def event(self, number: int) -> bytes:
        start = int(self.start[number])
        return self.data[start : start + int(self.size[number])]


def _read(source: Source, prefix: str, columns: frozenset[str]) -> Scalars:
    """The scalars of one file, up to where it is damaged."""
    found = _Decoder(prefix, columns)
    note = ""
    with source.open() as file:
        for chunk in _chunks(file):
            if isinstance(chunk, str):
                note = chunk
                break
            whole = _first_bad(chunk)
            found.add(chunk, whole)
            if whole < len(chunk.start):
                note = f"is damaged at byte {chunk.base + int(chunk.start[whole]) - _HEAD.size:,}"
                break
    return found.scalars(note and f"the event file {note}; what stands before is read")


def _chunks(file: BinaryIO) -> Iterator[Chunk | str]:
    """The events of a file, some MB at a time; a text that says what is wrong where it is cut off or damaged."""
    lengths: dict[bytes, int] = {}
    done, data = 0, b""
    while more := file.read(CHUNK):
        chunk, end, sound = _scan(data + more, done, lengths)
        if len(chunk.start):
            yield chunk
        if not sound:
            yield f"is damaged at byte {done + end:,}"
            return
        done, data = done + end, chunk.data[end:]
        if len(data) >= _HEAD.size and (size := _HEAD.unpack_from(data)[0] + 16) > PASSED:
            if not _pass_over(file, size - len(data)):
                break
            done, data = done + size, b""
    if data:
        yield f"is cut off at byte {done:,}"


def _scan(data: bytes, base: int, lengths: dict[bytes, int]) -> tuple[Chunk, int, bool]:
    """The whole events in ``data``, where what follows them begins, and whether that is sound, if only for being incomplete.

    A record is a length and its checksum (12 bytes), the event, its checksum (4 bytes); ``lengths`` remembers heads that are right.
    """
    starts: list[int] = []
    sizes: list[int] = []
    at, end = 0, len(data)
    sound = True
    while at + 12 <= end:
        head = data[at : at + 12]
        size = lengths.get(head, -1)
        if size < 0:
            size, crc = _HEAD.unpack(head)
            sound = size <= LONGEST and masked_crc32c(head[:8]) == crc
            if not sound:
                break
            lengths[head] = size
        if at + size + 16 > end:
            break
        starts.append(at + 12)
        sizes.append(size)
        at += size + 16
    return Chunk(base, data, np.array(starts, dtype=np.int64), np.array(sizes, dtype=np.int64)), at, sound


def _pass_over(file: BinaryIO, size: int) -> bool:
    """Read on by ``size`` bytes without keeping them; whether there were as many."""
    passed = 0
    while passed < size and (more := len(file.read(min(CHUNK, size - passed)))):
        passed += more
    return passed >= size


def _first_bad(chunk: Chunk) -> int:
    """The first event whose checksum is wrong; the number of events where there is none."""
    bad = [len(chunk.start)]
    for size in np.unique(chunk.size[chunk.size <= CHECKED]).tolist():
        same = np.flatnonzero(chunk.size == size)
        written = chunk.rows(same, 4, shift=size).view("<u4")[:, 0]
        bad += same[masked_crc32c_of_rows(chunk.rows(same, size)) != written][:1].tolist()
    return min(bad)


@dataclass(frozen=True)
class Layout:
    """Where an event of one scalar differs from the next of its name: in its time, its step and its value.

    All other bytes, and the top bits of those of the step, which end a varint, are as in ``pattern``.
    """

    pattern: Bytes
    fixed: Bytes  # a mask of the bits that are
    step: slice
    value: slice
    form: str
    code: int

    def matches(self, events: Bytes) -> NDArray[np.bool_]:
        return np.asarray(((events ^ self.pattern) & self.fixed).max(axis=1) == 0)

    def decode(self, events: Bytes) -> tuple[Floats, Floats, Floats]:
        """Time, step and value of each of the events that match."""
        time = np.ascontiguousarray(events[:, 1:9]).view("<f8")[:, 0]
        digits = (events[:, self.step] & 127).astype(np.int64)
        step = (digits << (7 * np.arange(digits.shape[1]))).sum(axis=1)
        value = np.ascontiguousarray(events[:, self.value]).view(self.form)[:, 0]
        return time, step.astype(np.float64), value.astype(np.float64)


@dataclass
class _Decoder:
    """Events to scalars: one by one for the first of a layout, all at once for the others."""

    prefix: str
    columns: frozenset[str]
    names: dict[str, int] = field(default_factory=dict)
    layouts: dict[int, list[Layout]] = field(default_factory=dict)
    parts: list[tuple[Floats, Floats, Floats, Ints]] = field(default_factory=list)

    def scalars(self, note: str) -> Scalars:
        empty = np.empty(0)
        time, step, value, name = map(np.concatenate, zip((empty, empty, empty, empty.astype(np.int64)), *self.parts, strict=True))
        wanted = np.array([is_wanted(name) or name in self.columns for name in self.names] or [False])[name]
        return Scalars(time[wanted], step[wanted], value[wanted], name[wanted], self.names, note)

    def add(self, chunk: Chunk, count: int) -> None:
        """The scalars of the first ``count`` events of a chunk."""
        number: list[Ints] = []
        found: list[tuple[Any, ...]] = []
        for size in np.unique(chunk.size[:count]).tolist():
            left = np.flatnonzero(chunk.size[:count] == size)
            layouts = self.layouts.setdefault(size, [])
            for known in range(KINDS):
                if not len(left):
                    break
                if known == len(layouts):
                    layout = self._layout(chunk.event(left[0]))
                    if layout is None:
                        break
                    layouts.append(layout)
                events = chunk.rows(left, size)
                match = layouts[known].matches(events)
                number.append(left[match])
                found.append((*layouts[known].decode(events[match]), np.full(int(match.sum()), layouts[known].code)))
                left = left[~match]
            for event in left.tolist():
                several = list(self._one(chunk.event(event)))
                number.append(np.full(len(several), event))
                found.append(tuple(np.array(several, dtype=np.float64).reshape(-1, 4).T))
        if number:
            order = np.argsort(np.concatenate(number), kind="stable")
            time, step, value, name = (np.concatenate(column)[order] for column in zip(*found, strict=True))
            self.parts.append((time, step, value, name.astype(np.int64)))

    def _one(self, event: bytes) -> Iterator[tuple[float, float, float, int]]:
        try:
            for time, step, tag, value in _scalars(event):
                yield time, step, value, self.names.setdefault(f"{self.prefix}{tag}", len(self.names))
        except (ValueError, struct.error):
            return  # an event of another kind

    def _layout(self, event: bytes) -> Layout | None:
        """The layout of this event; None where it is not of one scalar, or where its value's bytes cannot be told from others."""
        several = list(self._one(event))
        if len(several) != 1 or len(event) < 12 or event[0] != 9 or event[9] != 16 or several[0][1] < 0:
            return None
        _, _, value, code = several[0]
        _, end = varint(event, 10)
        forms = [form for form in ("<f8", "<f4") if event.count(np.array(value, form).tobytes(), end) == 1]
        if not forms:
            return None
        at = event.index(np.array(value, forms[0]).tobytes(), end)
        fixed = np.full(len(event), 255, dtype=np.uint8)
        step, number = slice(10, end), slice(at, at + int(forms[0][-1]))
        fixed[1:9], fixed[step], fixed[number] = 0, 128, 0
        return Layout(np.frombuffer(event, np.uint8), fixed, step, number, forms[0], code)


# --- one event ---


def _scalars(event: bytes) -> Iterator[tuple[float, float, str, float]]:
    """Time, step, name and value of an event's scalars. Event: wall_time 1, step 2, summary 5 > value 1 > tag 1, simple_value 2,
    tensor 8, metadata 9."""
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
            yield time, float(step), tag, scalar


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
