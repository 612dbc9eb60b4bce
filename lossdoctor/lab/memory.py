"""Telling that memory has run out, by all the names that it goes by."""

from __future__ import annotations

import torch

WORDS = ("can't allocate memory", "not enough memory", "out of memory", "ALLOC_FAILED")  # torch on CPU, Windows, MPS; cuBLAS and cuDNN


def out_of_memory(error: BaseException | None) -> bool:
    """Whether an error, or what it was raised from, says that memory has run out."""
    while error is not None:
        told = isinstance(error, RuntimeError) and any(words in str(error) for words in WORDS)
        if told or isinstance(error, MemoryError | torch.OutOfMemoryError):
            return True
        error = error.__cause__
    return False


def release(device: torch.device) -> None:
    """Give back what torch keeps of a device's memory, so that pieces of another size find room."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
