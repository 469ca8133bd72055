"""Imports for tests: rows are dictionaries, the result is the counts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pytest
from sqlalchemy import select

from schemas.catalogue import FieldCatalogue
from schemas.choices import Blanks, FieldPolicy, MergePolicy
from schemas.fields import Field
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import has_contacts, migrate
from warehouse.import_list.entries import start_import
from warehouse.merge.execution import MergeCounts
from warehouse.merge.policies import MergeRules
from warehouse.merge.staging import Staging
from warehouse.merge.transaction import MergeNumbers, load_import
from warehouse.tables import WarehouseTables

on_postgres = pytest.mark.parametrize("warehouse_url", ["postgres"], indirect=True)
on_sqlite = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ARROW = {"text": pa.string(), "date": pa.date32(), "bigint": pa.int64(), "numeric": pa.float64(), "boolean": pa.bool_()}
Row = Mapping[str, Any]


def write_rows(path: Path, rows: Sequence[Row], fields: Sequence[Field]) -> str:
    """Write rows as the flow does; they are numbered from 1 unless they have a number."""
    others = [field for field in fields if not field.identity]
    schema = pa.schema(
        [("record_number", pa.int64()), ("email", pa.string())] + [(f.id, ARROW[f.storage]) for f in others]
    )
    numbered = [{"record_number": number, **row} for number, row in enumerate(rows, start=1)]
    pyarrow.feather.write_feather(pa.Table.from_pylist(numbered, schema=schema), str(path))
    return str(path)


RULES = ("blanks", "merge_fields", "loosen_consent")


def merge_rules(
    policy: str,
    blanks: str = "keep",
    merge_fields: Mapping[str, str] | None = None,
    loosen_consent: int | None = None,
) -> MergeRules:
    """The rules of an import, from texts."""
    fields = {field: FieldPolicy(each) for field, each in (merge_fields or {}).items()}
    return MergeRules(MergePolicy(policy), Blanks(blanks), fields, loosen_consent)


@dataclass(frozen=True)
class Loaded:
    """The report of a completed import."""

    report: Mapping[str, Any]

    @property
    def counts(self) -> MergeCounts:
        return MergeCounts(**self.report["contacts"])

    @property
    def segment_added(self) -> int:
        return int(self.report["segment"]["added"])


class Importer:
    """Imports rows into one warehouse."""

    def __init__(self, warehouse: Warehouse, catalogue: FieldCatalogue, folder: Path) -> None:
        self.warehouse, self.catalogue, self.folder = warehouse, catalogue, folder
        self.import_ids: dict[Staging, int] = {}

    def start(self, policy: str = "overwrite") -> int:
        return start_import(self.warehouse, source="contacts.csv", merge_policy=policy, started_at=NOON)

    def staging(self, import_id: int, fields: Sequence[Field] | None = None) -> Staging:
        folder = self.folder / str(import_id)
        folder.mkdir(exist_ok=True)
        becomes_contacts = not has_contacts(self.warehouse)
        fields = fields or self.catalogue.fields
        staging = Staging(self.warehouse, fields, folder, becomes_contacts=becomes_contacts)
        self.import_ids[staging] = import_id
        return staging

    def write(self, rows: Sequence[Row], fields: Sequence[Field] | None = None) -> str:
        name = f"{len(list(self.folder.glob('*.arrow')))}.arrow"
        return write_rows(self.folder / name, rows, fields or self.catalogue.fields)

    def load(self, staging: Staging, accepted: int, policy: str = "overwrite", **more: Any) -> Loaded:
        given = {"columns": (), "rejections": (), "report": _report, **more}
        report = load_import(
            staging,
            self.import_ids[staging],
            rules=merge_rules(policy, **{name: given.pop(name) for name in RULES if name in given}),
            accepted=accepted,
            now=lambda: NOON,
            **given,
        )
        return Loaded(report)

    def __call__(
        self, rows: Sequence[Row], policy: str = "overwrite", fields: Iterable[str] | None = None, **more: Any
    ) -> Loaded:
        imported = [f for f in self.catalogue.fields if fields is None or f.identity or f.id in set(fields)]
        with self.staging(self.start(policy), imported) as staging:
            staging.add(self.write(rows, imported))
            staging.ensure_staged()
            return self.load(staging, len(rows), policy, **more)

    def contacts(self) -> list[dict[str, Any]]:
        """All contacts as Python values; a decimal is a float."""
        contacts = WarehouseTables(self.warehouse.schema, self.catalogue.fields).contacts
        with self.warehouse.read_transaction() as connection:
            rows = connection.execute(select(contacts).order_by(contacts.c.contact_id))
            return [{name: _plain(value) for name, value in row._mapping.items()} for row in rows]


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def _report(merged: MergeNumbers) -> dict[str, Any]:
    return {
        "contacts": asdict(merged.counts),
        "changes": {field: asdict(changes) for field, changes in merged.changes.items()},
        "segment": {"id": "vip", "added": merged.segment_added},
    }


@pytest.fixture
def importer(warehouse: Warehouse, small_catalogue: FieldCatalogue, tmp_path: Path) -> Importer:
    """Imports into an empty warehouse that is ready for the small catalogue."""
    migrate(warehouse, small_catalogue)
    return Importer(warehouse, small_catalogue, tmp_path)


@pytest.fixture
def rejections() -> Callable[..., pd.DataFrame]:
    """Rejections as the flow passes them, in the types that pandas gives them."""

    def build(**changes: Any) -> pd.DataFrame:
        row = {"record_number": 3, "line_number": 4, "column_name": "Phone", "field": "phone", "code": "phone-invalid"}
        frame = pd.DataFrame([{**row, "message": "is no phone", "value": "12", **changes}], dtype=object)
        return frame.astype({"line_number": "Int64"})

    return build
