"""Trials in processes of their own: a crash, a hang or an exit in the user's code is the outcome of one trial, and no more."""

from __future__ import annotations

import contextlib
import json
import math
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Protocol

import torch

from lossdoctor.core.config import ConfigFile
from lossdoctor.core.errors import UserCodeError
from lossdoctor.lab.executor import Executor, InProcess, Job, Outcome, Pace, as_json
from lossdoctor.lab.fit import Row
from lossdoctor.lab.journal import fingerprint
from lossdoctor.lab.workload import Workload

WORTHWHILE = 30.0  # seconds of training that a second worker is started for
STARTING = 120.0  # seconds that a worker may take to import torch and the user's code and to load the data
FIRST = 60.0  # seconds that the first steps of a process may take beyond what they should
SLOW = 20.0  # times the expected time, after which a training hangs
BREATH = 10.0  # seconds that are always waited


class Unavailable(Exception):
    """No worker can load the workload, or it loads other data than this process: what is not in files, or not twice the same."""


class Hangs(Exception):
    """No answer in time."""


class Late(Hangs):
    """No answer by the end of the time that there is for trials, which was too short for anything to hang."""


class Died(Exception):
    """The process is gone."""


class Workers(Executor, Protocol):
    """An executor that begins to load the workload while this process loads its own."""

    def ready(self, fingerprint: str) -> None:
        """Wait until a worker has loaded the workload; raises Unavailable where it is not the one meant."""

    def widen(self, fingerprint: str) -> None:
        """Add a worker, where that is not done already."""


def start(file: ConfigFile, device: str | None) -> Workers:
    """The workers that the config asks for."""
    where = device or file.config.probe.device
    if file.config.probe.executor == "ray":
        from lossdoctor.lab.cluster import OnRay

        return OnRay(file, where)
    return Isolated(file.values, file.path, where)


def settled(executor: Workers, file: ConfigFile, workload: Workload, steps: int) -> tuple[Executor, Pace]:
    """An executor that is ready, and the time that a step takes; in this process where no worker can have the same workload.

    A second worker pays off where all trials, ``steps`` together, take longer than it takes to begin, and there is a core for it.
    Raises UserCodeError where the training of the config as it is ends its process.
    """
    mark = fingerprint(workload)
    try:
        executor.ready(mark)
        pace = executor.tempo()
        if pace.error is None and workload.device.type == "cpu" and (os.cpu_count() or 1) > 1 and steps * pace.seconds > WORTHWHILE:
            executor.widen(mark)
    except Unavailable:
        executor.close()
        local = InProcess(file.values, workload)
        return local, local.tempo()
    if pace.error:
        raise UserCodeError(f"{file.path}: the training of the config as it is fails: {pace.error}")
    return executor, pace


class Worker:
    """One process that loads the workload and runs jobs one after another; it keeps its trainings."""

    def __init__(self, values: Mapping[str, Any], path: str, device: str, threads: int) -> None:
        self.words = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115  (closed with the process)
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from lossdoctor.lab.worker import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.words,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, map(os.path.abspath, sys.path)))},
            start_new_session=True,  # an interrupt is for us: we end it
        )
        self.answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.seconds = 0.0  # of the slowest row so far
        threading.Thread(target=self._listen, args=(self.process.stdout,), daemon=True).start()
        hello = {"sys_path": sys.path, "values": values, "path": path, "device": device, "threads": threads}
        self._send(json.dumps(hello, default=str))

    def ready(self) -> str:
        """The fingerprint of the workload that it has loaded."""
        answer = self._answer(STARTING)
        if "failed" in answer:
            raise Unavailable(answer["failed"])
        return str(answer["ready"])

    def tempo(self) -> Pace:
        self._send('{"tempo": true}')
        answer = self._answer(STARTING)
        if "failed" in answer:
            raise Unavailable(answer["failed"])
        return Pace(**answer["tempo"])

    def set_threads(self, threads: int) -> None:
        self._send(json.dumps({"threads": threads}))

    def run(self, job: Job, expected: float, rows: list[Row]) -> dict[str, Any]:
        """Put the new rows of a training into ``rows``; what is said of its end. ``expected`` are the seconds to the next row."""
        self._send(as_json(job))
        patience = FIRST
        while True:
            begin = time.monotonic()
            hanging, late = SLOW * max(expected, self.seconds) + BREATH + patience, job.seconds + BREATH + patience
            try:
                answer = self._answer(min(hanging, late))
            except Hangs:
                raise (Late if late < hanging else Hangs) from None
            patience = 0.0
            if "end" in answer:
                return dict(answer["end"])
            rows.append(answer["row"])
            self.seconds = max(self.seconds, time.monotonic() - begin)

    def why(self) -> str:
        """What is known of the end of the process: the signal or the exit status, and its last words."""
        code = self.process.wait()
        self.words.seek(0)
        lines = [line.strip() for line in self.words.read().splitlines() if line.strip()]
        last = f": {lines[-1][:200]}" if lines else ""
        if code >= 0:
            return f"the training ended its process with exit status {code}{last}"
        name = signal.Signals(-code).name if -code in {s.value for s in signal.Signals} else f"signal {-code}"
        memory = ", as the system does where memory runs out" if name == "SIGKILL" else ""
        return f"the training crashed its process ({name}{memory}){last}"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def _listen(self, answers: IO[str]) -> None:
        with contextlib.suppress(ValueError, OSError):
            for line in answers:
                self.answers.put(json.loads(line))
        self.answers.put(None)

    def _send(self, line: str) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):  # it is gone: the next answer tells
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()

    def _answer(self, seconds: float) -> dict[str, Any]:
        try:
            answer = self.answers.get(timeout=seconds if math.isfinite(seconds) else None)
        except queue.Empty:
            raise Hangs from None
        if answer is None:
            raise Died
        return answer


