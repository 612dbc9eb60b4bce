"""The sets of cases together, and a case in a folder of its own: its config beside the code that it names."""

from __future__ import annotations

from pathlib import Path

from cases.examined import EXAMINED
from cases.fifth import FIFTH
from cases.fourth import FOURTH
from cases.later import LATER
from cases.table import CASES, Case, dump
from cases.third import THIRD

HERE = Path(__file__).parent
CODE = ("nets.py", "data.py", "users.py", "posts.py", "projects.py")  # what the configs name
EVERY: tuple[Case, ...] = (*CASES, *EXAMINED, *LATER, *THIRD, *FOURTH, *FIFTH)


def link_code(folder: Path) -> None:
    """Put the code of the cases into a folder."""
    for name in CODE:
        (folder / name).symlink_to(HERE / name)


def lay_out(case: Case, folder: Path, *, twin: bool = False) -> Path:
    """Write a case, or its sound twin, into an empty folder; the path of its config."""
    link_code(folder)
    config = folder / "config.yaml"
    dump(case.sound_config() if twin else case.config(), config)
    return config
