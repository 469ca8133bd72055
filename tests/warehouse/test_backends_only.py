"""Only warehouse/backends knows which database is in use."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What code would ask to find out which database it talks to.
DATABASE_CHECKS = re.compile(
    r"dialect\.name|get_backend_name|drivername|is_postgres|is_sqlite|POSTGRES"
    r"|\b(?:psycopg|sqlite3|adbc_driver_\w+|sqlalchemy\.dialects)\b"
    r"|(?:PostgresBackend|SqliteBackend)\b|\bexecute_if\b|\bwith_variant\b"
)
# It opens an address, so it lists the backends.
PICKS_THE_BACKEND = "warehouse/database/connection.py"
PRODUCT = [
    path.relative_to(ROOT).as_posix()
    for package in ("flows", "schemas", "transforms", "warehouse")
    for path in sorted((ROOT / package).rglob("*.py"))
]


@pytest.mark.parametrize("name", [name for name in PRODUCT if not name.startswith("warehouse/backends/")])
def test_no_module_outside_the_backends_asks_which_database_it_uses(name: str) -> None:
    found = set(DATABASE_CHECKS.findall((ROOT / name).read_text("utf-8")))
    allowed = {"PostgresBackend", "SqliteBackend", "drivername"} if name == PICKS_THE_BACKEND else set()
    assert found <= allowed
