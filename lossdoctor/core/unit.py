"""What checks and fixes have in common: name, family and documentation come from where and how the class is written."""

from __future__ import annotations

import inspect
import re
from typing import ClassVar


class Unit:
    """A documented unit that registers by being a file in its folder.

    ``name`` is the class name in kebab case, ``family`` the folder it lies in; the docstring is its documentation.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    family: ClassVar[str]
    references: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", cls.__name__).lower()
        cls.family = cls.__module__.rpartition(".")[0].rpartition(".")[2]

    @classmethod
    def title(cls) -> str:
        """The first sentence of the documentation."""
        return (inspect.getdoc(cls) or "").split("\n", 1)[0]

    @classmethod
    def sections(cls) -> dict[str, str]:
        """The documentation by section (``Why it matters``: text), in order, without the title."""
        body = (inspect.getdoc(cls) or "").split("\n", 1)[1:]
        found = re.findall(r"^([A-Z][\w ]+):\s(.*?)(?=^[A-Z][\w ]+:\s|\Z)", body[0] if body else "", re.M | re.S)
        return {head: " ".join(text.split()) for head, text in found}
