"""Traps: at the Nth call of a named function, the process is killed or waits until a file exists."""

import os
import signal
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pkgutil import resolve_name
from typing import Any

# The steps of an import in their order.
POINTS = {
    "listed": "flows.import_runs.lifecycle:make_import_folder",
    "landed": "flows.import_contacts:land_source",
    "reading": "transforms.chunks.read:find_gaps",
    "checking": "flows.pipeline.chunk_runs:check_chunk",
    "staging": "warehouse.merge.staging:Staging._stage_file",
    "read": "flows.import_runs.tasks:check_min_rows",
    "rejecting": "flows.import_runs.tasks:resolve_rejections",
    "excluding": "warehouse.merge.staging:Staging._exclude_records",
    "ensured": "warehouse.merge.staging:Staging.ensure_staged",
    "adopting": "warehouse.merge.transaction:become_contacts",
    "merging": "warehouse.merge.transaction:merge",
    "members": "warehouse.merge.transaction:_add_members",
    "columns": "warehouse.merge.transaction:_insert_columns",
    "rejections": "warehouse.merge.transaction:_insert_rejections",
    "completing": "warehouse.merge.transaction:_complete",
    "committed": "flows.import_runs.tasks:load_import",
    "tidying": "flows.import_runs.lifecycle:clean_up_folder",
    "telling": "flows.import_contacts:record_outcome",
    "showing": "flows.import_contacts:publish_result",
    # Of a merge: number 1 is the journal, 2 the update, 3 the inserts.
    "found": "warehouse.merge.execution:count_changes",
    "written": "warehouse.merge.execution:_row_count",
    # Of a plan.
    "copied": "flows.planning.plan:land_source",
    "comparing": "flows.import_runs.tasks:preview_merge",
    # Of an undo.
    "undoing": "warehouse.undo.undo:check_undoable",
    "entered": "warehouse.undo.undo:enter_change",
    "counted": "warehouse.undo.undo:count_undo",
    "undone": "warehouse.undo.undo:_complete",
    "answering": "flows.cli.commands.changes:undo_import",
    # Of a delete and an erase.
    "chosen": "warehouse.removal.delete:choose_contacts",
    "erased": "warehouse.removal.erase:_erase_contacts",
    "rewritten": "warehouse.removal.erase:_erase_rejected",
    # The steps after the import of a file of an inbox.
    "finishing": "flows.inbox.handling:finish_file",
    "writing": "transforms.sources.folders:Folder.write",
    "moving": "transforms.sources.folders:Folder.move",
    "releasing": "flows.inbox.handling:release_claims",
    "object": "transforms.sources.remote.s3:Bucket.stat",
}
# What the traps of statements and commits wait for.
TRANSACTIONS = (
    "flows.import_runs.tasks:load_import",
    "flows.cli.commands.changes:undo_import",
    "flows.cli.commands.removal:delete_contacts",
    "flows.cli.commands.removal:erase_people",
)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def wait_for(path: str) -> Callable[[], None]:
    """Create a file when the step is reached, and wait until the test creates another."""

    def wait() -> None:
        with open(f"{path}.here", "w"):  # noqa: PTH123 - the fewest steps
            pass
        while not os.path.exists(path):  # noqa: PTH110
            time.sleep(0.005)

    return wait


def set_trap(point: str, when: str, number: str, gate: str = "") -> None:
    """`when` is before or after the call with the `number`; with a `gate`, wait for that file instead of dying."""
    act = wait_for(gate) if gate else die
    if point == "pages":
        _limit_pages(int(number))
    elif point == "statement":
        _trap_statements(when, int(number), act)
    elif point == "commit":
        _trap_commits(when, int(number), act)
    else:
        place, _, attribute = POINTS[point].partition(":")
        owner: Any = import_module(place)
        *path, name = attribute.split(".")
        for part in path:
            owner = getattr(owner, part)
        setattr(owner, name, _trapped(getattr(owner, name), when, int(number), act))


def _limit_pages(more: int) -> None:
    """Let a SQLite warehouse grow by some pages only, as on a full disk."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def limit(connection: Any, _: object) -> None:
        (now,) = connection.execute("pragma page_count").fetchone()
        connection.execute(f"pragma max_page_count = {_limit_pages_at(now + more)}")

    event.listen(Engine, "connect", limit)


_limits: list[int] = []


def _limit_pages_at(pages: int) -> int:
    """The limit that the first connection set."""
    _limits.append(pages)
    return _limits[0]


def _trapped(function: Callable[..., Any], when: str, number: int, act: Callable[[], None]) -> Callable[..., Any]:
    calls = 0

    def trapped(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        now = calls == number
        if now and when == "before":
            act()
        result = function(*args, **kwargs)
        if now and when == "after":
            act()
        return result

    trapped.__name__, trapped.__signature__ = function.__name__, _signature(function)  # type: ignore[attr-defined]
    return trapped


def _signature(function: Callable[..., Any]) -> Any:
    from inspect import signature

    return signature(function)


def _in_the_transaction(begin: Callable[[], None]) -> None:
    """Call `begin` when the merge or the undo begins."""
    for place in TRANSACTIONS:
        function = resolve_name(place)

        def begun(*args: Any, function: Callable[..., Any] = function, **kwargs: Any) -> Any:
            begin()
            return function(*args, **kwargs)

        module, _, name = place.partition(":")
        setattr(sys.modules[module], name, begun)


def _trap_statements(when: str, number: int, act: Callable[[], None]) -> None:
    """Before or after the Nth statement of the transaction."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    seen = 0

    def statement(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            act()

    _in_the_transaction(lambda: event.listen(Engine, f"{when}_cursor_execute", statement))


def _trap_commits(when: str, number: int, act: Callable[[], None]) -> None:
    """Before or after the driver's commit of the transaction."""
    from sqlalchemy.engine.default import DefaultDialect

    commit = DefaultDialect.do_commit

    def begin() -> None:
        DefaultDialect.do_commit = _trapped(commit, when, number, act)  # type: ignore[method-assign]

    _in_the_transaction(begin)
