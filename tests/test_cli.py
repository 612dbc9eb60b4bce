"""The command line as a user and a CI job meet it: exit codes, sentences, pipes and terminals."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lossdoctor.console import page
from lossdoctor.core import discover
from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.run import Run

ROOT = Path(__file__).parent.parent
COMMANDS = ("diagnose", "probe", "train", "gate", "watch", "init", "explain")


@pytest.fixture
def log(tmp_path: Path) -> Callable[..., str]:
    """Writes a log, by default of a training that converges, and returns its path."""

    def write(name: str = "run.csv", losses: np.ndarray | None = None) -> str:
        values = 0.2 + 2 * np.exp(-np.arange(100) / 8) if losses is None else losses
        path = tmp_path / name
        path.write_text("step,loss\n" + "".join(f"{step},{value}\n" for step, value in enumerate(values)))
        return str(path)

    return write


@pytest.fixture
def broken(log: Callable[..., str]) -> str:
    """The log of a training whose loss becomes NaN."""
    return log("broken.csv", np.where(np.arange(100) > 60, np.nan, np.linspace(2, 1, 100)))


def shell(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "lossdoctor", *arguments]
    return subprocess.run(command, capture_output=True, check=False, cwd=ROOT, env={**os.environ, **environment})


def is_one_sentence(err: str) -> bool:
    return err.startswith("lossdoctor: error: ") and err.count("\n") == 1 and "Traceback" not in err


# what a user reads


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example_of_each_command(run: Callable[..., SimpleNamespace], command: str) -> None:
    done = run(command, "--help")
    assert done.code == 0
    assert f"lossdoctor {command} " in done.out.partition("Examples:")[2]


def test_help_names_every_report_format(run: Callable[..., SimpleNamespace]) -> None:
    shown = run("diagnose", "--help").out
    assert all(name in shown for name in discover.reports())


def test_version(run: Callable[..., SimpleNamespace]) -> None:
    from lossdoctor import __version__

    assert run("--version").out == f"lossdoctor {__version__}\n"


def test_without_a_command_the_help_is_shown_and_it_counts_as_usage(run: Callable[..., SimpleNamespace]) -> None:
    done = run()
    assert done.code == 2
    assert "diagnose" in done.out


def test_diagnose_reports_on_standard_output_alone(run: Callable[..., SimpleNamespace], log: Callable[..., str]) -> None:
    done = run("diagnose", log())
    assert (done.code, done.err) == (0, "")
    assert "CONVERGED" in done.out
    assert 'train_loss from "loss"' in done.out


def test_json_is_strict_even_for_a_run_full_of_nan(run: Callable[..., SimpleNamespace], broken: str) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    document = json.loads(run("diagnose", broken, "--format", "json").out, parse_constant=refuse)
    assert document["schema"] == "lossdoctor.diagnose/1"
    assert document["runs"][0]["status"] == "non_finite"
    assert document["runs"][0]["healthy"] is False


def test_quiet_leaves_the_verdict_and_drops_the_chart(run: Callable[..., SimpleNamespace], log: Callable[..., str]) -> None:
    path = log()
    short, long = run("diagnose", path, "--quiet").out, run("diagnose", path).out
    assert "CONVERGED" in short
    assert len(short.splitlines()) < len(long.splitlines()) / 2


def test_output_goes_to_the_file(run: Callable[..., SimpleNamespace], log: Callable[..., str], tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = run("diagnose", log(), "--format", "json", "--output", str(report))
    assert (done.code, done.out) == (0, "")
    assert json.loads(report.read_text())["runs"]


def test_map_names_a_column_that_was_not_recognised(run: Callable[..., SimpleNamespace], tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("step,quux\n" + "".join(f"{step},{2 / (step + 1)}\n" for step in range(60)))
    assert run("diagnose", str(path)).code == 2
    assert 'train_loss from "quux"' in run("diagnose", str(path), "--map", "train_loss=quux").out


def test_several_logs_are_reported_together(run: Callable[..., SimpleNamespace], log: Callable[..., str], broken: str) -> None:
    document = json.loads(run("diagnose", log(), broken, "--format", "json").out)
    assert [each["status"] for each in document["runs"]] == ["converged", "non_finite"]


def test_select_and_ignore_choose_checks_by_prefix_in_any_case(run: Callable[..., SimpleNamespace], broken: str) -> None:
    def codes(*options: str) -> set[str]:
        (each,) = json.loads(run("diagnose", broken, "--format", "json", *options).out)["runs"]
        return {finding["code"] for finding in each["findings"]} | set(each["passed"]) | set(each["skipped"])

    everything = codes()
    assert codes("--select", "num,lr001") == {code for code in everything if code.startswith(("NUM", "LR001"))}
    assert codes("--ignore", "LOG", "--ignore", "LR") == {code for code in everything if not code.startswith(("LOG", "LR"))}


# exit codes


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("non_finite", 1),
        ("non-finite", 1),
        ("unhealthy", 1),
        ("NUM", 1),
        ("num001", 1),
        ("info", 1),
        ("error", 1),
        ("converged,stalled", 0),
        ("IMB", 0),
    ],
)
def test_fail_on_statuses_codes_and_severities(run: Callable[..., SimpleNamespace], broken: str, words: str, code: int) -> None:
    assert run("diagnose", broken, "--fail-on", words).code == code


@pytest.mark.parametrize("severity", ["info", "warning", "error"])
def test_a_severity_stands_for_itself_and_worse(run: Callable[..., SimpleNamespace], broken: str, severity: str) -> None:
    assert run("diagnose", broken, "--select", "NUM001", "--fail-on", severity).code == 1  # NUM001 is an error


def test_nothing_fails_unless_asked(run: Callable[..., SimpleNamespace], broken: str) -> None:
    assert run("diagnose", broken).code == 0


def garbage(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 40)


def folder_without_log(path: Path) -> None:
    path.mkdir()
    (path / "notes.md").write_text("nothing here")


BAD_LOGS: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_text(""),
    "blank": lambda path: path.write_text("\n\n  \n"),
    "garbage": garbage,
    "no_loss": lambda path: path.write_text("step,humidity\n1,0.4\n2,0.5\n3,0.6\n"),
    "words": lambda path: path.write_text("it was a dark and stormy night\n" * 9),
    "folder": folder_without_log,
    "missing": lambda path: None,
}


@pytest.mark.parametrize("kind", BAD_LOGS)
def test_a_bad_log_is_one_sentence_and_exit_2(run: Callable[..., SimpleNamespace], tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"{kind}.csv"
    BAD_LOGS[kind](path)
    done = run("diagnose", str(path))
    assert (done.code, done.out) == (2, "")
    assert is_one_sentence(done.err), done.err
    assert path.name in done.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_log_without_permission(run: Callable[..., SimpleNamespace], log: Callable[..., str]) -> None:
    path = log()
    Path(path).chmod(0)
    done = run("diagnose", path)
    assert done.code == 2
    assert is_one_sentence(done.err)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["diagnos", "LOG"], "diagnose"),
        (["diagnose"], "LOG"),
        (["diagnose", "LOG", "--formt", "json"], "--format"),
        (["diagnose", "LOG", "--format", "jsn"], "'json'"),
        (["diagnose", "LOG", "--fail-on", "staled"], "'stalled'"),
        (["diagnose", "LOG", "--fail-on", "LR0O1"], "'LR001'"),
        (["diagnose", "LOG", "--select", "XYZ"], "XYZ"),
        (["diagnose", "LOG", "--ignore", "STPO001"], "'STOP001'"),
        (["diagnose", "LOG", "--set", "LR001.jump"], "CODE.NAME=VALUE"),
        (["diagnose", "LOG", "--set", "LR001.jump=high"], "not a number"),
        (["diagnose", "LOG", "--set", "LR001.jmp=3"], "'jump'"),
        (["diagnose", "LOG", "--map", "val_loss"], "ROLE=COLUMN"),
        (["diagnose", "LOG", "--reader", "csvv"], "csv"),
        (["diagnose", "LOG", "--output", "no/such/folder/report.txt"], "no/such/folder"),
        (["diagnose", "LOG", "--output", "."], "folder"),
        (["explain", "LR0O1"], "'LR001'"),
        (["explain", "LR001", "--format", "html"], "text or json"),
        (["explain", "learning-rate-to-high"], "learning-rate-too-high"),
        (["probe", "no.yaml"], "no.yaml"),
        (["train", "no.yaml"], "no.yaml"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_slip_is_one_sentence_that_helps(
    run: Callable[..., SimpleNamespace], log: Callable[..., str], arguments: list[str], hint: str
) -> None:
    done = run(*(log() if word == "LOG" else word for word in arguments))
    assert (done.code, done.out) == (2, "")
    assert is_one_sentence(done.err), done.err
    assert hint in done.err


def test_one_bad_log_among_several_does_not_silence_the_others(
    run: Callable[..., SimpleNamespace], log: Callable[..., str], broken: str
) -> None:
    done = run("diagnose", "missing.csv", log(), broken, "--format", "json")
    assert done.code == 2
    assert is_one_sentence(done.err)
    assert len(json.loads(done.out)["runs"]) == 2


def test_a_crashed_check_is_named_and_the_others_still_report(
    run: Callable[..., SimpleNamespace], broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crashing(Check):
        """Crashes."""

        code, severity = "LR999", Severity.INFO

        def examine(self, run: Run) -> Finding | None:
            raise ZeroDivisionError("oops")

    checks = (*discover.checks(), Crashing())
    monkeypatch.setattr(discover, "checks", lambda: checks)
    done = run("diagnose", broken)
    assert done.code == 3
    assert "LR999" in done.err
    assert "ZeroDivisionError" in done.err
    assert "NUM001" in done.out


def replace_diagnose(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(sys.modules["lossdoctor.diagnose"], "diagnose", fail)


def test_a_bug_is_one_sentence_and_exit_3(run: Callable[..., SimpleNamespace], monkeypatch: pytest.MonkeyPatch) -> None:
    import lossdoctor.diagnose

    assert lossdoctor.diagnose
    replace_diagnose(monkeypatch, KeyError("x"))
    monkeypatch.delenv("LOSSDOCTOR_DEBUG", raising=False)
    done = run("diagnose", "run.csv")
    assert done.code == 3
    assert is_one_sentence(done.err)
    monkeypatch.setenv("LOSSDOCTOR_DEBUG", "1")
    with pytest.raises(KeyError):
        run("diagnose", "run.csv")


def test_an_interrupt_is_exit_130(run: Callable[..., SimpleNamespace], monkeypatch: pytest.MonkeyPatch) -> None:
    import lossdoctor.diagnose

    assert lossdoctor.diagnose
    replace_diagnose(monkeypatch, KeyboardInterrupt())
    assert run("diagnose", "run.csv").code == 130


def test_an_interrupt_keeps_what_was_read(
    run: Callable[..., SimpleNamespace], log: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lossdoctor.diagnose import diagnose

    def slow(path: str, **options: object) -> object:
        if path == "slow.csv":
            raise KeyboardInterrupt
        return diagnose(path, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(sys.modules["lossdoctor.diagnose"], "diagnose", slow)
    done = run("diagnose", log(), "slow.csv")
    assert done.code == 130
    assert "CONVERGED" in done.out


# gate


def test_gate_prints_a_line_a_run_and_fails_on_the_unhealthy(
    run: Callable[..., SimpleNamespace], log: Callable[..., str], broken: str
) -> None:
    good = log()
    assert run("gate", good).code == 0
    done = run("gate", good, broken)
    assert done.code == 1
    passed, failed = done.out.splitlines()
    assert passed.startswith("pass")
    assert good in passed
    assert failed.startswith("FAIL")
    assert "non_finite" in failed
    assert run("gate", good, broken, "--quiet").out.splitlines() == [failed]


def test_gate_takes_its_policy_from_pyproject_unless_told(
    run: Callable[..., SimpleNamespace], broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    policy = tmp_path / "pyproject.toml"
    policy.write_text('[tool.lossdoctor.gate]\nfail_on = ["stalled"]\n')
    assert run("gate", broken).code == 0
    assert run("gate", broken, "--fail-on", "NUM001").code == 1
    policy.write_text('[tool.lossdoctor.gate]\nfail_on = ["non_finite"]\n')
    assert run("gate", broken).code == 1


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('[tool.lossdoctor.gate]\nfail_on = ["staled"]\n', "stalled"),
        ('[tool.lossdoctor.gate]\nfail_no = ["stalled"]\n', "fail_on"),
        ('[tool.lossdoctor.gate]\nfail_on = "stalled"\n', "list"),
        ("[tool.lossdoctor", "pyproject.toml"),
        ("tool = 3", "pyproject.toml"),
    ],
)
def test_gate_refuses_a_bad_policy(
    run: Callable[..., SimpleNamespace], broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, hint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text(text)
    done = run("gate", broken)
    assert done.code == 2
    assert is_one_sentence(done.err)
    assert hint in done.err


# explain


@pytest.mark.parametrize("topic", ["LR001", "lr001", "learning-rate-too-high", "Learning_Rate_Too_High"])
def test_explain_finds_a_check_by_code_and_name_in_any_case(run: Callable[..., SimpleNamespace], topic: str) -> None:
    done = run("explain", topic)
    assert done.code == 0
    assert all(part in done.out for part in ("LR001 learning-rate-too-high", "Why it matters", "References", "FLR01"))


def test_explain_lists_all_units(run: Callable[..., SimpleNamespace]) -> None:
    listed = run("explain").out
    assert all(unit.code in listed for unit in (*discover.checks(), *discover.fixes()))
    assert "hf_trainer" in run("explain", "readers").out


def test_explain_as_json(run: Callable[..., SimpleNamespace]) -> None:
    document = json.loads(run("explain", "--format", "json").out)
    assert {"checks", "fixes", "readers"} == set(document)
    assert json.loads(run("explain", "LR001", "--format", "json").out)["thresholds"]["jump"]["value"] > 0


def test_explain_prints_the_schema_of_the_config(run: Callable[..., SimpleNamespace]) -> None:
    schema = json.loads(run("explain", "--schema").out)
    assert {"model", "data", "training", "probe"} <= set(schema["properties"])


# pipes and terminals


def test_standard_input(log: Callable[..., str]) -> None:
    command = [sys.executable, "-m", "lossdoctor", "diagnose", "-", "--format", "json"]
    done = subprocess.run(command, input=Path(log()).read_bytes(), capture_output=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["runs"][0]["status"] == "converged"


def test_a_pipe_gets_no_control_codes_and_no_long_lines(log: Callable[..., str]) -> None:
    done = shell("diagnose", log(), COLUMNS="100", LC_ALL="C.UTF-8")
    text = done.stdout.decode()
    assert "\x1b" not in text
    assert 80 < max(map(len, text.splitlines())) <= 100
    assert not text.isascii()
    assert done.stderr == b""


def test_the_c_locale_gets_ascii(log: Callable[..., str]) -> None:
    assert shell("diagnose", log(), LC_ALL="C").stdout.isascii()


def in_terminal(*arguments: str, **environment: str) -> str:
    """What a command writes to a terminal of 80 columns."""
    master, slave = pty.openpty()
    settings = {key: value for key, value in os.environ.items() if key != "NO_COLOR"} | {"TERM": "xterm", "COLUMNS": "80", **environment}
    command = [sys.executable, "-m", "lossdoctor", *arguments]
    with subprocess.Popen(command, stdout=slave, stderr=slave, cwd=ROOT, env=settings) as process:
        os.close(slave)
        parts = []
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:  # Linux reports the end of a terminal so
                break
            if not part:
                break
            parts.append(part)
        process.wait()
    os.close(master)
    return b"".join(parts).decode()


def test_a_terminal_gets_colour_unless_told_otherwise(log: Callable[..., str]) -> None:
    path = log()
    assert "\x1b[" in in_terminal("diagnose", path)
    assert "\x1b" not in in_terminal("diagnose", path, NO_COLOR="1")


def test_the_page_fits_its_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(isatty=lambda: True, encoding="utf-8"))
    assert page().color
    assert not page(no_color=True).color
    assert not page(output=Path("report.txt")).color
    monkeypatch.setenv("TERM", "dumb")
    assert not page().color


def test_a_reader_that_goes_away_is_no_error(log: Callable[..., str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "lossdoctor", "diagnose", log()],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
        cwd=ROOT,
    )
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode == 0


# tab completion


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("lossdoctor diag", {"diagnose"}),
        ("lossdoctor diagnose --format ht", {"html"}),
        ("lossdoctor gate --fail-on stalled,dive", {"stalled,diverging"}),
        ("lossdoctor diagnose --reader lightning", {"lightning_csv"}),
        ("lossdoctor diagnose --select IMB00", {"IMB001", "IMB002"}),
        ("lossdoctor explain lower-learning", {"lower-learning-rate"}),
    ],
)
def test_the_tab_key_offers_what_fits(line: str, offered: set[str]) -> None:
    words = {"_LOSSDOCTOR_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    done = subprocess.run([sys.executable, "-m", "lossdoctor"], capture_output=True, text=True, check=False, env=os.environ | words)
    assert set(done.stdout.split()) == offered


def test_completion_installs_itself_in_bash(tmp_path: Path) -> None:
    home = os.environ | {"HOME": str(tmp_path)}
    command = [sys.executable, "-m", "lossdoctor", "--install-completion", "bash"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=home)
    assert done.returncode == 0
    script = tmp_path / ".bash_completions" / "lossdoctor.sh"
    assert "complete -o default -F _lossdoctor_completion lossdoctor" in script.read_text()
    assert str(script) in (tmp_path / ".bashrc").read_text()


# a word while something takes long

WAITS = """
import sys, time
from contextlib import redirect_stdout
from lossdoctor import console
console.PATIENCE = {patience}
with redirect_stdout(sys.stderr), console.progress() as show:
    show("reading a.csv")
    print("a word of the user's code")
    time.sleep(1)
print("the report")
"""


@pytest.mark.parametrize(("patience", "shown"), [(0.05, True), (9, False)])
def test_what_takes_long_is_named_on_the_terminal_and_the_report_goes_where_it_should(patience: float, shown: bool) -> None:
    master, slave = pty.openpty()
    script = WAITS.format(patience=patience)
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=slave, env=os.environ | {"TERM": "xterm"}
    ) as process:
        os.close(slave)
        terminal = b"".join(iter(lambda: _read(master), b"")).decode()
        assert process.stdout is not None
        assert process.stdout.read().decode() == "the report\n"
    os.close(master)
    assert ("reading a.csv" in terminal) is shown
    assert "a word of the user's code" in terminal


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux reports the end of a terminal so
        return b""
