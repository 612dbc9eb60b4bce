"""The door to the user's own code: imports what a config names, and turns what it raises into one sentence."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from lossdoctor.core.errors import BadConfig, LossDoctorError, UserCodeError


def load_callable(reference: str, folder: Path, key: str) -> Callable[..., Any]:
    """The callable that ``FILE.py:name`` (relative to ``folder``) or ``package.module:name`` stands for."""
    place, colon, name = reference.rpartition(":")
    if not colon or not place or not name:
        raise BadConfig(f"{key}: {reference!r} names no callable; write FILE.py:callable or package.module:callable")
    module = _load_file(folder / place, key) if place.endswith(".py") else _load_module(place, folder, key)
    found = getattr(module, name, None)
    if found is None or not callable(found):
        known = ", ".join(n for n, v in vars(module).items() if callable(v) and getattr(v, "__module__", "") == module.__name__)
        raise BadConfig(f"{key}: {place} has no callable {name!r}" + (f"; it has {known}" if known else ""))
    return cast(Callable[..., Any], found)


@contextmanager
def guard(what: str) -> Iterator[None]:
    """Whatever the user's code raises inside becomes one sentence with the place in their file."""
    try:
        yield
    except LossDoctorError:
        raise
    except (Exception, SystemExit) as error:
        raise UserCodeError(f"{what} raised {type(error).__name__}: {_first_line(error)}{_place(error)}") from error


def _load_file(path: Path, key: str) -> ModuleType:
    if not path.is_file():
        raise BadConfig(f"{key}: there is no file {path}")
    folder = str(path.parent.resolve())
    name = f"_lossdoctor_user_{path.stem}_{abs(hash(str(path.resolve())))}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    if folder not in sys.path:
        sys.path.insert(0, folder)  # so that the user's files can import each other, as they do when run from there
    sys.modules[name] = module  # so that what the file defines can be found by its name, as in any import
    try:
        with guard(f"{key}: importing {path}"):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _load_module(name: str, folder: Path, key: str) -> ModuleType:
    for entry in (str(folder.resolve()), str(Path.cwd())):
        if entry not in sys.path:
            sys.path.insert(0, entry)
    with guard(f"{key}: importing {name}"):
        return importlib.import_module(name)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or "no message").splitlines()[0]


def _place(error: BaseException) -> str:
    """`` (net.py:12)``: the innermost frame in the user's files, not in ours or a library's."""
    ours = str(Path(__file__).parents[1])
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(ours) and "site-packages" not in f.filename]
    frames = [f for f in frames if not f.filename.startswith(("<", sys.base_prefix))]
    return f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
