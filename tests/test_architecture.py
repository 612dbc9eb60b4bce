"""The house rules that a program can hold: who imports whom, and what a command may load."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent / "lossdoctor"
FILES = sorted(HOUSE.rglob("*.py"))
HEAVY = ("numpy", "pandas", "sklearn", "scipy", "torch", "lossdoctor.core.config")  # typer itself may load pydantic

# what each room may import at module level; every room may import itself but readers, checks, fixes and reports,
# whose files stand alone
MAY_IMPORT = {
    "core": set(),
    "readers": {"core"},
    "checks": {"core"},
    "fixes": {"core"},
    "reports": {"core", "_version"},
    "signals": {"core", "signals"},
    "lab": {"core", "lab"},
    "": {"core", "_version", "examine"},
    "compare": {"core", "compare"},
    "gate": {"core", "gate"},
    "live": {"core", "_version", "diagnose", "read", "gate", "live"},
    "integrations": {"integrations", "live"},
    "cli": {"core", "_version", "cli", "options"},
}
INSIDE_FUNCTIONS = {
    "signals": {"lab"},
    "": {"lab", "read"},
    "cli": {"diagnose", "probe", "train", "init", "gate", "compare", "read", "schemas", "catalogue", "console", "reports", "live", ""},
}


def room(file: Path) -> str:
    """``core``, ``checks`` ...; the files beside them share the room ''."""
    parts = file.relative_to(HOUSE).parts
    return parts[0] if len(parts) > 1 else "cli" if file.name in ("cli.py", "options.py", "__main__.py", "__init__.py") else ""


def imports(file: Path) -> Iterator[tuple[str, bool, int]]:
    """Each module of ours that a file imports, whether at module level, and the line; those for type checkers are left out."""

    def walk(node: ast.AST, top: bool) -> Iterator[tuple[str, bool, int]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.ImportFrom) and child.module == "lossdoctor":
                yield from ((f"lossdoctor.{alias.name}", top, child.lineno) for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module:
                yield child.module, top, child.lineno
            elif isinstance(child, ast.Import):
                yield from ((alias.name, top, child.lineno) for alias in child.names)
            else:
                yield from walk(child, top and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))

    return walk(ast.parse(file.read_text(encoding="utf-8")), True)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(HOUSE)))
def test_a_room_imports_only_the_rooms_below_it(file: Path) -> None:
    own = room(file)
    package = ".".join(("lossdoctor", *file.relative_to(HOUSE).parent.parts))
    for module, top, line in imports(file):
        if module.split(".")[0] != "lossdoctor" or (own == "reports" and package.count(".") > 1 and module.startswith(package)):
            continue
        target = [*module.split("."), ""][1]
        allowed = MAY_IMPORT[own] | {own if own == "core" else ""} - {""} | (set() if top else INSIDE_FUNCTIONS.get(own, set()))
        assert target in allowed, f"{file.name}:{line}: {own or 'the top level'} may not import {module}{' at module level' if top else ''}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(HOUSE)))
def test_only_the_lab_imports_torch_sklearn_and_scipy_at_module_level(file: Path) -> None:
    for module, top, line in imports(file):
        if top and room(file) != "lab":
            assert module.split(".")[0] not in ("torch", "sklearn", "scipy"), f"{file.name}:{line} imports {module}"


def loaded(*arguments: str) -> set[str]:
    """The heavy packages that a command loads."""
    script = (
        "import sys\nfrom lossdoctor.cli import main\n"
        f"code = main({list(arguments)!r})\n"
        f"print('LOADED', code, *(name for name in {HEAVY} if name in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=HOUSE.parent)
    code, *names = done.stderr.rpartition("LOADED ")[2].split()
    assert code == "0", done.stderr
    return set(names)


@pytest.mark.parametrize("arguments", [["--help"], ["diagnose", "--help"], ["probe", "--help"], ["--version"]], ids=" ".join)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    assert loaded(*arguments) == set()


def test_diagnose_loads_neither_torch_nor_what_only_the_probe_needs(tmp_path: Path) -> None:
    log = tmp_path / "run.csv"
    log.write_text("step,loss\n" + "".join(f"{step},{1 / step}\n" for step in range(1, 60)))
    assert not loaded("diagnose", str(log)) & {"torch", "sklearn", "scipy", "lossdoctor.core.config"}


def test_public_names_are_there_and_stay_functions() -> None:
    script = (
        "import lossdoctor.read, lossdoctor.diagnose\n"  # the modules of the same name must not take the place of the functions
        "import lossdoctor, types\n"
        "assert all(not isinstance(getattr(lossdoctor, name), types.ModuleType) for name in lossdoctor.__all__)\n"
        "from lossdoctor import diagnose, probe, read\n"
        "assert callable(diagnose) and callable(probe) and callable(read)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=HOUSE.parent)
    assert done.returncode == 0, done.stderr
