"""SQLite databases that loggers keep their metrics in, read without touching them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from lossdoctor.core.errors import UnreadableLog
from lossdoctor.core.reader import Source

MAGIC = b"SQLite format 3\0"


def columns(source: Source, table: str) -> frozenset[str]:
    """The names of a table's columns; empty where there is no such table, or no database at all."""
    if source.path is None or not source.head.startswith(MAGIC):
        return frozenset()
    try:
        # a view of that name could compute for ever; a table only lists
        found = query(
            source,
            "SELECT info.name FROM sqlite_master AS t, pragma_table_info(t.name) AS info WHERE t.type = 'table' AND t.name = ?",
            table,
        )
        return frozenset(str(name) for (name,) in found)
    except UnreadableLog:
        return frozenset()


def query(source: Source, text: str, *values: object) -> Iterator[tuple[Any, ...]]:
    """The rows of a query. Raises ``UnreadableLog`` where the database is damaged."""
    import sqlite3  # 14 ms that most logs need not wait for

    if source.path is None:
        raise UnreadableLog("a database cannot be read from standard input; give its path")
    path = source.path.absolute()
    # what is not yet in the file stands in the -wal beside it; without one the folder may be read-only
    mode = "mode=ro" if path.with_name(path.name + "-wal").exists() else "mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?{mode}", uri=True)) as database:
            database.text_factory = lambda data: data.decode(errors="replace")
            yield from database.execute(text, values)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise UnreadableLog(f"{source.name} is no sound database: {error}; copy it again") from error
