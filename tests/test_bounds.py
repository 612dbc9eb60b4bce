"""Logs made to exhaust the machine end in a run or in one true sentence, within 1 GB and 10 s of processor time."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from lossdoctor.core.errors import UnreadableLog
from lossdoctor.read import read

CSV = "step,train_loss\n" + "".join(f"{i},{1 / (1 + i)}\n" for i in range(50))
LINE = 100_000_000


def diagnose(path: Path) -> tuple[int, str]:
    """Exit code and last line of the errors, of a process whose costs are watched."""
    with subprocess.Popen(
        [sys.executable, "-m", "lossdoctor", "diagnose", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        said = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert used.ru_maxrss < 1_000_000 * (1024 if sys.platform == "darwin" else 1)  # kB, on macOS bytes
    assert used.ru_utime + used.ru_stime < 10
    assert "Traceback" not in said
    return process.returncode, said.strip()


def bomb(unit: bytes, head: bytes = b"") -> bytes:
    """3 GB in 3,000 members of a gzip file."""
    return gzip.compress(head) + gzip.compress(unit * (1_000_000 // len(unit))) * 3000


@pytest.mark.parametrize(
    ("unit", "head"),
    [(b"1,0.5\n", b"step,loss\n"), (b"1", b"step,loss\n1,2\n"), (b"step 1 loss: 0.5\n", b""), (b"1,", b'{"loss":['), (b"\0", b"")],
    ids=["table", "line", "text", "json", "zeros"],
)
def test_a_bomb_is_refused(tmp_path: Path, unit: bytes, head: bytes) -> None:
    path = tmp_path / "log.gz"
    path.write_bytes(bomb(unit, head))
    code, said = diagnose(path)
    assert (code, "times its size" in said) == (2, True)


def test_a_bomb_in_a_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("log.csv", "w") as file:
        file.write(b"step,loss\n")
        for _ in range(100):
            file.write(b"1,0.5\n" * 160_000)
    code, said = diagnose(path)
    assert (code, "times its size" in said) == (2, True)


LONG_LINES: dict[str, Callable[[], tuple[bytes, int]]] = {
    "text": lambda: (b"loss: 0.5 " + b"x" * LINE, 0),
    "words": lambda: (b"step 1 loss 0.5\n" + b"loss: 0.5 " * (LINE // 10) + b"\n", 0),
    "table": lambda: (b"step,loss\n1,2\n" + b"1" * LINE + b"\n3,4\n", 2),
    "header": lambda: (b"," * LINE + b"\n3,4\n", 2),
    "json lines": lambda: (b'{"step":1,"loss":2}\n{"loss":"' + b"1" * LINE + b'"}\n{"step":3,"loss":2}\n', 0),
    "json": lambda: (b'{"loss":[' + b"1," * (LINE // 2) + b"1]}", 2),
}


@pytest.mark.parametrize("kind", LONG_LINES)
def test_a_line_of_100_mb(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "log"
    data, code = LONG_LINES[kind]()
    path.write_bytes(data)
    assert diagnose(path)[0] == code


def wide(rows: int) -> str:
    header = ",".join(["step", "train_loss", *(f"loss_{i}" for i in range(20_000))])
    return header + "\n" + "".join(f"{row}," + ",".join(["0.5"] * 20_001) + "\n" for row in range(rows))


def test_20_000_columns(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(wide(20))
    assert diagnose(path) == (0, "")
    (run,) = read(path)
    assert run.series["train_loss"] == 20
    assert any("more than 10,000 series" in note for note in run.notes)


@pytest.mark.slow
def test_20_000_columns_and_many_rows(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(wide(500))
    assert diagnose(path)[0] == 0


@pytest.mark.slow
def test_a_name_of_its_own_for_each_line(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text("".join(f'{{"step": {i}, "loss_{i}": 1.0}}\n' for i in range(200_000)))
    assert diagnose(path)[0] in (0, 2)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["txt", "bin"])
def test_100_000_files(tmp_path: Path, suffix: str) -> None:
    for i in range(100_000):
        (tmp_path / f"{i}.{suffix}").touch()
    code, said = diagnose(tmp_path)
    assert (code, "no training log that can be read" in said) == (2, True)


def test_a_large_folder_is_searched_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules["lossdoctor.read"].__dict__, "FILES", 5)  # the name is also a function's
    for i in range(9):
        (tmp_path / f"{i}").mkdir()
        (tmp_path / f"{i}" / "log.csv").write_text(CSV)
    runs = read(tmp_path)
    assert len(runs) == 5
    assert any("larger than is searched" in note for note in runs[0].notes)


def test_links_that_go_round(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "back").symlink_to(tmp_path)
    (tmp_path / "a" / "log.csv").write_text(CSV)
    (tmp_path / "a" / "same.csv").symlink_to("log.csv")
    (tmp_path / "a" / "gone.csv").symlink_to("nowhere")
    (tmp_path / "self").symlink_to("self")
    assert len(read(tmp_path)) == 1
    with pytest.raises(UnreadableLog):
        read(tmp_path / "self")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have names on POSIX")
def test_pipes_and_devices(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log.csv")
    for path in (tmp_path / "log.csv", Path("/dev/zero")):
        with pytest.raises(UnreadableLog, match="neither a file nor a folder"):
            read(path)
    with pytest.raises(UnreadableLog, match="no training log"):
        read(tmp_path)


def test_what_cannot_be_read_in_a_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(CSV)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(CSV.encode())[:-30])
    (tmp_path / "prices.csv").write_text("day,price\n1,2\n2,3\n")
    (run,) = read(tmp_path)
    assert [note for note in run.notes if "b.csv.gz is a damaged archive" in note]
    assert not [note for note in run.notes if "prices" in note]
    (tmp_path / "a.csv").unlink()
    with pytest.raises(UnreadableLog, match=r"no training log that can be read.*damaged archive"):
        read(tmp_path)


# --- packed logs ---


def zipped(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, CSV)
    return out.getvalue()


PACKED = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zip": lambda data: zipped("log.csv")}


@pytest.mark.parametrize("kind", PACKED)
def test_packed(kind: str) -> None:
    data = PACKED[kind](CSV.encode())
    (run,) = read("-", stdin=data)
    assert run.series == {"train_loss": 50}
    with pytest.raises(UnreadableLog, match="damaged archive"):
        read("-", stdin=data[: len(data) // 2])


def test_zstandard() -> None:
    zstandard = pytest.importorskip("zstandard")
    data = zstandard.ZstdCompressor().compress(CSV.encode())
    (run,) = read("-", stdin=data)
    assert run.series == {"train_loss": 50}
    with pytest.raises(UnreadableLog, match=r"damaged archive|empty"):
        read("-", stdin=data[:30])


def test_zstandard_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(UnreadableLog, match="pip install zstandard"):
        read("-", stdin=b"\x28\xb5\x2f\xfd" + bytes(40))


def test_an_archive_of_several_files() -> None:
    with pytest.raises(UnreadableLog, match="archive of 2 files; unpack it"):
        read("-", stdin=zipped("a.csv", "b.csv"))
