"""What is written about the program is true of it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from lossdoctor import catalogue
from lossdoctor.cli import app, main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CI = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")


def help_of(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main([command, "--help"] if command else ["--help"]) == 0
    return capsys.readouterr().out


def commands() -> set[str]:
    return {str(command.name or getattr(command.callback, "__name__", "")) for command in app.registered_commands}


def shown(page: str = README) -> list[list[str]]:
    """The command lines of lossdoctor that a page shows, in code blocks and in the running text; also what a CI's config runs."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", page, re.M | re.S)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    inline = re.findall(r"`(lossdoctor [^`]+)`", page)
    found = [re.sub(r"^(?:\$|- run:|-) |^sh '(.*)'$", r"\1", line.strip()) for line in (*lines, *inline)]
    return [shlex.split(line, comments=True) for line in found if line.startswith("lossdoctor ")]


@pytest.mark.parametrize("page", [README, CI], ids=["README", "ci"])
def test_every_command_that_the_docs_show_exists_with_its_options(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    for _, command, *rest in shown(page):
        if command.startswith("-"):
            rest, command = [command, *rest], ""
        elif not re.fullmatch(r"[a-z]+", command):
            continue  # a placeholder such as COMMAND
        assert not command or command in commands(), f"the docs show `lossdoctor {command}`"
        text = help_of(command, capsys)
        for option in (word.partition("=")[0] for word in rest if re.fullmatch(r"--?[a-z][\w-]*(=.*)?", word)):
            assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text), f"`lossdoctor {command}` has no {option}"


def test_what_the_docs_put_into_a_ci_is_found() -> None:
    assert len(shown(CI)) >= 6


def test_the_readme_shows_every_command() -> None:
    assert commands() <= {words[1] for words in shown()}


def test_the_codes_in_the_readme_exist() -> None:
    known = {entry["code"] for kind in ("checks", "fixes") for entry in catalogue.catalogue()[kind]}
    prefixes = {re.sub(r"\d", "", code) for code in known}
    for code in re.findall(r"\b[A-Z]{2,6}\d{2,3}\b", README):
        assert code in known or re.sub(r"\d", "", code) not in prefixes, f"README names {code}"


def test_links_to_files_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)", README):
        assert (ROOT / target).exists(), f"README links to {target}"


def test_the_check_that_the_readme_shows_is_the_file_it_names() -> None:
    path, code = re.search(r"\((lossdoctor/checks/\S+\.py)\):\n\n```python\n(.*?)```", README, re.S).groups()  # type: ignore[union-attr]
    assert code == (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["checks", "fixes", "readers"])
def test_the_generated_tables_are_up_to_date(kind: str) -> None:
    written = (Path(catalogue.__file__).parent / kind / "README.md").read_text(encoding="utf-8")
    assert written == getattr(catalogue, f"{kind}_page")(), "run `make docs`"


def test_stale_tables_are_named_and_rewritten(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(catalogue, "__file__", str(tmp_path / "lossdoctor" / "catalogue.py"))
    for kind in ("checks", "fixes", "readers"):
        (tmp_path / "lossdoctor" / kind).mkdir(parents=True)
    assert catalogue.main(["--check"]) == 1
    assert "checks/README.md is out of date" in capsys.readouterr().err
    assert catalogue.main([]) == 0
    assert catalogue.main(["--check"]) == 0