class Isolated:
    """Runs jobs in warm workers, as many at once as there are workers; a training goes on in the worker that began it.

    A worker that dies or hangs is replaced; what it had kept is trained anew where it is asked for again.
    """

    def __init__(self, values: Mapping[str, Any], path: Path, device: str) -> None:
        self._start: Callable[[int], Worker] = lambda threads: Worker(values, str(path), device, threads)
        self.threads = 0
        self.pace = 0.0
        self.workers = [self._start(0)]
        self.homes: dict[str, tuple[int, list[Row]]] = {}
        self.locks = [threading.Lock()]
        self.closed = False

    @property
    def width(self) -> int:
        return len(self.workers)

    def ready(self, fingerprint: str) -> None:
        """Wait until the newest worker has loaded the workload; raises Unavailable where it is not the one meant."""
        try:
            found = self.workers[-1].ready()
        except (Died, Hangs):
            raise Unavailable("the process ended while it loaded the workload") from None
        if found != fingerprint:
            raise Unavailable("the data come out different each time they are loaded")

    def widen(self, fingerprint: str) -> None:
        """Add a worker; from now on each has one thread."""
        self.threads = 1
        self.workers[0].set_threads(1)
        self.workers.append(self._start(1))
        self.locks.append(threading.Lock())
        self.ready(fingerprint)

    def tempo(self) -> Pace:
        try:
            pace = self.workers[0].tempo()
        except (Died, Hangs) as end:
            return Pace(0.0, 1, 0, self._replaced(0, end))
        self.threads, self.pace = pace.threads, pace.seconds
        torch.set_num_threads(pace.threads)
        return pace

    def run(self, job: Job) -> Outcome:
        with self._worker(job) as place:
            known, new = self.homes.get(job.key, (place, []))[1], list[Row]()
            try:
                end = self.workers[place].run(job, self.pace * job.every, new)
            except (Died, Hangs) as end_of_all:
                why = self._replaced(place, end_of_all)
                late = isinstance(end_of_all, Late)
                end = {"taken": len(new) * job.every, "error": None if late else why, "late": late}
            fresh = not new or new[0]["step"] <= job.every
            rows = new if new and fresh else [*known, *new]
            self.homes[job.key] = place, rows
            return Outcome(rows, **end)

    def close(self) -> None:
        self.closed = True
        for worker in self.workers:
            worker.kill()

    @contextlib.contextmanager
    def _worker(self, job: Job) -> Iterator[int]:
        """The place of the worker that knows the training, or of the first that is free."""
        home = self.homes.get(job.key)
        if home:
            with self.locks[home[0]]:
                yield home[0]
            return
        while True:
            for place, lock in enumerate(self.locks):
                if lock.acquire(blocking=False):
                    try:
                        yield place
                    finally:
                        lock.release()
                    return
            time.sleep(0.001)

    def _replaced(self, place: int, end: Exception) -> str:
        """Put a fresh worker in the place of one that is no more; the sentence why."""
        worker = self.workers[place]
        if isinstance(end, Hangs):
            worker.kill()
            why = "the training hangs: no progress in the time of many steps"
        else:
            why = worker.why()
        self.homes = {key: home for key, home in self.homes.items() if home[0] != place}
        if self.closed:
            return why
        self.workers[place] = fresh = self._start(self.threads)
        with contextlib.suppress(Died, Hangs, Unavailable):
            fresh.ready()
        return why
