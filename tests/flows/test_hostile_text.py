"""Text that looks like SQL is only text: no identifier comes from a file, a name or a label."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from sqlalchemy import event
from sqlalchemy.engine import Engine

from schemas.catalogue import BUILT_IN_CATALOGUE
from tests.flows.conftest import Contacts

HOSTILE = [
    "'); drop table contacts; --",
    '"; drop table contacts; --',
    "%s %(x)s :name {0} $1 ?",
    "x\\'; drop schema public cascade; --",
    "`; delete from contacts; --",
]
MARK = "hostile"


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """The text of every statement that goes through SQLAlchemy, without its values."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


def written(*rows: list[str]) -> str:
    target = io.StringIO(newline="")
    csv.writer(target, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return target.getvalue()


def test_hostile_headers_cells_and_names_are_only_text(contacts: Contacts, statements: list[str]) -> None:
    headers = [f"{MARK} {text}" for text in HOSTILE]
    catalogue = yaml.safe_load(BUILT_IN_CATALOGUE.read_text("utf-8"))
    catalogue["fields"] += [
        {"id": "choice", "type": "radio", "label": headers[0], "options": [{"id": headers[1], "label": headers[2]}]},
        {"id": "said", "type": "text", "label": f"{headers[3]} label", "aliases": [headers[3]]},
    ]
    path = contacts.folder / "catalogue.yaml"
    path.write_text(yaml.safe_dump(catalogue), "utf-8")
    segment = f"{MARK} {HOSTILE[0]}"
    assert contacts("segments", "create", segment).status == 0
    rows = [[f"c{place}@example.com", text, headers[1], text, "x", "y"] for place, text in enumerate(HOSTILE)]
    rows += [[f"{HOSTILE[0]}@example.com", "bad", headers[1], "", "", ""], [f"o'hara;--@{MARK}.com"]]
    name = f"{MARK} '); drop table imports; --.csv"
    file = contacts.file(written(["email", "name", headers[0], headers[3], headers[4], headers[1]], *rows), name)
    report = contacts("import", file, "--catalogue", path, "--segment", segment, "--merge", "overwrite", "--json").json
    assert (report["status"], report["rows"]["accepted"]) == ("completed", len(HOSTILE)), report
    stored = contacts.database.contacts()
    assert [stored[f"c{place}@example.com"]["name"] for place in range(len(HOSTILE))] == HOSTILE
    assert {row["choice"] for row in stored.values()} == {headers[1]}
    assert [row["said"] for row in stored.values()] == HOSTILE
    assert report["segment"]["added"] == len(HOSTILE)
    assert [column["column_name"] for column in contacts.database.rows("import_columns", order="1, 2")]
    assert contacts.database.imports()[0]["source"] == str(file)
    assert contacts("imports", "1").status == contacts("rejected", "1").status == 0
    assert contacts("export", "--catalogue", path, "--output", contacts.folder / "all.csv").status == 0
    assert statements
    named = [each for each in statements if MARK in each or "drop table" in each]
    assert named == []


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("id", [*HOSTILE, "select", "a b", "A", "é"])
def test_a_field_id_that_is_no_plain_name_is_an_error(id: str, contacts: Contacts, statements: list[str]) -> None:
    """`select` is a plain name, and quoted wherever it stands."""
    path = contacts.folder / "catalogue.yaml"
    fields = [{"id": "email", "type": "email", "identity": True}, {"id": id, "type": "text"}]
    path.write_text(yaml.safe_dump({"fields": fields}), "utf-8")
    ran = contacts("import", contacts.file("email\na@example.com\n"), "--catalogue", path, "--json")
    assert ran.json["status"] == ("completed" if id == "select" else "failed")
    assert not [each for each in statements if "drop" in each and each != "drop view if exists contact_changes"]
