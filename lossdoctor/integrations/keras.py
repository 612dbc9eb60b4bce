"""Keras 3, on any backend: ``model.fit(..., callbacks=[LossDoctorCallback("run.jsonl")])``."""

from __future__ import annotations

import warnings
from typing import Any

from lossdoctor.integrations import Watching


class _Keras(Watching):
    """Tells a ``Monitor`` what each epoch logs, and the learning rate; stops the training when the run is beyond hope. The arguments
    are those of ``Monitor``, or one that was made before.

    Single batches are not taken down: what Keras logs of them is the mean of the epoch so far.
    """

    model: Any  # set by Keras

    def on_train_begin(self, logs: Any = None) -> None:
        self.begin()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.monitor is None:
            return
        rate = getattr(self.model.optimizer, "learning_rate", None)
        self.monitor.log({"epoch": epoch, "lr": None if rate is None else float(rate), **(logs or {})})
        if self.wants_to_stop and not self.model.stop_training:
            self.model.stop_training = True
            warnings.warn(self.last_word, stacklevel=2)

    def on_train_end(self, logs: Any = None) -> None:
        self.end()


def __getattr__(name: str) -> Any:
    if name != "LossDoctorCallback":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from keras.callbacks import Callback

    made = globals()[name] = type(name, (_Keras, Callback), {"__module__": __name__, "__doc__": _Keras.__doc__})
    return made
