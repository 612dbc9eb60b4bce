"""Train exactly what a config says, and keep the log."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from lossdoctor.core.config import load
from lossdoctor.core.errors import UsageError
from lossdoctor.core.fix import EPOCHS, Patch

COLUMNS = ("step", "epoch", "train_loss", "val_loss", "lr", "grad_norm", "train_accuracy", "val_accuracy", "val_balanced_accuracy")

Row = dict[str, float]


def train(
    config: str | Path,
    *,
    output: str | Path | TextIO | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    device: str | None = None,
    progress: Callable[[Row, int], None] | None = None,
) -> list[Row]:
    """Train the config and return one row of metrics an epoch, validation unweighted and in the original units.

    ``output`` is a CSV file, or an open one, that grows row by row, so that it can be watched; ``progress`` is told each
    row and the number of rows there will be.
    """
    from lossdoctor.lab.fit import fit
    from lossdoctor.lab.workload import Workload

    file = load(config)
    changes = {EPOCHS: epochs, "training.seed": seed}
    settings = file.patched(Patch({key: value for key, value in changes.items() if value is not None}))
    workload = Workload.load(file, device).patched(settings)
    rows: list[Row] = []
    with LogFile(output) as log:

        def keep(row: Row) -> None:
            rows.append(row)
            log.write(row)
            if progress:
                progress(row, settings.training.epochs)

        fit(workload, settings.training.seed, workload.steps, workload.steps_per_epoch, keep_going=True, on_row=keep)
    return rows


def best(rows: list[Row]) -> Row:
    """The row with the lowest validation loss; training loss where there is no validation; the last where none is a number."""
    judged = "val_loss" if "val_loss" in rows[-1] else "train_loss"
    return min(rows[::-1], key=lambda row: row[judged] if math.isfinite(row[judged]) else math.inf)


def _open(path: Path) -> TextIO:
    try:
        return path.open("w", newline="", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--output {path}: cannot be written: {error.strerror}") from None


class LogFile:
    """A CSV log that is written row by row; columns that do not apply to the task are left out."""

    def __init__(self, output: str | Path | TextIO | None) -> None:
        self.ours = isinstance(output, str | Path)
        self.file = _open(Path(output)) if isinstance(output, str | Path) else output
        self.writer: csv.DictWriter[str] | None = None

    def __enter__(self) -> LogFile:
        return self

    def __exit__(self, *_: object) -> None:
        if self.file and self.ours:
            self.file.close()

    def write(self, row: Row) -> None:
        """Append a row and flush it."""
        if self.file is None:
            return
        if self.writer is None:
            self.writer = csv.DictWriter(self.file, [name for name in COLUMNS if name in row], extrasaction="ignore")
            self.writer.writeheader()
        self.writer.writerow(row)
        self.file.flush()
