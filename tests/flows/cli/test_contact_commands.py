"""`contacts list` and `contacts show`."""

import pytest

from tests.flows.conftest import Contacts, is_one_line

FILE = "email,name,points,total_spent,vip\nann@example.com,Ann,1200,1083.50,true\nbo@example.com,Bo,7,12,false\n"


def test_the_list_shows_fields_with_values_and_how_many_contacts_there_are(contacts: Contacts) -> None:
    contacts.load(FILE)
    header, first, second, last = contacts("list").out.splitlines()
    assert header.split() == ["contact_id", "email", "name", "points", "total_spent", "vip"]
    assert first.split() == ["1", "ann@example.com", "Ann", "1200", "1083.5", "true"]
    assert second.split()[1] == "bo@example.com"
    assert last.startswith("2 of 2 contacts")


def test_the_list_may_be_limited_and_of_one_segment(contacts: Contacts) -> None:
    contacts("segments", "create", "vip")
    contacts.load(FILE, "--segment", "vip")
    contacts.load("email\ncy@example.com\n", name="more.csv")
    assert [row["email"] for row in contacts("list", "--limit", "1", "--json").json] == ["ann@example.com"]
    assert len(contacts("list", "--json").json) == 3
    assert len(contacts("list", "--segment", "vip", "--json").json) == 2
    is_one_line(contacts("list", "--segment", "none"), "vip")


def test_one_contact_is_found_by_its_email_in_any_spelling(contacts: Contacts) -> None:
    contacts("segments", "create", "vip")
    contacts.load(FILE, "--segment", "vip")
    shown = contacts("show", " ANN@Example.com ", "--json").json
    assert (shown["name"], shown["points"], shown["segments"], shown["created_by_import"]) == (
        "Ann",
        "1200",
        ["vip"],
        1,
    )
    lines = dict(
        line.split(maxsplit=1)
        for line in contacts("show", "ann@example.com").out.splitlines()[1:]
        if "  " in line.strip()
    )
    assert lines["total_spent"].strip() == "1083.5"


def test_an_unknown_contact_is_an_error_that_does_not_repeat_the_email(contacts: Contacts) -> None:
    contacts.load(FILE)
    ran = contacts("show", "eve@example.com")
    is_one_line(ran, "no contact has this email")
    assert (ran.status, "eve@" in ran.err) == (1, False)


@pytest.mark.parametrize("limit", ["0", "-1", "x"])
def test_a_wrong_limit_is_refused(contacts: Contacts, limit: str) -> None:
    ran = contacts("list", "--limit", limit)
    assert ran.status == 2
