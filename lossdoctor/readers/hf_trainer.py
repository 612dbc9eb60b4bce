"""Hugging Face Trainer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from lossdoctor.core.errors import UnreadableLog
from lossdoctor.core.names import settings
from lossdoctor.core.reader import Reader, Row, Source


class HfTrainer(Reader):
    """Hugging Face ``trainer_state.json``: the ``log_history`` of a checkpoint."""

    priority: ClassVar[int] = 60

    def sniff(self, source: Source) -> bool:
        head = source.text_head
        return head.lstrip().startswith("{") and '"log_history"' in head and ('"global_step"' in head or '"max_steps"' in head)

    def rows(self, source: Source) -> Iterator[Row]:
        state = source.json()
        history = state.get("log_history")
        if not isinstance(history, list):
            raise UnreadableLog(f"{source.name} has no log_history; was it written by transformers' Trainer?")
        yield {"#settings": settings({name: state[name] for name in ("train_batch_size", "num_train_epochs") if name in state})}
        yield from (row for row in history if isinstance(row, dict))
