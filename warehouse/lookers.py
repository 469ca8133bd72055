"""Several connections that look at once, since SQLite gives every query a single processor.

The connection that merges keeps all writers out, and looks before it writes: so the others see what it sees.
"""

import os
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, func, insert, select

LOOKERS = min(4, os.cpu_count() or 1)
ROWS_A_LOOK = 50_000  # of which, at most this many at a time, what is found is held in memory
FIRST_ROWS = 2_000
FEW = 0.2  # of the first rows; where more is found, it costs less to write it down than to hand it over
CACHE_KB = 48 * 1024  # for contacts here and there
IN_STEP_CACHE_KB = 2 * 1024  # for those in order; each page is needed once, and fresh memory costs time
SAMPLED = 100  # rows at each end of a look
IN_STEP = 0.75  # of the sampled rows; where fewer are, nothing is gained

Found = list[Row[Any]]


@dataclass(frozen=True)
class Shortcut:
    """Most nights bring the rows in the order in which their contacts were added.

    Then a contact lies as far from its row, by number, as those before it, and finding it there takes two thirds of
    the time of finding its email. `distances` has how far apart a row and its contact are; `unlike`, which rows
    are not the same as the contact so far on, if there is one, and have to be looked for.
    """

    distances: Select[tuple[int]]
    unlike: Callable[[int], ColumnElement[bool]]


def find_together(connection: Connection, found: Table, rows: Select[Any], shortcut: Shortcut) -> None:
    """Put into `found` what `rows` finds, whose first column numbers what it looks at."""
    number = rows.selected_columns[0]
    # Each by itself is the end of an index; both in one query are a look at every row.
    first, last = (connection.scalar(select(end(number))) for end in (func.min, func.max))
    several = first is not None and last - first >= ROWS_A_LOOK
    if several and _share_found(connection, rows.where(number < first + FIRST_ROWS)) <= FEW:
        looks = [range(start, min(start + ROWS_A_LOOK, last + 1)) for start in range(first, last + 1, ROWS_A_LOOK)]
        for each in _looked(connection, looks, rows, shortcut):
            if each:
                connection.execute(insert(found), [row._asdict() for row in each])
    else:
        connection.execute(insert(found).from_select([column.name for column in found.columns], rows))


def _share_found(connection: Connection, rows: Select[Any]) -> float:
    return (connection.scalar(select(func.count()).select_from(rows.subquery())) or 0) / FIRST_ROWS


def _looked(connection: Connection, looks: list[range], rows: Select[Any], shortcut: Shortcut) -> Iterator[Found]:
    """What each look finds, in their order; hardly more of them at a time than there are lookers."""
    with ExitStack() as stack, ThreadPoolExecutor(LOOKERS, "looker") as threads:
        idle = SimpleQueue[Connection]()
        for _ in looks[:LOOKERS]:
            idle.put(stack.enter_context(_looker(connection)))

        def look(numbers: range) -> Found:
            looker = idle.get()
            try:
                return _look(looker, numbers, rows, shortcut)
            finally:
                idle.put(looker)

        waiting = deque[Future[Found]]()
        for numbers in looks:
            waiting.append(threads.submit(look, numbers))
            if len(waiting) > LOOKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _look(looker: Connection, numbers: range, rows: Select[Any], shortcut: Shortcut) -> Found:
    within = rows.where(_among(numbers, rows))
    distances: Counter[int] = Counter()
    for sample in (numbers[:SAMPLED], numbers[-SAMPLED:]):
        distances.update(looker.scalars(shortcut.distances.where(_among(sample, rows))))
    distance, times = distances.most_common(1)[0] if distances else (0, 0)
    in_step = times > IN_STEP * distances.total()
    looker.exec_driver_sql(f"pragma cache_size = -{IN_STEP_CACHE_KB if in_step else CACHE_KB}")
    if in_step:
        within = within.where(shortcut.unlike(distance))
    return list(looker.execute(within))


def _among(numbers: range, rows: Select[Any]) -> ColumnElement[bool]:
    return rows.selected_columns[0].between(numbers[0], numbers[-1])


@contextmanager
def _looker(connection: Connection) -> Iterator[Connection]:
    """A connection to the same files, which can only look, and is of no other use afterwards."""
    with connection.engine.execution_options(writes=False).connect() as looker:
        driver = looker.connection.driver_connection
        assert driver is not None
        try:
            driver.execute("pragma query_only = on")
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
