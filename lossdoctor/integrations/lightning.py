"""PyTorch Lightning: ``Trainer(callbacks=[LossDoctorCallback("run.jsonl")])``."""

from __future__ import annotations

import warnings
from typing import Any

from lossdoctor.integrations import Watching


class _Lightning(Watching):
    """Tells a ``Monitor`` the loss of each batch, the learning rate, and what was measured on the validation data; stops the trainer
    when the run is beyond hope. The arguments are those of ``Monitor``, or one that was made before.

    On several processes the first one judges, and all are told at the end of each validation and epoch.
    """

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        if trainer.is_global_zero:
            self.begin()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if self.monitor is not None and loss is not None:
            rate = trainer.optimizers[0].param_groups[0]["lr"] if trainer.optimizers else None
            self.monitor.log(step=trainer.global_step, epoch=trainer.current_epoch, loss=loss, lr=rate)
        if trainer.world_size == 1:
            self._stop(trainer, self.wants_to_stop)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        if trainer.sanity_checking:
            return
        if self.monitor is not None:
            measured = {name: value for name, value in trainer.callback_metrics.items() if "val" in name or "test" in name}
            self.monitor.log({"step": trainer.global_step, "epoch": trainer.current_epoch, **measured})
        self._agree(trainer)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        self._agree(trainer)

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        self.end()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        self.end()

    def _agree(self, trainer: Any) -> None:
        self._stop(trainer, trainer.strategy.broadcast(self.wants_to_stop) if trainer.world_size > 1 else self.wants_to_stop)

    def _stop(self, trainer: Any, stop: bool) -> None:
        if stop and not trainer.should_stop:
            trainer.should_stop = True
            if self.last_word:
                warnings.warn(self.last_word, stacklevel=2)


def __getattr__(name: str) -> Any:
    if name != "LossDoctorCallback":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from lightning.pytorch import Callback
    except ImportError:
        from pytorch_lightning import Callback
    made = globals()[name] = type(name, (_Lightning, Callback), {"__module__": __name__, "__doc__": _Lightning.__doc__})
    return made
