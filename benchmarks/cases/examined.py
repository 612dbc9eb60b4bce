"""Cases for the examination alone: faults that no change of the config mends, and sound trainings of further kinds."""

from __future__ import annotations

from cases.table import Case

EXAMINED: tuple[Case, ...] = ()
