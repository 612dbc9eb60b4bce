"""Protocol buffers on the wire: enough to read the logs of TensorBoard and W&B without their packages.

Encoding: protobuf.dev/programming-guides/encoding. A message is a sequence of fields, each a tag (number and wire type)
and a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def fields(message: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """The fields of a message: number, wire type, and a value: an int for a varint, else the raw bytes.

    Raises ``ValueError`` where the bytes are no message.
    """
    at, end = 0, len(message)
    while at < end:
        tag, at = varint(message, at)
        kind = tag & 7
        value: int | bytes
        if kind == VARINT:
            value, at = varint(message, at)
        else:
            if kind == BYTES:
                size, at = varint(message, at)
            elif kind in (FIXED64, FIXED32):
                size = 8 if kind == FIXED64 else 4
            else:
                raise ValueError(f"wire type {kind}")
            value = message[at : at + size]
            at += size
            if at > end:
                raise ValueError("a field runs past the end of its message")
        yield tag >> 3, kind, value


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The varint at ``at``, and where it ends."""
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("a varint has no end")
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def _table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_CRC32C = _table()
_CRC32C_ARRAY = np.array(_CRC32C, dtype=np.uint32)


def masked_crc32c(data: bytes) -> int:
    """The checksum of TFRecord and LevelDB logs: CRC-32C (Castagnoli), rotated and shifted."""
    crc = 0xFFFFFFFF
    table = _CRC32C
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ (crc >> 8)
    return int(_masked(crc ^ 0xFFFFFFFF))


def masked_crc32c_of_rows(messages: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The same for many messages of one length, ``[n, length]``, byte by byte for all of them at once."""
    crc = np.full(len(messages), 0xFFFFFFFF, dtype=np.uint32)
    for column in messages.T:
        crc = _CRC32C_ARRAY[(crc ^ column) & 255] ^ (crc >> 8)
    masked: NDArray[np.int64] = _masked(crc.astype(np.int64) ^ 0xFFFFFFFF)
    return masked


def _masked(crc: Any) -> Any:
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
