"""Hugging Face Trainer: ``Trainer(..., callbacks=[LossDoctorCallback("run.jsonl")])``."""

from __future__ import annotations

import warnings
from typing import Any

from lossdoctor.integrations import Watching

OF_SUMMARY = "train_runtime"  # what only the last log has, that of the whole training


class _Transformers(Watching):
    """Tells a ``Monitor`` what the trainer logs (every ``logging_steps``, and each evaluation); stops the trainer when the run is
    beyond hope. The arguments are those of ``Monitor``, or one that was made before.

    On several processes the first one judges, and tells the others with every log.
    """

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            self.begin()

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        if self.monitor is not None and logs and OF_SUMMARY not in logs:
            numbers = {name: value for name, value in logs.items() if isinstance(value, int | float)}
            self.monitor.log({**numbers, "step": state.global_step})
        if self._agreed(args) and not control.should_training_stop:
            control.should_training_stop = True
            if self.last_word:
                warnings.warn(self.last_word, stacklevel=2)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.end()

    def _agreed(self, args: Any) -> bool:
        """Whether the first process has decided to stop."""
        if args.world_size == 1:
            return self.wants_to_stop
        import torch

        told = torch.tensor(float(self.wants_to_stop), device=args.device)
        torch.distributed.broadcast(told, 0)
        return bool(told)


def __getattr__(name: str) -> Any:
    if name != "LossDoctorCallback":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from transformers import TrainerCallback

    made = globals()[name] = type(name, (_Transformers, TrainerCallback), {"__module__": __name__, "__doc__": _Transformers.__doc__})
    return made
