"""Callbacks for frameworks, each with the same arguments as ``Monitor``. A framework is loaded when its callback is asked for."""

from __future__ import annotations

from typing import Any

from lossdoctor.live.monitor import Monitor


class Watching:
    """What the callbacks share: a ``Monitor`` that is made when the training begins, or that was given, and its last word."""

    def __init__(self, log: Any = None, **options: Any) -> None:
        super().__init__()
        self.monitor: Monitor | None = log if isinstance(log, Monitor) else None  # on the first process alone
        self.arguments, self.options = log, options

    def begin(self) -> None:
        self.monitor = self.monitor or Monitor(self.arguments, **self.options)

    def end(self) -> None:
        if self.monitor is not None:
            self.monitor.close()

    @property
    def wants_to_stop(self) -> bool:
        return self.monitor is not None and self.monitor.should_stop

    @property
    def last_word(self) -> str:
        """Why the training stops, on the process that knows."""
        reason = self.monitor.reason if self.monitor else None
        return f"lossdoctor stops the training: {reason.rule}: {reason.message}" if reason else ""
