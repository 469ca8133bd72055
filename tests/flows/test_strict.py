"""`--strict`: all rows and columns, or nothing."""

import pytest

from tests.flows.conftest import Contacts, is_one_line

one_warehouse = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)


@one_warehouse
@pytest.mark.parametrize("verb", ["check", "import"])
@pytest.mark.parametrize(
    ("text", "hint"),
    [
        pytest.param("email\nno email\nbo@example.com\n", "1 of 2 rows were rejected", id="rejected-row"),
        pytest.param("email,points\na@example.com,\nb@example.com,1\n", "points", id="dropped-column"),
    ],
)
def test_a_strict_command_fails_if_anything_is_left_out(verb: str, text: str, hint: str, contacts: Contacts) -> None:
    ran = contacts(verb, contacts.file(text), "--strict", "--json")
    assert (ran.status, ran.json["status"], ran.json["error"]["code"]) == (1, "failed", "not-all-accepted")
    is_one_line(ran, hint, "leave --strict out")
    if verb == "import":
        assert contacts.database.contacts() == {}


@one_warehouse
def test_a_strict_import_of_a_complete_file_is_an_ordinary_one(contacts: Contacts) -> None:
    report = contacts.load("email,points,unknown\na@example.com,1,x\n", "--strict")
    assert report["contacts"]["inserted"] == 1


@one_warehouse
def test_the_report_has_the_column_the_cells_and_the_first_record_of_each_reason(contacts: Contacts) -> None:
    text = "email,points,vip\n" + "".join(
        f"u{number}@example.com,{'x' if number > 2 else 1},no\n" for number in range(5)
    )
    report = contacts("check", contacts.file(text + "short\n"), "--json").json
    assert report["reasons"] == [
        {"code": "boolean-invalid", "column": "vip", "cells": 5, "first_record": 1},
        {"code": "integer-invalid", "column": "points", "cells": 2, "first_record": 4},
        {"code": "row-too-short", "column": None, "cells": 1, "first_record": 6},
    ]
    shown = contacts("check", contacts.file(text)).out
    assert "first record" in shown


@one_warehouse
def test_reasons_are_the_same_for_every_chunk_size(contacts: Contacts, monkeypatch: pytest.MonkeyPatch) -> None:
    file = contacts.file("email,points\n" + "".join(f"u{n % 90}@example.com,{n % 7 or 'x'}\n" for n in range(200)))
    reasons = []
    for size in ("1KiB", "1MiB"):
        monkeypatch.setenv("CONTACTS_CHUNK_BYTES", size)
        reasons.append(contacts("check", file, "--json").json["reasons"])
    assert reasons[0] == reasons[1]
    assert {reason["code"] for reason in reasons[0]} == {"integer-invalid", "duplicate-email"}
