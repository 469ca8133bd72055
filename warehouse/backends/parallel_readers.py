"""Several connections that look at once, since SQLite gives every query a single processor.

The connection that merges keeps all writers out, and looks before it writes: so the others see what it sees.
"""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from queue import SimpleQueue
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, func, insert, select

LOOKERS = min(4, os.cpu_count() or 1)
ROWS_A_LOOK = 50_000  # of which, at most this many at a time, what is found is held in memory
FIRST_ROWS = 2_000
FEW = 0.2  # of the first rows; where more is found, it costs less to write it down than to hand it over
CACHE_KB = 48 * 1024  # of each looker

FoundRows = list[Row[Any]]


def find_changes_parallel(connection: Connection, found: Table, rows: Select[Any]) -> None:
    """Put into `found` what `rows` finds, whose first column numbers what it looks at."""
    number = rows.selected_columns[0]
    # Each by itself is the end of an index; both in one query are a look at every row.
    first, last = (connection.scalar(select(end(number))) for end in (func.min, func.max))
    several = first is not None and last - first >= ROWS_A_LOOK
    if several and _share_found(connection, rows.where(number < first + FIRST_ROWS)) <= FEW:
        looks = [range(start, min(start + ROWS_A_LOOK, last + 1)) for start in range(first, last + 1, ROWS_A_LOOK)]
        for each in _read_ranges(connection, looks, rows):
            if each:
                connection.execute(insert(found), [row._asdict() for row in each])
    else:
        connection.execute(insert(found).from_select([column.name for column in found.columns], rows))


def _share_found(connection: Connection, rows: Select[Any]) -> float:
    return (connection.scalar(select(func.count()).select_from(rows.subquery())) or 0) / FIRST_ROWS


def _read_ranges(connection: Connection, looks: list[range], rows: Select[Any]) -> Iterator[FoundRows]:
    """What each look finds, in their order; hardly more of them at a time than there are lookers."""
    number = rows.selected_columns[0]
    with ExitStack() as stack, ThreadPoolExecutor(LOOKERS, "looker") as threads:
        idle = SimpleQueue[Connection]()
        for _ in looks[:LOOKERS]:
            idle.put(stack.enter_context(_open_reader(connection)))

        def look(numbers: range) -> FoundRows:
            looker = idle.get()
            try:
                return list(looker.execute(rows.where(number.between(numbers[0], numbers[-1]))))
            finally:
                idle.put(looker)

        waiting = deque[Future[FoundRows]]()
        for numbers in looks:
            waiting.append(threads.submit(look, numbers))
            if len(waiting) > LOOKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def _open_reader(connection: Connection) -> Iterator[Connection]:
    """A connection to the same files, which can only look, and is of no other use afterwards."""
    with connection.engine.execution_options(writes=False).connect() as looker:
        driver = looker.connection.driver_connection
        assert driver is not None
        try:
            driver.execute("pragma query_only = on")
            driver.execute(f"pragma cache_size = -{CACHE_KB}")
            for name, path in _attached(connection).items():
                driver.execute(f'attach database ? as "{name}"', (path,))
            yield looker
        finally:
            looker.invalidate()


def _attached(connection: Connection) -> dict[str, str]:
    """The files that are attached to a connection, by their names in it."""
    driver = connection.connection.driver_connection
    assert driver is not None
    return {
        name: path for _, name, path in driver.execute("pragma database_list") if path and name not in ("main", "temp")
    }
