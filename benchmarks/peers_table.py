"""Imports beside other tools that load files, each in the way that its documentation calls best."""

import re
import shutil
import sqlite3
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import psycopg

from benchmarks.bench import POSTGRES, SQLITE, Bench, Measurement, log_progress, measure, prepare_load, rotated
from benchmarks.loads import CHANGED, FIRST, SAME
from benchmarks.tables import compare_with_target, header, median_ratio, median_seconds, row

OURS = ("contacts import", True)
TARGETS = {FIRST: 0.8, SAME: 0.4, CHANGED: 0.5}
# One text for each contact, the same for equal values of different types; a phone has its prefix.
CONTACT = {
    POSTGRES: """
        select concat_ws('|', email, name, surname, case when mobile_phone::text like '+%' then '' else '+34' end ||
        mobile_phone, birthdate::date, points::bigint, round(total_spent::numeric, 2), newsletter_subscription_status,
        interests, city, vip::text::boolean, gender) from """,
    SQLITE: """
        select email || '|' || name || '|' || surname || '|' ||
        case when mobile_phone like '+%' then '' else '+34' end || mobile_phone || '|' || birthdate || '|' ||
        cast(points as integer) || '|' || printf('%.2f', total_spent) || '|' ||
        newsletter_subscription_status || '|' || interests || '|' || city || '|' ||
        case vip when 'true' then 1 when 'false' then 0 else vip end || '|' || gender from """,
}


@dataclass(frozen=True)
class Peer:
    """Another tool, and what it checks. One without an environment is a program of the system.

    One that is `slow` is measured in one round: its median would change nothing. One that can only make its table
    again (`first_only`) does the same work in every situation.
    """

    name: str
    script: str
    checks: str
    environment: str | None = None
    options: tuple[str, ...] = ()
    database: str = POSTGRES
    slow: bool = False
    first_only: bool = False

    def table(self, key: bool) -> str:
        """The name of its folder and of its table; dlt takes it as the name of the schema."""
        return "by_" + re.sub(r"\W+", "_", self.name.lower()) + ("_key" if key else "")

    def python(self, bench: Bench) -> str | None:
        if self.environment:
            return bench.peer_python(self.environment)
        return sys.executable if shutil.which(self.name) else None


PEERS = (
    Peer("dlt", "dlt_upsert", "types", "dlt"),
    Peer("dlt, Parquet", "dlt_upsert", "types", "dlt", ("--format", "parquet")),
    Peer("DuckDB", "duckdb_insert", "types", "duckdb"),
    Peer("Polars, ADBC", "polars_adbc", "types", "polars"),
    Peer("ingestr", "command_line", "types", "ingestr", ("--tool", "ingestr"), slow=True),
    Peer("sling", "command_line", "nothing, guesses types", "sling", ("--tool", "sling"), slow=True),
    Peer("pgloader", "command_line", "types", None, ("--tool", "pgloader")),
    Peer("csvkit", "command_line", "nothing", "csvkit", ("--tool", "csvkit"), slow=True, first_only=True),
    Peer(
        "sqlite-utils",
        "command_line",
        "nothing, guesses types",
        "sqlite-utils",
        ("--tool", "sqlite-utils"),
        SQLITE,
        slow=True,
    ),
)

Contender = tuple[str, bool]  # its name, and whether its table has a key on the email
Seconds = dict[tuple[str, str, Contender], list[float]]


def peers(bench: Bench) -> Iterator[str]:
    """Every situation in both databases; stop if a peer leaves other rows than the import."""
    available = [peer for peer in PEERS if peer.python(bench)]
    files = {FIRST: bench.file(bench.rows), SAME: bench.file(bench.rows), CHANGED: bench.file(bench.rows, changed=0.01)}
    seconds: Seconds = defaultdict(list)
    for number in range(bench.rounds):
        of_round = [peer for peer in available if number == 0 or not peer.slow]
        for database in (POSTGRES, SQLITE):
            with bench.warehouse(database) as warehouse:
                for situation, file in files.items():
                    measured = _measure(bench, warehouse, file, number, situation, _of(of_round, database))
                    for contender, each in measured.items():
                        seconds[database, situation, contender].append(each.seconds)
    yield from _table(seconds)
    yield ""
    yield from _fastest(seconds)
    for peer in PEERS:
        if peer not in available:
            reason = "its environment could not be created" if peer.environment else "it is not on the PATH"
            yield f"\n{peer.name} was left out: {reason}."


def _of(available: Iterable[Peer], database: str) -> list[Peer]:
    return [peer for peer in available if peer.database == database]


def _measure(
    bench: Bench, warehouse: str, file: Path, number: int, situation: str, available: list[Peer]
) -> dict[Contender, Measurement]:
    """One situation in one round."""
    contenders: dict[Contender, Peer | None] = {OURS: None}
    for peer in available:
        if situation == FIRST or not peer.first_only:
            contenders |= {(peer.name, key): peer for key in (False, True)}
    results, contents = {}, {}
    for contender in rotated(list(contenders), number):
        tool = contenders[contender]
        prepare_load(warehouse, file)
        if tool:
            results[contender] = _run(tool, contender[1], bench, warehouse, file, number)
            contents[contender] = peer_contents(tool, contender[1], warehouse)
        else:
            results[contender] = bench.import_into(warehouse, file)
            contents[contender] = contents_of(warehouse, "contacts")
        log_progress(f"{situation}, {contender}: {results[contender]}")
    if wrong := [contender for contender, content in contents.items() if content != contents[OURS]]:
        raise SystemExit(f"{situation}: other rows than those of the import were left by {wrong}")
    return results


def _run(peer: Peer, key: bool, bench: Bench, warehouse: str, file: Path, number: int) -> Measurement:
    script = Path(__file__).parent / "peers" / f"{peer.script}.py"
    folder = bench.folder / "peers" / str(number) / peer.table(key)
    command = [str(peer.python(bench)), str(script), _own(warehouse, peer, key), str(file), str(folder), *peer.options]
    return measure([*command, *(["--key"] if key else [])], PYTHONPATH=None)


def is_available(name: str, bench: Bench) -> bool:
    """Whether the peer of this name can run here."""
    return bool(_by_name(name).python(bench))


def load_with_key(name: str, bench: Bench, file: Path) -> Measurement:
    """A first import with the peer of this name into an empty warehouse, with a key on the email."""
    peer = _by_name(name)
    with bench.warehouse(peer.database) as warehouse:
        prepare_load(warehouse, file)
        return _run(peer, True, bench, warehouse, file, 0)


def _by_name(name: str) -> Peer:
    return next(peer for peer in PEERS if peer.name == name)


def _own(warehouse: str, peer: Peer, key: bool) -> str:
    """In SQLite each contender has a file of its own."""
    return warehouse.replace("contacts.db", f"{peer.table(key)}.db")


def peer_contents(peer: Peer, key: bool, warehouse: str) -> tuple[int, int]:
    table = peer.table(key) + (".contacts" if peer.script == "dlt_upsert" else "")
    return contents_of(_own(warehouse, peer, key), table)


def contents_of(warehouse: str, table: str) -> tuple[int, int]:
    """The number of contacts and a hash of them that does not depend on their order."""
    if warehouse.startswith("sqlite"):
        with closing(sqlite3.connect(warehouse.removeprefix("sqlite:///"))) as file:
            return _hash(file.execute(CONTACT[SQLITE] + table))
    with psycopg.connect(warehouse) as server, server.cursor("contacts") as cursor:
        cursor.itersize = 10_000
        return _hash(cursor.execute((CONTACT[POSTGRES] + table).encode()))


def _hash(contacts: Iterable[tuple[str]]) -> tuple[int, int]:
    number = total = 0
    for (contact,) in contacts:
        number += 1
        total += int.from_bytes(blake2b(str(contact).encode(), digest_size=8).digest())
    return number, total


def _table(seconds: Seconds) -> Iterator[str]:
    """All contenders, with the import first."""
    yield header("warehouse", "loaded by", "key on the email", "checks", *TARGETS)
    checks = {peer.name: peer.checks for peer in PEERS} | {OURS[0]: "every cell; reasons for what it rejects"}
    for database in (POSTGRES, SQLITE):
        names = [OURS, *((peer.name, key) for peer in _of(PEERS, database) for key in (False, True))]
        for name, key in names:
            values = [seconds.get((database, situation, (name, key)), []) for situation in TARGETS]
            if any(values):
                cells = (median_seconds(each) if each else "as the first" for each in values)
                yield row(database, name, "yes" if key else "no", checks[name], *cells)


def _fastest(seconds: Seconds) -> Iterator[str]:
    """The import beside the fastest peer that leaves a key."""
    yield header("warehouse", "situation", "fastest with a key", "takes", "import", "ratio", "target")
    for database in (POSTGRES, SQLITE):
        for situation, target in TARGETS.items():
            keyed = [(peer.name, True) for peer in _of(PEERS, database)]
            theirs = {each: values for each in keyed if (values := seconds.get((database, situation, each)))}
            if theirs:
                fastest = min(theirs, key=lambda each: statistics.median(theirs[each]))
                ours = seconds[database, situation, OURS][: len(theirs[fastest])]  # a slow tool has one round
                ratio = round(median_ratio(ours, theirs[fastest]), 2)
                cells = (median_seconds(theirs[fastest]), median_seconds(ours), f"{ratio:.2f}")
                yield row(database, situation, fastest[0], *cells, compare_with_target(ratio, target))
