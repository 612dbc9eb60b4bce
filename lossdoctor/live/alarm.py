"""Tells others what is wrong with a run: a command of the user's, or a webhook."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from urllib.parse import urlsplit

from lossdoctor._version import __version__
from lossdoctor.core.diagnosis import Diagnosis
from lossdoctor.core.discover import reports
from lossdoctor.core.errors import UsageError
from lossdoctor.core.report import Page
from lossdoctor.core.ruling import Objection
from lossdoctor.core.text import number, plain
from lossdoctor.core.wording import title

TIMEOUT = 10.0  # seconds for one attempt
PAUSES = (1.0, 4.0)  # seconds between attempts
BUSY = 429
PATIENCE = 60.0  # seconds that we wait at our end for what is still under way


class Alarm:
    """Rings a command and a webhook, each in a thread of its own; what goes wrong is told to ``complain``.

    Both get the JSON that ``diagnose --format json`` prints: the command on its standard input, the webhook as the body, where
    ``text`` is a line for people. The command finds the most important in its environment.
    """

    def __init__(self, command: str | None, url: str | None, complain: Callable[[str], None]) -> None:
        if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc):
            raise UsageError(f"--webhook {url}: that is no address; give one such as https://example.org/hook")
        self.command, self.url, self.complain = command, url, complain
        self.threads: list[threading.Thread] = []

    def __call__(self, diagnosis: Diagnosis, objection: Objection) -> None:
        document = reports()["json"].diagnoses([diagnosis], Page())
        if self.command:
            self._start(self._call, document, _environment(diagnosis, objection))
        if self.url:
            text = f"{title(diagnosis.run)}: {objection.rule} at step {number(diagnosis.run.steps)}: {plain(objection.message)}"
            self._start(self._post, json.dumps({"text": text, **json.loads(document)}))

    def close(self) -> None:
        """Wait for what is under way."""
        end = time.monotonic() + PATIENCE
        for thread in self.threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        self.threads.append(threading.Thread(target=work, args=arguments, daemon=True))
        self.threads[-1].start()

    def _call(self, document: str, environment: dict[str, str]) -> None:
        assert self.command
        done = subprocess.run(self.command, shell=True, input=document.encode(), env=environment, check=False, process_group=0)
        if done.returncode:
            self.complain(f"--on-stall {self.command}: ended with {done.returncode}")

    def _post(self, document: str) -> None:
        assert self.url
        headers = {"Content-Type": "application/json", "User-Agent": f"lossdoctor/{__version__}"}
        request = urllib.request.Request(self.url, document.encode(), headers, method="POST")
        for pause in (*PAUSES, None):
            try:
                with urllib.request.urlopen(request, timeout=TIMEOUT):
                    return
            except urllib.error.HTTPError as error:
                why, again = f"{error.code} {error.reason}", error.code >= 500 or error.code == BUSY
            except (OSError, ValueError) as error:
                why, again = str(getattr(error, "reason", error)), True
            if pause is None or not again:
                self.complain(f"--webhook {self.url}: {why}")
                return
            time.sleep(pause)


def _environment(diagnosis: Diagnosis, objection: Objection) -> dict[str, str]:
    run = diagnosis.run
    told = {"STATUS": diagnosis.status, "REASON": objection.rule, "MESSAGE": plain(objection.message)}
    told |= {"LOG": run.source, "STEP": f"{run.steps:g}", "CONFIDENCE": f"{diagnosis.verdict.confidence:g}"}
    return os.environ | {f"LOSSDOCTOR_{name}": value.replace("\0", "") for name, value in told.items()}
