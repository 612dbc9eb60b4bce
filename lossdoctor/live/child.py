"""Trainings that we have in hand: a command that we start, or whoever writes to our standard input."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import IO, Any

from lossdoctor.core.errors import UsageError

PASSED_ON = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
BY_SIGNAL = 128  # a shell adds it to the number of the signal that ended a command


class Child:
    """A command in a process group of its own, which gets the signals that we get.

    Its output goes where ours does; with ``copy``, that and its errors also go to this file. ``grace`` is how many seconds ``stop``
    waits after SIGTERM before SIGKILL. To be used as a context: the signals are passed on inside it.
    """

    def __init__(self, command: Sequence[str], *, grace: float = 10.0, copy: Path | None = None) -> None:
        self.command, self.grace, self.copy = command, grace, copy
        self.ended = threading.Event()
        self.signal: int | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.handlers: dict[int, Any] = {}

    def __enter__(self) -> Child:
        for number in (getattr(signal, name) for name in PASSED_ON):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup ignores a closed terminal, for the child too
                self.handlers[number] = signal.signal(number, self._pass_on)
        try:
            self.process = self._started()
        except OSError as error:
            self.__exit__()
            raise UsageError(f"{self.command[0]} cannot be started: {error.strerror}; check the command after --") from error
        threading.Thread(target=self._await, args=(self.process,), daemon=True).start()
        if self.signal is not None:
            self._send(self.signal)  # it came before there was someone to pass it on to
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.handlers.items():
            signal.signal(number, handler)

    def _started(self) -> subprocess.Popen[bytes]:
        keyboard = sys.stdin is None or sys.stdin.isatty()  # which a group in the background cannot read
        piped: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} if self.copy else {}
        environment = {"PYTHONUNBUFFERED": "1", **os.environ} if self.copy else None
        return subprocess.Popen(self.command, process_group=0, stdin=subprocess.DEVNULL if keyboard else None, env=environment, **piped)

    @property
    def interrupted(self) -> bool:
        return self.signal is not None

    @property
    def code(self) -> int | None:
        """As a shell has it: 128 and the signal that ended it; where a signal reached us, that one, whatever the child made of it."""
        code = self.process.returncode if self.process else None
        if self.signal is not None:
            return BY_SIGNAL + self.signal
        return BY_SIGNAL - code if code is not None and code < 0 else code

    def wait(self, seconds: float) -> bool:
        return self.ended.wait(seconds)

    def stop(self) -> None:
        """SIGTERM to all of its group; SIGKILL to what is left when it has ended, or when the grace is over."""
        self._send(signal.SIGTERM)
        self.ended.wait(self.grace)
        self._send(signal.SIGKILL)
        self.ended.wait()

    def _send(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):  # it has ended
            if self.process:
                os.killpg(self.process.pid, number)

    def _pass_on(self, number: int, _: FrameType | None) -> None:
        if signal.Signals(number).name in ENDING:
            self.signal = number
        self._send(number)

    def _await(self, process: subprocess.Popen[bytes]) -> None:
        copying = _copying(process.stdout, self.copy, sys.stdout.buffer) if self.copy and process.stdout else None
        process.wait()
        if copying:
            copying.join(timeout=5)  # a grandchild may hold the pipe open
        self.ended.set()


class Input:
    """Whoever writes to our standard input, which is copied to a file; its end is the end of the training."""

    interrupted = False
    code = None

    def __init__(self, copy: Path) -> None:
        self.copying = _copying(sys.stdin.buffer, copy)

    def wait(self, seconds: float) -> bool:
        self.copying.join(seconds)
        return not self.copying.is_alive()

    def stop(self) -> None:
        """It is not ours to end: it meets a closed pipe when we do."""


def _copying(stream: IO[bytes], copy: Path, *others: IO[bytes]) -> threading.Thread:
    """A thread that copies a stream as it comes, to a file and to other streams; one of those that is closed is left out."""
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    open_ones = list(others)

    def work() -> None:
        with copy.open("wb") as file:
            while data := read(65_536):
                file.write(data)
                file.flush()
                for other in list(open_ones):
                    try:
                        other.write(data)
                        other.flush()
                    except OSError:
                        open_ones.remove(other)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread
