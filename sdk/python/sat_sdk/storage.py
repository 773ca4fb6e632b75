"""Tables and keys of a profile (`sat:host/storage`), with Python's own values.

SQL values are None, int, float, str, bytes, and bool on its way in (0 or 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Sequence

from . import bindings
from .bindings.sat.host import storage as _host
from .bindings.sat.host.storage import delete, get, keys, set
from .errors import SatError

__all__ = [
    "Committed", "Migrations", "Rows", "Value", "commit", "delete", "execute", "get", "keys",
    "query", "run", "select", "select_one", "set", "sql",
]  # fmt: skip

Value = None | bool | int | float | str | bytes


@dataclass
class Rows:
    """What a statement returned."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    #: Rows inserted, changed or deleted.
    changed: int
    last_row_id: int


@dataclass
class Committed:
    """What a transaction did."""

    #: One for each statement.
    results: list[Rows]
    #: The ids of the sent stanzas.
    sent: list[str]


def sql(text: str, params: Iterable[Value] = ()) -> Any:
    """A statement with the values of its `?1`, `?2`, …."""
    return _host.Statement(text, [_to_host(p) for p in params])


async def query(text: str, params: Iterable[Value] = ()) -> Rows:
    """Runs one statement that only reads."""
    return _rows(await _host.query(sql(text, params)))


async def select(text: str, params: Iterable[Value] = ()) -> list[tuple[Any, ...]]:
    """Reads rows as tuples."""
    return (await query(text, params)).rows


async def select_one(text: str, params: Iterable[Value] = ()) -> tuple[Any, ...] | None:
    """Reads the first row, if there is one."""
    rows = await select(text, params)
    return rows[0] if rows else None


async def execute(text: str, params: Iterable[Value] = ()) -> int:
    """Runs one statement and returns how many rows it changed."""
    return (await run(sql(text, params))).results[0].changed


async def run(*statements: Any) -> Committed:
    """Runs statements in one transaction."""
    return await commit(statements)


async def commit(statements: Iterable[Any] = (), send: Iterable[Any] = ()) -> Committed:
    """Runs statements and puts durable messages (`xmpp.durable(…)`) into the outbox, all or none.

    It is on disk when this returns. Events that this call has emitted since its last commit are
    part of it.
    """
    done = await _host.commit(_host.Transaction(list(statements), list(send)))
    return Committed([_rows(r) for r in done.results], done.sent)


class Migrations:
    """Numbered changes of a plugin's tables, each run once for each profile.

    `steps` are append-only: released steps never change. `table` is a table of the plugin that
    remembers what has run, such as `chat__schema`. Cheap to call before every use: after the
    first time in an instance it does nothing.
    """

    def __init__(self, table: str, steps: Sequence[Sequence[str]]) -> None:
        self.table = table
        self.steps = steps
        self._done: Any = None

    async def run(self) -> None:
        """Brings the tables up to date."""
        instance = bindings.current().backend.instance()
        if self._done is instance:
            return
        schema = f"CREATE TABLE IF NOT EXISTS {self.table} (version INTEGER PRIMARY KEY) STRICT"
        await run(sql(schema))
        for number in range(await self._version() + 1, len(self.steps) + 1):
            # The version comes first: when another call of this instance runs the same step at
            # the same time, one of both fails here and changes nothing.
            note = sql(f"INSERT INTO {self.table} (version) VALUES (?1)", [number])
            try:
                await run(note, *map(sql, self.steps[number - 1]))
            except SatError:
                if await self._version() < number:
                    raise
        self._done = instance

    async def _version(self) -> int:
        # Not by a query, which may not see yet what another call is just committing.
        done = await run(sql(f"SELECT coalesce(max(version), 0) FROM {self.table}"))
        return done.results[0].rows[0][0]


def _to_host(value: Value) -> Any:
    if value is None:
        return _host.Value_Null()
    if isinstance(value, int):
        return _host.Value_Integer(int(value))
    if isinstance(value, float):
        return _host.Value_Real(value)
    if isinstance(value, str):
        return _host.Value_Text(value)
    if isinstance(value, bytes):
        return _host.Value_Blob(value)
    raise TypeError(f"SQL has no value for {type(value).__name__}: {value!r}")


def _rows(rows: Any) -> Rows:
    # A null has no field `value`.
    values = [tuple([getattr(v, "value", None) for v in row]) for row in rows.rows]
    return Rows(rows.columns, values, rows.changed, rows.last_row_id)
