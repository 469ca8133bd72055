"""Details of errors: which part of the input they reject, and what they must not quote."""

import json

import pytest

from tests.flows.conftest import Contacts

one_warehouse = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize(
    "bytes_",
    [
        pytest.param(b"\xed\xa0\xbd\xed\xb8\x80", id="emoji as older databases export it"),
        pytest.param(b"\xed\xb2\x80", id="half a character"),
        pytest.param(b"\xff\xfe", id="bytes of nothing"),
    ],
)
@one_warehouse
def test_bytes_that_are_no_text_reject_only_their_own_record(command: Contacts, bytes_: bytes) -> None:
    good = "".join(f"user{n}@example.com,Zoë {n}\n" for n in range(9)).encode()
    ran = command("check", command.file(b"email,name\n" + good + b"bad@example.com," + bytes_ + b"\n"), "--json")
    assert (ran.status, ran.json["rows"]) == (0, {"read": 10, "accepted": 9, "rejected": 1})
    assert ran.json["rejections"] == {"row-undecodable": 1}


@pytest.mark.parametrize("name", ["No", "on", "1.10", "2023-02-30", "~"])
@one_warehouse
def test_a_mapping_file_may_name_columns_as_in_the_file_or_by_position(command: Contacts, name: str) -> None:
    mapping = command.file(f"{name}: name\n", "mapping.yaml")
    ran = command("check", command.file(f"email,{name}\na@example.com,Ana\n"), "--mapping", mapping, "--json")
    assert [column["field"] for column in ran.json["columns"]] == ["email", "name"]


@one_warehouse
def test_a_catalogue_with_an_impossible_date_is_an_error(command: Contacts) -> None:
    catalogue = command.file("fields:\n  - {id: email, type: email, identity: true, label: 2023-02-30}\n", "c.yaml")
    ran = command("fields", "--catalogue", catalogue, "--json")
    assert (ran.status, ran.json["error"]["code"]) == (1, "catalogue-invalid")


def test_an_export_under_another_catalogue_changes_no_table(contacts: Contacts) -> None:
    contacts.load("email,name\na@example.com,Ana\n")
    catalogue = contacts.file(
        "fields:\n  - {id: email, type: email, identity: true}\n  - {id: shoe_size, type: decimal}\n", "c.yaml"
    )
    before = contacts.database.columns("contacts")
    ran = contacts("export", "--catalogue", catalogue)
    assert ran.out.splitlines() == ['"email","shoe_size"', '"a@example.com",']
    assert contacts.database.columns("contacts") == before


@one_warehouse
def test_a_first_record_that_looks_like_a_contact_is_not_quoted_as_a_header(command: Contacts) -> None:
    ran = command("check", command.file("Ana,Lopez,ana@@b.com,651 234 567\nLuis,Gil,l@b.com,1\n"), "--json")
    assert ran.json["error"]["code"] == "no-email-column"
    assert "Lopez" not in ran.out + ran.err
    assert "column_3" in ran.err


@one_warehouse
def test_a_wrong_command_shows_no_password(command: Contacts) -> None:
    ran = command("import", "x.csv", "--warehouse-url", "postgresql://shop:s3cret@db/crm", "--json")
    assert ran.status == 2
    assert "s3cret" not in ran.out + ran.err


@one_warehouse
def test_a_message_quotes_only_a_few_of_many_wrong_options(command: Contacts) -> None:
    cell = "|".join(f"wrong{n}" for n in range(500))
    ran = command(
        "check", command.file(f"email,interests\na@example.com,{cell}\n"), "--rejected", command.folder / "r.csv"
    )
    assert ran.status == 0
    assert "and 495 more" in (command.folder / "r.csv").read_text(encoding="utf-8-sig")


def test_min_rows_as_a_percentage_without_an_earlier_import_is_a_warning(contacts: Contacts) -> None:
    report = contacts.load("email\na@example.com\n", "--min-rows", "50%")
    assert any("completed before" in warning for warning in report["warnings"]), json.dumps(report["warnings"])
