"""The watch inside a training loop: told the numbers as they come, it knows when to stop."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from lossdoctor.core.assemble import collect, runs_in
from lossdoctor.core.diagnosis import Diagnosis
from lossdoctor.core.errors import NoLog, UsageError
from lossdoctor.core.names import recognise
from lossdoctor.core.ruling import Objection
from lossdoctor.diagnose import diagnose
from lossdoctor.live.history import History
from lossdoctor.live.stopping import HOPELESS, Patience

BATCH = 1024  # rows after which tensors become numbers, all at once,
SECONDS = 10.0  # or the time after which they do
GROWTH = 1.1  # times as many rows as at the look before make another look worth it
FIRST = 20  # rows before the first look
COST = 1.0  # seconds that the first look is taken to need; it loads what it needs


class Monitor:
    """Judges a training from inside: ``log`` the numbers of each step, and leave the loop when ``should_stop``.

    ::

        monitor = Monitor("run.jsonl")
        for batch in loader:
            ...
            monitor.log(loss=loss, lr=scheduler.get_last_lr()[0])
            if monitor.should_stop:
                print(monitor.reason.message)
                break

    Names are understood as columns of a log are (``loss``, ``val_loss``, ``train/acc``, ``lr``, ``grad_norm``, ``epoch``, ``step``; calls
    are counted where no step is given), and values are numbers or tensors of one element. A tensor on an accelerator is copied there
    and fetched with hundreds of others, so that the accelerator does not wait. ``log`` names a file that gets the rows as JSON lines,
    for ``lossdoctor diagnose``. The run is judged when it has grown by a tenth, and only as long as judging takes less than
    ``overhead`` of the time. ``fail_on`` and ``hold`` (seconds) are the options of ``lossdoctor watch``.

    In distributed training make one on the first process alone, and tell the others when to stop. Raises
    :class:`~lossdoctor.core.errors.UsageError` for what is no number and for a file that cannot be written.
    """

    def __init__(
        self, log: str | Path | None = None, *, fail_on: Iterable[str] = HOPELESS, hold: float = 60.0, overhead: float = 0.01
    ) -> None:
        self.patience = Patience(fail_on, hold=hold)
        self.overhead = overhead
        self.reason: Objection | None = None  # to stop
        self.path = Path(log) if log is not None else None
        try:
            self.file = self.path.open("w", encoding="utf-8") if self.path else None
        except OSError as error:
            raise UsageError(f"{log}: cannot be written: {error.strerror}; name another file") from error
        self.looks, self.spent = 0, 0.0  # how many, and the seconds that they took
        self._rows: list[dict[str, Any]] = []  # that are not yet in the history
        self._history = History()
        self._count = 0  # rows in the history
        self._looked_at = 0  # rows at the last look
        self._begin = self._flushed = time.monotonic()
        self._cost = COST
        self._failed = False

    def log(self, values: Mapping[str, Any] | None = None, /, **named: Any) -> None:
        """Take down the numbers of one step, by name or, for names such as ``train/loss``, as a mapping."""
        row = {**values, **named} if values else named
        for name, value in row.items():
            if value.__class__ is not float:
                row[name] = _kept(name, value)
        self._rows.append(row)
        if len(self._rows) >= BATCH or time.monotonic() - self._flushed >= SECONDS:
            self.flush()
            self._look_if_worth_it()

    @property
    def should_stop(self) -> bool:
        """Whether the training is beyond hope; ``reason`` says why. Once true, it stays so."""
        return self.reason is not None

    @property
    def diagnosis(self) -> Diagnosis | None:
        """The diagnosis of all that was logged, made now; None where there is nothing to judge."""
        self.flush()
        try:
            run = runs_in(self._history.log(), source=str(self.path or "monitor"), reader="monitor")[-1]
        except NoLog:
            return None
        return diagnose(run)[0]

    def flush(self) -> None:
        """Fetch the numbers, and write them to the file."""
        self._flushed = time.monotonic()
        rows, self._rows = self._rows, []
        _fetch(rows)
        counts = {names: any(_is_step(name) for name in names) for names in set(map(tuple, rows))}
        for place, row in enumerate(rows, self._count):
            if not counts[tuple(row)]:
                row["step"] = place
        self._count += len(rows)
        if rows:
            self._history.add(collect(rows))
        if rows and self.file:
            self.file.writelines(f"{json.dumps(row)}\n" for row in rows)
            self.file.flush()

    def close(self) -> None:
        """Write what is left, and close the file."""
        self.flush()
        if self.file:
            self.file.close()
            self.file = None

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def look(self) -> Diagnosis | None:
        """Judge the run now, whatever it costs."""
        begin = time.monotonic()
        diagnosis = self.diagnosis
        if diagnosis:
            self.reason = self.reason or self.patience.lasting(diagnosis)
        self.looks += 1
        self._looked_at = self._count
        self._cost = time.monotonic() - begin
        self.spent += self._cost
        return diagnosis

    def _look_if_worth_it(self) -> None:
        grown = self._count >= max(FIRST, GROWTH * self._looked_at)
        if self._failed or not grown or self.spent + self._cost > self.overhead * (time.monotonic() - self._begin):
            return
        try:
            self.look()
        except Exception as error:  # the training is worth more than our opinion of it
            self._failed = True
            warnings.warn(f"lossdoctor cannot judge this run and leaves it alone: {type(error).__name__}: {error}", stacklevel=3)


def _kept(name: str, value: Any) -> Any:
    """A number; of a tensor on an accelerator a copy that stays there, and keeps no graph alive."""
    try:
        on_cpu = getattr(value, "is_cpu", None)
        if on_cpu is None:  # no tensor of torch
            return None if value is None else float(value)
        if on_cpu:
            return float(value.item())
        if value.numel() == 1:
            return value.detach().clone()
    except (TypeError, ValueError, RuntimeError):
        pass
    raise UsageError(f"monitor.log({name}={value!s:.60}): that is no single number; log its mean")


def _fetch(rows: list[dict[str, Any]]) -> None:
    """Put numbers in the place of tensors, with one transfer for all that are alike, and leave out what is None."""
    alike: dict[Any, list[tuple[dict[str, Any], str]]] = {}
    for row in rows:
        for name, value in list(row.items()):
            if value is None:
                del row[name]
            elif hasattr(value, "detach"):
                alike.setdefault((value.device, value.dtype, value.shape), []).append((row, name))
    for found in alike.values():
        import torch

        numbers = torch.stack([row[name] for row, name in found]).flatten().tolist()
        for (row, name), number in zip(found, numbers, strict=True):
            row[name] = number


def _is_step(name: str) -> bool:
    role = recognise(name)
    return role is not None and role.metric == "step"
