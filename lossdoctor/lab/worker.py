"""The other side of ``isolate``: a process that loads a workload once and runs jobs, one JSON line in, JSON lines out.

What the user's code prints goes to standard error, so that it cannot be taken for an answer. When the process that asked is
gone, so is this one.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from typing import IO, Any


def main() -> None:
    """Answer the jobs on standard input until it ends."""
    asked, answers = os.fdopen(os.dup(0), encoding="utf-8"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    waiting: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_listen, args=(asked, waiting), daemon=True).start()
    _serve(waiting, answers)


def _listen(asked: IO[str], waiting: queue.Queue[dict[str, Any]]) -> None:
    for line in asked:
        waiting.put(json.loads(line))
    os._exit(0)


def _serve(waiting: queue.Queue[dict[str, Any]], answers: IO[str]) -> None:
    def answer(**what: Any) -> None:
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    hello = waiting.get()
    sys.path[:] = hello["sys_path"]
    import torch

    from lossdoctor.lab.executor import InProcess, Job, workload_of
    from lossdoctor.lab.journal import fingerprint

    if hello["threads"]:
        torch.set_num_threads(hello["threads"])
    try:
        workload = workload_of(hello["values"], hello["path"], hello["device"])
        local = InProcess(hello["values"], workload)
        answer(ready=fingerprint(workload))
    except (Exception, SystemExit) as error:
        answer(failed=f"{type(error).__name__}: {error}")
        return
    while True:
        job = waiting.get()
        if "tempo" in job:
            try:
                answer(tempo=vars(local.tempo()))
            except (Exception, SystemExit) as error:
                answer(failed=f"{type(error).__name__}: {error}")
            continue
        if "threads" in job:
            torch.set_num_threads(job["threads"])
            continue
        outcome = local.run(Job(**job), lambda row: answer(row=row))
        answer(end={name: value for name, value in vars(outcome).items() if name != "rows"})


if __name__ == "__main__":
    main()
