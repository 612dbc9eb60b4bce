"""Trials on a Ray cluster: each place there is a worker as on this machine, in an actor with its share of the node.

Ray places the actors, brings the files to the nodes and finds out when a node is gone (Moritz et al. 2018, Ray: A Distributed
Framework for Emerging AI Applications). What the user's code does to its process is an outcome, as on this machine; a job whose
node dies is done anew elsewhere.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lossdoctor.core.config import ConfigFile
from lossdoctor.core.errors import MissingExtra, NoCluster, UserCodeError
from lossdoctor.lab.executor import Job, Outcome, Pace
from lossdoctor.lab.isolate import STARTING, Unavailable

WIDEST = 8  # places: a search asks for no more trials at once
TRIES = 3  # nodes that may die under a job
KNOCK = 5.0  # seconds in which an address must answer
BEAT = 5.0  # seconds between looks whether the cluster is there
LOOK = 0.01  # seconds between looks for a free place
KEPT = "the trials that were done are kept, and the same probe goes on from there"
HERE = "local"  # Ray's own word for a cluster on this machine
LEFT_BEHIND = [".git", ".venv", "__pycache__", ".lossdoctor_cache"]  # what no training needs


@dataclass(eq=False)
class Slot:
    """An actor; ``answer`` comes once it has loaded the workload; ``pace`` is known where it can be trained."""

    actor: Any
    answer: Any = None
    pace: Pace | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def settle(self) -> None:
        """Take in the answer; raises why the config cannot be trained there."""
        import ray

        pace = Pace(**ray.get(self.answer))
        if pace.error:
            raise Unavailable(pace.error)
        self.pace = pace


def place() -> type:
    """The actor's class: a worker in a process of its own, as on this machine, so that only the node can take the actor down.

    A class within a function travels whole, and what it is sent and answers are plain values: so Ray's own processes need not
    import torch, which those that serve ray:// addresses do not survive.
    """

    class Place:
        def __init__(self, values: dict[str, Any], path: str, device: str, folder: str | None) -> None:
            from lossdoctor.lab.isolate import Isolated

            if folder and Path(folder).is_dir():
                os.chdir(folder)
            self.inner = Isolated(values, Path(path), device)

        def load(self, fingerprint: str) -> dict[str, Any]:
            """The fields of its Pace, once the workload is there; ``error`` says why it cannot be trained."""
            from lossdoctor.lab.isolate import Unavailable

            try:
                self.inner.ready(fingerprint)
                return vars(self.inner.tempo())
            except Unavailable as why:
                return {"seconds": 0.0, "threads": 1, "steps": 0, "error": str(why)}

        def run(self, job: dict[str, Any]) -> dict[str, Any]:
            """The fields of the Outcome of a Job that is given by its own."""
            from lossdoctor.lab.executor import Job

            return vars(self.inner.run(Job(**job)))

    return Place


class OnRay:
    """Runs jobs on a Ray cluster, as many at once as it has places for; a training goes on in the place that began it.

    Raises MissingExtra where Ray is not installed, and NoCluster where none answers.
    """

    def __init__(self, file: ConfigFile, device: str) -> None:
        self.file, self.section = file, file.config.probe
        self.address = self.section.address or os.environ.get("RAY_ADDRESS") or HERE
        self.closed, self.mark = False, ""
        self.homes: dict[str, Slot] = {}
        self._connect()
        self._asked(device)
        self.slots = [self._slot() for _ in range(self._places())]

    @property
    def width(self) -> int:
        return len(self.slots)

    def ready(self, fingerprint: str) -> None:
        """Have the workload loaded everywhere, and wait for the first place; raises UserCodeError where it cannot be, or is another."""
        self.mark = fingerprint
        for slot in self.slots:
            self._load(slot)
        self._wait_for_one()

    def tempo(self) -> Pace:
        """That of the first place; all take the same steps to tell."""
        pace = next(slot.pace for slot in self.slots if slot.pace)
        return Pace(pace.seconds, pace.threads, pace.steps * len(self.slots))

    def widen(self, fingerprint: str) -> None:
        """All places were asked for at the start; they join as they come."""

    def run(self, job: Job) -> Outcome:
        """Raises NoCluster where no node is left: that is no outcome of a trial."""
        import ray

        try:
            return self._done(job)
        except (ray.exceptions.RayError, ConnectionError) as fault:
            raise self._gone(fault) from None

    def close(self) -> None:
        """Give the places back; a cluster that was begun for this probe ends."""
        import ray

        if self.closed:
            return
        self.closed = True
        for slot in self.slots:
            _kill(slot)
        ray.shutdown()

    def _done(self, job: Job) -> Outcome:
        """What comes of a job at the first place that lives long enough."""
        import ray

        for _ in range(TRIES):
            slot = self._take(job)
            try:
                answer = slot.actor.run.remote(asdict(job))
                if not self._comes(answer, job.seconds + STARTING):
                    self._replace(slot)
                    return Outcome(late=True)
                outcome = Outcome(**ray.get(answer))
                self.homes[job.key] = slot
                return outcome
            except (ray.exceptions.RayError, ConnectionError):
                self._replace(slot)
            finally:
                slot.lock.release()
        return Outcome(error=f"{TRIES} nodes of the cluster were lost while they trained it")

    def _connect(self) -> None:
        try:
            import ray
        except ImportError:
            raise MissingExtra("ray", "ray") from None
        os.environ.setdefault("RAY_RUNTIME_ENV_IGNORE_GITIGNORE", "1")  # data are rarely under version control
        environment: dict[str, Any] = {"py_modules": [str(Path(__file__).parents[1])]}
        if not self._sees_files:
            environment |= {"working_dir": str(self.file.path.parent.resolve()), "excludes": LEFT_BEHIND}
        extra: dict[str, Any] = {} if self.address.startswith("ray://") else {"log_to_driver": False}
        if self.address == HERE:
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a probe tells nobody
            extra["include_dashboard"] = False
        try:
            _knock(self.address)
            try:
                ray.init(self.address, runtime_env=environment, logging_level=logging.ERROR, **extra)
            except ConnectionAbortedError:  # the cluster is there, and its server for clients came to grief at the start
                ray.shutdown()
                ray.init(self.address, runtime_env=environment, logging_level=logging.ERROR, **extra)
            self.door = ray.get_runtime_context().gcs_address if self.address in (HERE, "auto") else self.address
        except Exception as error:
            raise NoCluster(f"{self.file.path}: probe.address: no Ray cluster to be used at {self.address!r}: {_sentence(error)}") from None

    @property
    def _sees_files(self) -> bool:
        """Whether the nodes find the config's folder where it is here."""
        return self.section.shared or self.address == HERE

    def _asked(self, device: str) -> None:
        """What a trial asks of a node: one CPU, and its share of a GPU where the config's device, or any node, has one."""
        import ray

        self.resources = ray.cluster_resources()
        if device == "auto":
            device = "cuda" if self.resources.get("GPU", 0) else "cpu"
        self.device = device.partition(":")[0]  # a node gives a trial the GPUs that are free
        self.share = self.section.gpus if self.device == "cuda" else 0.0

    def _places(self) -> int:
        places = self.resources.get("CPU", 1.0)
        if self.share:
            places = min(places, self.resources.get("GPU", 0.0) / self.share)
        return max(1, min(int(places), WIDEST))

    def _slot(self) -> Slot:
        import ray

        path = self.file.path.resolve() if self._sees_files else Path(self.file.path.name)
        actor = ray.remote(place()).options(num_cpus=1, num_gpus=self.share)
        return Slot(actor.remote(self.file.values, str(path), self.device, str(Path.cwd()) if self._sees_files else None))

    def _load(self, slot: Slot) -> None:
        slot.answer = slot.actor.load.remote(self.mark)

    def _loaded(self) -> list[Slot]:
        """The places that have the workload; those that cannot have it are given up."""
        for slot, why in self._answered(0.0):
            if why:
                self._drop(slot)
        return [slot for slot in list(self.slots) if slot.pace]

    def _answered(self, seconds: float) -> list[tuple[Slot, Exception | None]]:
        """Wait for the answer of a place that has not yet given one; why it cannot train the config."""
        import ray

        asked = {slot.answer: slot for slot in list(self.slots) if not slot.pace}
        there = ray.wait(list(asked), timeout=seconds)[0] if asked else []
        answered: list[tuple[Slot, Exception | None]] = []
        for slot in (asked[answer] for answer in there):
            try:
                slot.settle()
                answered.append((slot, None))
            except (Unavailable, ray.exceptions.RayError, ConnectionError) as fault:
                answered.append((slot, fault))
        return answered

    def _wait_for_one(self) -> None:
        """Wait for a place that has the workload; raises UserCodeError where none can, NoCluster where none comes."""
        end, fault = time.monotonic() + STARTING, None
        while self.slots and not any(slot.pace for slot in self.slots):
            answered = self._answered(min(BEAT, max(end - time.monotonic(), 0.0)))
            if not answered:
                self._look_after()
            if not answered and time.monotonic() > end:
                share = f" and {self.share:g} GPU" if self.share else ""
                raise NoCluster(
                    f"{self.file.path}: probe.executor: the Ray cluster at {self.address!r} begins no trial within {STARTING:.0f} s; "
                    f"each asks for 1 CPU{share}: see what `ray status` says; {KEPT}"
                )
            for slot, fault in answered:
                if fault:
                    self._drop(slot)
        if self.slots:
            return
        outside = "" if self._sees_files else "; what lies outside the config's folder reaches no node, unless probe.shared says so"
        raise UserCodeError(f"{self.file.path}: no node of the Ray cluster can train it: {_sentence(fault)}{outside}")

    def _take(self, job: Job) -> Slot:
        """The place that knows the training, or the first that is free, locked."""
        home = self.homes.get(job.key)
        if home:
            home.lock.acquire()
            if home in self.slots:
                return home
            home.lock.release()
        while not self.closed:
            loaded = self._loaded()
            for slot in loaded:
                if slot.lock.acquire(blocking=False):
                    return slot
            if loaded:
                time.sleep(LOOK)
            else:
                self._wait_for_one()
        raise NoCluster(f"{self.file.path}: the probe has ended")

    def _replace(self, slot: Slot) -> None:
        """Ask for another place instead of one whose node is gone; where there is none, the rest do."""
        if self.closed:
            return
        self._look_after()
        self._drop(slot)
        fresh = self._slot()
        self._load(fresh)
        self.slots.append(fresh)

    def _comes(self, answer: Any, seconds: float) -> bool:
        """Wait for an answer, and see meanwhile that the cluster is there."""
        import ray

        end = time.monotonic() + seconds
        while not ray.wait([answer], timeout=min(BEAT, max(end - time.monotonic(), 0.0)))[0]:
            if time.monotonic() > end:
                return False
            self._look_after()
        return True

    def _look_after(self) -> None:
        """Raise NoCluster where the cluster is gone; Ray would wait a minute and end this process."""
        try:
            _knock(self.door)
        except OSError as error:
            self.closed = True
            raise self._gone(error) from None

    def _gone(self, fault: Exception) -> NoCluster:
        return NoCluster(f"{self.file.path}: the Ray cluster at {self.address!r} is gone: {_sentence(fault)}; {KEPT}")

    def _drop(self, slot: Slot) -> None:
        with contextlib.suppress(ValueError):  # another thread was first
            self.slots.remove(slot)
        self.homes = {key: home for key, home in self.homes.items() if home is not slot}
        _kill(slot)


def _kill(slot: Slot) -> None:
    import ray

    with contextlib.suppress(Exception):  # whatever is left of it
        ray.kill(slot.actor)


def _knock(address: str) -> None:
    """Raise OSError where nothing listens; Ray itself waits for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK).close()


def _sentence(error: Exception | None) -> str:
    """What the other side raised, or the first and the last that Ray says."""
    lines = [line.strip() for line in str(getattr(error, "cause", None) or error).splitlines() if line.strip()]
    return " ... ".join(dict.fromkeys([*lines[:1], *lines[-1:]]))[:300] or type(error).__name__
