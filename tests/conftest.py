"""Tests run small trainings side by side: one thread each."""

from __future__ import annotations

import signal

import torch

torch.set_num_threads(1)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell: the commands that tests interrupt would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
