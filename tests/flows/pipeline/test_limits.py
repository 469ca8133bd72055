"""An import whose file is not as expected stops and merges nothing."""

from pathlib import Path

import pytest

from flows.config.request import ImportRequest
from flows.pipeline.limits import row_limit
from tests.flows.conftest import Contacts

one_warehouse = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)

TEN = "email,name,points\n" + "".join(f"user{n}@example.com,Name {n},{n + 1}\n" for n in range(10))
THREE_BAD = TEN.replace("user1@", "user1 ").replace("user2@", "user2 ").replace("user3@", "user3 ")
GAPS = TEN.replace(",Name 5,6", ",Name 5,")


@pytest.mark.parametrize(
    ("text", "whole", "rows"),
    [("0", 9, 0), ("7", 9, 7), ("50%", 9, 4.5), ("0.5%", 1000, 5), ("100%", 0, 0), ("0.57%", 10_000, 57)],
)
def test_a_share_is_a_number_or_a_percentage(text: str, whole: int, rows: float) -> None:
    assert row_limit(text, whole) == rows


@one_warehouse
@pytest.mark.parametrize("limit", ["3", "30%", "100%"])
def test_as_many_rejected_rows_as_allowed_go_through(contacts: Contacts, limit: str) -> None:
    assert contacts.load(THREE_BAD, "--max-rejected", limit)["rows"]["rejected"] == 3


@pytest.mark.parametrize("limit", ["2", "29.9%", "0"])
def test_more_rejected_rows_than_allowed_merge_nothing_but_their_file_is_kept(contacts: Contacts, limit: str) -> None:
    contacts.has_a_past()
    before = contacts.database.contents()
    ran = contacts("import", contacts.file(THREE_BAD), "--max-rejected", limit, "--json")
    assert (ran.status, ran.json["error"]["code"]) == (1, "too-many-rejected")
    assert contacts.database.contents() == before
    assert ran.json["rows"] == {"read": 10, "accepted": 7, "rejected": 3}
    assert Path(ran.json["rejected_file"]).read_text(encoding="utf-8-sig").count("\n") == 4
    assert contacts("rejected", str(ran.json["import_id"])).status == 0
    assert contacts.database.imports()[-1]["status"] == "failed"


@one_warehouse
@pytest.mark.parametrize(
    ("least", "status"), [("10", 0), ("11", 1), ("100%", 0), ("50%", 0)], ids=["enough", "too few", "as many", "half"]
)
def test_a_file_with_too_few_rows_is_not_imported(contacts: Contacts, least: str, status: int) -> None:
    ran = contacts("import", contacts.file(TEN), "--min-rows", least, "--json")
    assert ran.status == status
    assert status == 0 or ran.json["error"]["code"] == "too-few-rows"


def test_a_percentage_is_of_the_last_completed_import_of_the_same_source(contacts: Contacts) -> None:
    contacts.load(TEN)
    contacts.load("email\n" + "a@example.com\n" * 99, name="other.csv")
    four = contacts.file("\n".join(TEN.split("\n")[:5]) + "\n")
    failed = contacts("import", four, "--min-rows", "50%", "--json")
    assert (failed.status, failed.json["error"]["code"]) == (1, "too-few-rows")
    assert "10 of the last import" in failed.json["error"]["message"]
    assert contacts("import", four, "--min-rows", "40%", "--json").status == 0


@one_warehouse
@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param(GAPS, "incomplete", id="gaps"),
        pytest.param("email,name\na@example.com,A\n", "no column", id="no column"),
    ],
)
def test_an_import_without_a_required_field_merges_nothing(contacts: Contacts, text: str, why: str) -> None:
    ran = contacts("import", contacts.file(text), "--require", "name", "--require", "points", "--json")
    assert (ran.status, ran.json["error"]["code"]) == (1, "required-field-missing")
    assert why in ran.json["error"]["message"]
    assert contacts.database.contacts() == {}
    assert contacts.load(TEN, "--require", "points")["contacts"]["inserted"] == 10


@one_warehouse
def test_a_required_field_that_the_catalogue_lacks_is_an_error_before_reading(contacts: Contacts) -> None:
    ran = contacts("import", contacts.file(TEN), "--require", "shoe_size", "--json")
    assert (ran.status, ran.json["error"]["code"]) == (1, "unknown-field")


@pytest.mark.parametrize("share", ["100%", "100.0%", "099.9%", "0%"])
def test_up_to_all_rows_may_be_rejected(share: str) -> None:
    assert ImportRequest(source="a.csv", max_rejected=share).max_rejected == share


@one_warehouse
@pytest.mark.parametrize("option", ["--max-rejected", "--min-rows"])
@pytest.mark.parametrize("value", ["many", "-1", "5 %", "1.5", "%", "1e3"])
def test_a_limit_that_is_no_number_or_percentage_is_a_wrong_command(command: Contacts, option: str, value: str) -> None:
    assert command("import", command.file(TEN), f"{option}={value}").status == 2
