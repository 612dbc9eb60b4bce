"""The journal of a probe: every training that was done, so that a probe that was interrupted goes on where it was."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lossdoctor.core.fix import Patch
from lossdoctor.lab.executor import Job, Outcome
from lossdoctor.lab.fit import RandomState, Row, seed_everything
from lossdoctor.lab.workload import Workload

FOLDER = ".lossdoctor_cache"
LOOKED_AT = 4096  # examples of a split that tell whether the data are the same


def fingerprint(workload: Workload) -> str:
    """A digest of the config, but for how it is probed, and of the data."""
    digest = hashlib.sha256(workload.config.model_dump_json(exclude={"probe"}).encode())
    around = RandomState.now(workload.device)
    seed_everything(0)
    for split in workload.splits:
        index = torch.linspace(0, len(split) - 1, min(LOOKED_AT, len(split))).long()
        digest.update(f"{len(split)}".encode())
        for tensor in _tensors(split.batch(index)):
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
    around.restore()
    return digest.hexdigest()


def sources(folder: Path) -> str:
    """A digest of torch's version and of the user's own modules, as far as they lie in ``folder``."""
    digest = hashlib.sha256(torch.__version__.encode())
    files = {str(getattr(module, "__file__", None) or "") for module in list(sys.modules.values())}
    for file in sorted(files):
        path = Path(file)
        if path.suffix == ".py" and folder.resolve() in path.resolve().parents and "site-packages" not in path.parts and path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


class Journal:
    """Outcomes by job, kept in a file beside the config until the probe has come to its end.

    The file is named after config, data and code: where any of them has changed, another one is begun. Where nothing can be
    written the probe goes on without.
    """

    def __init__(self, config: Path, workload: Workload, version: str, *, resume: bool = True) -> None:
        mark = hashlib.sha256((version + fingerprint(workload) + sources(workload.folder)).encode()).hexdigest()[:16]
        self.path = config.parent / FOLDER / f"{config.stem}-{mark}.jsonl"
        if not resume:
            self.path.unlink(missing_ok=True)
        self.known = dict(self._read())

    def add(self, job: Job, outcome: Outcome) -> None:
        """Write down what came of a job; a later line for the same training stands for the whole of it."""
        line = json.dumps([job.key, job.until, vars(outcome)])
        try:
            if not self.path.parent.exists():
                self.path.parent.mkdir()
                (self.path.parent / ".gitignore").write_text("*\n")
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError:
            return

    def close(self) -> None:
        """Throw the journal away, and its folder with the last one: the probe has come to its end."""
        self.path.unlink(missing_ok=True)
        folder = self.path.parent
        if folder.is_dir() and [file.name for file in folder.iterdir()] == [".gitignore"]:
            shutil.rmtree(folder, ignore_errors=True)

    def _read(self) -> Iterator[tuple[str, tuple[int, Outcome]]]:
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except OSError:
            return
        for line in lines:
            try:
                key, until, outcome = json.loads(line)
            except ValueError:  # the last line of a probe that was killed
                continue
            yield key, (until, Outcome(**outcome))


def write_logs(logs: Iterable[tuple[Patch, int, list[Row], str | None]], folder: Path) -> None:
    """The log of every trial as CSV, and ``index.csv`` with the changes that each made to the config."""
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as file:
        index = csv.writer(file)
        index.writerow(("file", "seed", "steps", "changes", "error"))
        for number, (patch, seed, rows, error) in enumerate(logs):
            name = f"trial_{number:03}.csv" if rows else ""
            index.writerow((name, seed, rows[-1]["step"] if rows else 0, json.dumps(dict(patch.changes)), error or ""))
            if rows:
                with (folder / name).open("w", newline="", encoding="utf-8") as log:
                    writer = csv.DictWriter(log, rows[0], extrasaction="ignore")
                    writer.writeheader()
                    writer.writerows(rows)


def _tensors(batch: Any) -> Iterator[Tensor]:
    if isinstance(batch, Tensor):
        yield batch.detach()
    elif isinstance(batch, dict):
        for value in batch.values():
            yield from _tensors(value)
    elif isinstance(batch, list | tuple):
        for value in batch:
            yield from _tensors(value)
