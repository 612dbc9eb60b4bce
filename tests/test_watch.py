"""Trainings under watch, as a user meets them: real processes, real logs that grow, real signals."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.runs.store import load
from lossdoctor.core.curve import Curve
from lossdoctor.core.diagnosis import Diagnosis
from lossdoctor.core.errors import UsageError
from lossdoctor.core.ruling import Objection
from lossdoctor.core.run import Run
from lossdoctor.diagnose import diagnose
from lossdoctor.live.follow import Follower
from lossdoctor.live.stopping import Patience
from lossdoctor.live.watch import State, Watch

ROOT = Path(__file__).parent.parent
LIVE = ("--", sys.executable, str(ROOT / "benchmarks" / "live_training.py"))
FAST = ("--interval", "0.1s", "--hold", "0.2s")

TRAINING = """
import math, random, signal, subprocess, sys, time
kind, rows, log = sys.argv[1], int(sys.argv[2]), sys.argv[3]
seed = int(sys.argv[4]) if len(sys.argv) > 4 else 0
rng = random.Random(seed)
levels = {
    "sound": lambda i: 0.2 + 2 * math.exp(-6 * i / rows),
    "flat": lambda i: 2.3,
    "nan": lambda i: 2.0 - i / rows if i < rows / 3 else math.nan,
    "late": lambda i: 2.3 if i < rows / 12 else 0.2 + 2.1 * math.exp(-6 * (i / rows - 1 / 12)),
    "spiky": lambda i: (0.2 + 2 * math.exp(-6 * i / rows)) * (5 if rng.random() < 0.02 else 1),
    "steps": lambda i: 0.5 ** min(3, 4 * i // rows) * (0.4 + math.exp(-20 * (4 * i / rows % 1))),
}
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "worker" in sys.argv:
    print("worker", subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid, flush=True)
file = sys.stdout if log == "-" else open(log, "w")
print("step,loss,val_loss" if log != "-" else "training", file=file)
for i in range(rows):
    loss = levels[kind](i) * (1 + 0.02 * rng.gauss(0, 1))
    print(f"{i},{loss},{'' if i % 25 else levels[kind](i)}" if log != "-" else f"step {i} loss {loss:.4f}", file=file, flush=True)
    time.sleep(0.005)
print("trained to the end")
sys.exit(7)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text(TRAINING)
    return tmp_path


def interruptible() -> None:
    """In the child: a test that runs in the background of a shell has Ctrl-C ignored, and so would what it starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "lossdoctor", "watch", *arguments]


def watch(folder: Path, *arguments: str, printed: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, check=False, cwd=folder, env=environment, timeout=120, input=printed
    )


def train(*arguments: str) -> tuple[str, ...]:
    return ("--", sys.executable, "train.py", *arguments)


# --- a training that we started --------------------------------------------------------------------------------------------


def test_a_training_that_does_not_learn_is_stopped_with_the_reason(folder: Path) -> None:
    done = watch(folder, "run.csv", *FAST, *train("flat", "8000", "run.csv"))
    assert done.returncode == 1
    assert re.search(r"stops the training: never_learned: (train|val)_loss is 2\.", done.stderr)
    assert done.stdout == ""  # not to its end
    assert len((folder / "run.csv").read_text().splitlines()) < 4000


@pytest.mark.parametrize(
    ("kind", "rule"), [("stall", "stalled: val_loss is flat since"), ("blow_up", "diverging: "), ("overflow", "non_finite: ")]
)
def test_a_net_that_goes_wrong_after_a_healthy_start_is_stopped_with_the_reason(kind: str, rule: str, folder: Path) -> None:
    done = watch(folder, "run.csv", *FAST, *LIVE, "run.csv", kind, "20000", "0")
    assert done.returncode == 1
    assert f"stops the training: {rule}" in done.stderr
    assert done.stdout == ""  # not to its end
    assert 40 < len((folder / "run.csv").read_text().splitlines()) < 15_000


@pytest.mark.parametrize("kind", ["sound", "late"])
def test_a_sound_training_runs_to_its_end_undisturbed(kind: str, folder: Path) -> None:
    done = watch(folder, "run.csv", *FAST, *train(kind, "400", "run.csv"))
    assert done.returncode == 7  # its own
    assert done.stdout == "trained to the end\n"
    assert "beyond hope" not in done.stderr
    assert len((folder / "run.csv").read_text().splitlines()) == 401
    assert len(done.stderr.splitlines()) <= 6, "it is to tell changes, not looks"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", ["sound", "late", "spiky", "steps"])
def test_twenty_sound_trainings_run_to_their_end(kind: str, seed: int, folder: Path) -> None:
    done = watch(folder, "run.csv", *FAST, *train(kind, "1500", "run.csv", str(seed)))
    assert (done.returncode, done.stdout) == (7, "trained to the end\n"), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_twenty_sound_nets_train_to_their_end(seed: int, folder: Path) -> None:
    done = watch(folder, "run.csv", *FAST, *LIVE, "run.csv", "sound", "800", str(seed))
    assert (done.returncode, done.stdout) == (0, "trained to the end\n"), done.stderr
    assert "beyond hope" not in done.stderr


def test_what_a_training_prints_can_be_the_log(folder: Path) -> None:
    done = watch(folder, "-", *FAST, *train("nan", "900", "-"))
    assert done.returncode == 1
    assert done.stdout.startswith("training\nstep 0 loss 2.0")  # passed through
    assert "stops the training: non_finite: The loss is not a number from step 300 on." in done.stderr
    assert "step 899 " not in done.stdout


def test_a_training_that_ignores_sigterm_is_killed_with_its_workers(folder: Path) -> None:
    done = watch(folder, "run.csv", *FAST, "--grace", "0.3s", *train("nan", "600", "run.csv", "0", "stubborn", "worker"))
    assert done.returncode == 1
    worker = int(done.stdout.split()[1])
    for _ in range(50):
        state = Path(f"/proc/{worker}/stat")
        if not state.exists() or state.read_text().split()[2] == "Z":
            return
        time.sleep(0.1)
    pytest.fail("a worker lives on")


def test_a_dry_run_stops_nothing(folder: Path) -> None:
    done = watch(folder, "run.csv", *FAST, "--dry-run", *train("nan", "300", "run.csv"))
    assert (done.returncode, done.stdout) == (7, "trained to the end\n")
    assert done.stderr.count("beyond hope: non_finite") == 1


def test_the_bad_log_of_a_former_training_is_not_held_against_this_one(folder: Path) -> None:
    (folder / "run.csv").write_text("step,loss,val_loss\n" + "".join(f"{i},nan,nan\n" for i in range(500)))
    slow_start = ("--", sys.executable, "-c", f"import time; time.sleep(2); {TRAINING}", "sound", "200", "run.csv")
    done = watch(folder, "run.csv", *FAST, *slow_start)
    assert (done.returncode, done.stdout) == (7, "trained to the end\n"), done.stderr


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_reaches_the_training(sent: signal.Signals, code: int, folder: Path) -> None:
    script = (
        "import signal, sys, time\n"
        f"signal.signal({int(sent)}, lambda *_: (print('saved a checkpoint'), sys.exit(0)))\n"
        "print('ready', flush=True); time.sleep(60)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command("run.csv", "--", sys.executable, "-c", script),
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environment,
        preexec_fn=interruptible,
    ) as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline() == "ready\n"
        watching.send_signal(sent)
        assert watching.stdout.read() == "saved a checkpoint\n"
        assert watching.wait(30) == code


def test_what_nohup_ignores_is_ignored(folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    script = "import time; print('ready', flush=True); time.sleep(2); print('trained')"
    with subprocess.Popen(
        ["nohup", *command("run.csv", "--", sys.executable, "-c", script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=folder,
        env=environment,
    ) as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline() == "ready\n"
        watching.send_signal(signal.SIGHUP)
        assert watching.stdout.read() == "trained\n"
        assert watching.wait(30) == 0


def test_a_command_that_cannot_be_started_is_named(folder: Path) -> None:
    done = watch(folder, "run.csv", "--", "no-such-command")
    assert done.returncode == 2
    assert done.stderr == "lossdoctor: error: no-such-command cannot be started: No such file or directory; check the command after --\n"


def test_a_training_that_writes_its_log_elsewhere_is_told_so(folder: Path) -> None:
    done = watch(folder, "elsewhere.csv", *FAST, *train("sound", "20", "run.csv"))
    assert (done.returncode, done.stdout) == (7, "trained to the end\n")
    assert done.stderr == "lossdoctor: there was nothing to judge: elsewhere.csv does not exist yet\n"


def test_a_former_log_is_not_taken_for_that_of_this_training(folder: Path) -> None:
    (folder / "old.csv").write_text("step,loss\n" + "".join(f"{i},{2 / (i + 1)}\n" for i in range(50)))
    done = watch(folder, "old.csv", *FAST, *train("sound", "20", "run.csv"))
    assert done.returncode == 7
    assert done.stderr.endswith("lossdoctor: old.csv has not grown since the training began; does it log elsewhere?\n")


# --- a log alone -----------------------------------------------------------------------------------------------------------


def test_a_log_that_comes_late_and_ends_is_followed_to_its_end(folder: Path) -> None:
    writing = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep(1); {TRAINING}", "sound", "300", "run.csv"], cwd=folder)
    done = watch(folder, "run.csv", *FAST, "--until-idle", "3s")
    writing.wait()
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert done.stdout.splitlines()[-1].startswith("run.csv: step 299: ")


def test_a_pipe_is_followed_to_its_end_and_says_what_is_wrong(folder: Path) -> None:
    text = "".join(f"step {i} loss {2 - i / 100 if i < 100 else 'nan'}\n" for i in range(200))
    done = watch(folder, "-", *FAST, printed=text)
    assert done.returncode == 1
    assert "<stdin>: step 199: non_finite (99 %): The loss is not a number from step 100 on." in done.stdout


def test_a_log_that_never_comes_is_an_error(folder: Path) -> None:
    done = watch(folder, "run.csv", *FAST, "--until-idle", "0.3s")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "lossdoctor: error: there was nothing to judge: run.csv does not exist yet\n"


@contextmanager
def on_terminal(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A watch of run.csv on a terminal of its own, and our end of it."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "LINES": "40", "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    watching = subprocess.Popen(
        command("run.csv", *FAST), stdout=theirs, stderr=theirs, stdin=theirs, cwd=folder, env=environment, preexec_fn=interruptible
    )
    os.close(theirs)
    try:
        yield watching, ours
    finally:
        watching.kill()
        watching.wait()


def until(ours: int, words: bytes) -> bytes:
    shown = b""
    while words not in shown:
        shown += os.read(ours, 4096)
    return shown


def test_a_terminal_shows_a_picture_that_is_drawn_anew(folder: Path) -> None:
    (folder / "run.csv").write_text("step,loss\n" + "".join(f"{i},{2 / (i + 1) ** 0.5}\n" for i in range(200)))
    with on_terminal(folder) as (watching, ours):
        shown = until(ours, b"Ctrl-C ends the watch")
        with (folder / "run.csv").open("a") as file:
            file.write("".join(f"{i},{2 / (i + 1) ** 0.5}\n" for i in range(200, 300)))
        shown += until(ours, b"step 299")
        watching.send_signal(signal.SIGINT)
        shown += until(ours, b"\x1b[?25h")  # the cursor is shown again
        assert watching.wait(30) == 130
        os.close(ours)
    text = shown.decode(errors="replace")
    assert "CONVERGED" in text
    assert "forecast for step" in text
    assert "steps/s" in text
    assert "\x1b[1A" in text  # back up, to draw over what was there


def test_a_watch_ends_with_its_terminal(folder: Path) -> None:
    (folder / "run.csv").write_text("step,loss\n" + "".join(f"{i},{2 / (i + 1)}\n" for i in range(50)))
    with on_terminal(folder) as (watching, ours):
        until(ours, b"Ctrl-C ends the watch")
        os.close(ours)
        watching.wait(30)


# --- what is told, and to whom ---------------------------------------------------------------------------------------------


class Said:
    """A view that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.states: list[State] = []

    def show(self, state: State) -> None:
        self.states.append(state)

    def say(self, line: str) -> None:
        self.lines.append(line)


def write(log: Path, losses: np.ndarray) -> None:
    log.write_text("step,loss\n" + "".join(f"{i},{loss}\n" for i, loss in enumerate(losses)))


def test_each_episode_is_told_once(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    losses = 0.2 + 2 * np.exp(-np.arange(900) / 40) + 0.01 * rng.normal(size=900)
    losses[300:] = np.nan
    said, rung = Said(), []
    log = tmp_path / "run.csv"
    watched = Watch(Follower(log), said, Patience(hold=0.0), alarm=lambda diagnosis, objection: rung.append(objection.rule))
    watched.look()
    for rows in range(20, 900, 20):
        write(log, losses[:rows])
        watched.look()
    assert rung == ["non_finite"]
    assert sum("non_finite (99 %)" in line for line in said.lines) == 1
    assert sum("NUM001" in line for line in said.lines) == 1
    assert len(said.lines) < 8


def test_a_verdict_must_last_before_it_stops_anything() -> None:
    now = 0.0
    patience = Patience(hold=60.0, clock=lambda: now)

    def flat(points: int) -> Diagnosis:
        step = np.arange(points, dtype=float)
        return diagnose(Run({"train_loss": Curve("loss", "train", step, 2.3 + 0.01 * np.sin(step * 9), epoch=step // 10)}))[0]

    assert flat(150).status == "never_learned"
    assert patience.lasting(flat(150)) is None  # the first look
    now = 100.0
    assert [patience.lasting(flat(points)) for points in (160, 170, 280)] == [None] * 3  # long enough, but not twice as long as it was
    assert patience.lasting(flat(310)).rule == "never_learned"  # type: ignore[union-attr]
    diagnosis = flat(330)
    diagnosis.run.curves["train_loss"].value[-20:] = 2.2
    assert patience.lasting(diagnosis) is None  # it has begun to fall
    assert patience.lasting(flat(40)) is None  # begun anew


def test_a_lone_nan_stops_nothing() -> None:
    loss = np.linspace(2, 1, 50)
    for count, lasting in ((1, False), (3, True)):
        value = np.append(loss, [np.nan] * count)
        (diagnosis,) = diagnose(Run({"train_loss": Curve("loss", "train", np.arange(len(value), dtype=float), value)}))
        assert (Patience().lasting(diagnosis) is not None) is lasting


@pytest.mark.slow
def test_no_sound_run_of_the_benchmark_is_stopped() -> None:
    stopped = []
    for frozen in load():
        if frozen["recipe"]["fault"] != "sound":
            continue
        log, patience, rows = frozen["log"], Patience(hold=0.0), 5
        if frozen["log"].get("train_loss") is None:
            continue
        while rows < len(log["step"]):
            curves = {}
            for name, values in log.items():
                points = [(step, value) for step, value in zip(log["step"][:rows], values[:rows], strict=True) if value is not None]
                if name != "step" and points:
                    curves[name] = Curve.of(name, *np.array(points, dtype=float).T)
            if objection := patience.lasting(diagnose(Run(curves))[0]):
                stopped.append((frozen["recipe"]["number"], rows, objection.rule))
                break
            rows = max(rows + 1, int(rows * 1.15))
    assert not stopped


@contextmanager
def hook(*codes: int) -> Iterator[SimpleNamespace]:
    """A web server that answers with these codes, one after another, and remembers what it got."""
    answers, got = list(codes), []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(answers.pop(0))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}/", got=got)
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def lost() -> tuple[Diagnosis, Objection]:
    value = np.append(np.linspace(2, 1, 50), [np.nan] * 5)
    (diagnosis,) = diagnose(Run({"train_loss": Curve("loss", "train", np.arange(55.0), value)}, source="run.csv"))
    objection = Patience().lasting(diagnosis)
    assert objection is not None
    return diagnosis, objection


def test_the_webhook_is_tried_again_and_gets_the_report(lost: tuple[Diagnosis, Objection], monkeypatch: pytest.MonkeyPatch) -> None:
    from lossdoctor.live import alarm

    monkeypatch.setattr(alarm, "PAUSES", (0.01, 0.01))
    complaints: list[str] = []
    with hook(500, 204) as server:
        bell = alarm.Alarm(None, server.url, complaints.append)
        bell(*lost)
        bell.close()
    assert len(server.got) == 2
    assert server.got[1]["schema"] == "lossdoctor.diagnose/1"
    assert server.got[1]["runs"][0]["status"] == "non_finite"
    assert server.got[1]["text"] == "run.csv: non_finite at step 54: The loss is not a number from step 50 on."
    assert not complaints


@pytest.mark.parametrize(("codes", "attempts"), [((404,), 1), ((503, 503, 503), 3)])
def test_a_webhook_that_refuses_is_complained_of(
    codes: tuple[int, ...], attempts: int, lost: tuple[Diagnosis, Objection], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lossdoctor.live import alarm

    monkeypatch.setattr(alarm, "PAUSES", (0.01, 0.01))
    complaints: list[str] = []
    with hook(*codes) as server:
        bell = alarm.Alarm(None, server.url, complaints.append)
        bell(*lost)
        bell.close()
    assert len(server.got) == attempts
    assert f"{codes[-1]}" in complaints[0]


def test_the_command_gets_the_report_and_the_most_important(lost: tuple[Diagnosis, Objection], tmp_path: Path) -> None:
    from lossdoctor.live.alarm import Alarm

    complaints: list[str] = []
    shell = f'cat > {tmp_path}/report; echo "$LOSSDOCTOR_STATUS at $LOSSDOCTOR_STEP" > {tmp_path}/told; exit 3'
    bell = Alarm(shell, None, complaints.append)
    bell(*lost)
    bell.close()
    assert (tmp_path / "told").read_text() == "non_finite at 54\n"
    assert json.loads((tmp_path / "report").read_text())["runs"][0]["findings"][0]["code"] == "NUM001"
    assert "ended with 3" in complaints[0]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "example.org/hook", "http:///nowhere"])
def test_a_webhook_must_be_a_web_address(url: str) -> None:
    from lossdoctor.live.alarm import Alarm

    with pytest.raises(UsageError, match="no address"):
        Alarm(None, url, print)


def test_a_fault_of_ours_leaves_the_training_alone(tmp_path: Path) -> None:
    class Training:
        interrupted = False
        code: int | None = None
        waits = 0

        def wait(self, seconds: float) -> bool:
            self.waits += 1
            self.code = 5 if self.waits > 4 else None
            return self.waits > 4

        def stop(self) -> None:
            pytest.fail("stopped")

    follower = Follower(tmp_path / "run.csv")
    look: Callable[[], list[Run]] = lambda: 1 / 0  # type: ignore[assignment, return-value]  # noqa: E731
    follower.look = look  # type: ignore[method-assign]
    said = Said()
    assert Watch(follower, said, Patience()).run(Training(), interval=0.01) == 5
    assert said.lines == ["cannot judge the log, the training goes on: ZeroDivisionError: division by zero"]
