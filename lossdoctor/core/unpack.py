"""Packed logs: gz, bz2, xz, zst and zip, unpacked as they are read."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from typing import IO, Any, BinaryIO, cast

from lossdoctor.core.errors import UnreadableLog

CHUNK = 262_144  # bytes unpacked at a time
LARGE = 32 * 1024 * 1024  # bytes up to which a log may unpack to any multiple of its size
RATIO = 100  # times its size that a larger one may unpack to; real logs shrink to a third or a twentieth


class Unpacked(io.BufferedReader):
    """The content of a packed log."""


def unpacked(packed: BinaryIO, name: str) -> Unpacked | None:
    """The content of a packed log, or None where it is not packed; ``name`` is for messages.

    Reading raises ``UnreadableLog`` where the archive is damaged, or where it grows out of all proportion.
    """
    magic = packed.read(6)
    packed.seek(0)
    try:
        content = _content(magic, packed, name)
    except (OSError, zipfile.BadZipFile) as error:
        raise _damaged(name, error) from error
    return Unpacked(_Bounded(content, packed, name), CHUNK) if content else None


def _content(magic: bytes, packed: BinaryIO, name: str) -> IO[bytes] | None:
    if magic.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.GzipFile(fileobj=packed))
    if magic.startswith(b"BZh"):
        return bz2.BZ2File(packed)
    if magic == b"\xfd7zXZ\x00":
        return lzma.LZMAFile(packed)
    if magic.startswith(b"\x28\xb5\x2f\xfd"):
        return _zstandard(packed, name)
    if magic.startswith(b"PK\x03\x04"):
        return _only_member(packed, name)
    return None


def _zstandard(packed: BinaryIO, name: str) -> IO[bytes]:
    try:
        import zstandard
    except ImportError:
        raise UnreadableLog(f"{name} is packed with zstd; run: pip install zstandard, or unpack it and give the log") from None
    return cast(IO[bytes], zstandard.ZstdDecompressor(max_window_size=128 * 1024 * 1024).stream_reader(packed, read_across_frames=True))


def _only_member(packed: BinaryIO, name: str) -> IO[bytes]:
    archive = zipfile.ZipFile(packed)
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) != 1:
        raise UnreadableLog(f"{name} is an archive of {len(members):,} files; unpack it and give the log")
    if members[0].flag_bits & 1:
        raise UnreadableLog(f"{name} is encrypted; unpack it and give the log")
    return archive.open(members[0])


def _damaged(name: str, error: Exception) -> UnreadableLog:
    return UnreadableLog(f"{name} is a damaged archive ({str(error) or type(error).__name__}); unpack it, or copy it again")


class _Bounded(io.RawIOBase):
    """The content of an archive, given up where it was made to fill the memory."""

    def __init__(self, content: IO[bytes], packed: BinaryIO, name: str) -> None:
        self.content, self.packed, self.archive = content, packed, name
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        try:
            data = self.content.read(len(buffer))
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError) as error:
            raise _damaged(self.archive, error) from error
        except Exception as error:
            if type(error).__name__ != "ZstdError":  # of a package that may be missing
                raise
            raise _damaged(self.archive, error) from error
        self.size += len(data)
        if self.size > LARGE and self.size > RATIO * self.packed.tell():
            raise UnreadableLog(f"{self.archive} unpacks to more than {RATIO} times its size; if that is right, unpack it and give the log")
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self.content.close()
        self.packed.close()
        super().close()
