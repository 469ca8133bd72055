"""`--fix` and `--value`, from the file to the warehouse."""

from pathlib import Path

import pytest

from tests.flows.conftest import Contacts, is_one_line

HEADER = "Email;Nombre;Cumpleaños;Teléfono;Boletín;VIP\n"
ROWS = [
    "ana@example.com;Ana;31/12/1990;651 23 45 67;Activo;Sí",
    "luis@example.com;Luis;01/02/1985;651 23 45 68;Activo;No",
    "eva@example.com;Eva;28/02/1979;651 23 45 69;Baja;no",
]
EXPORT = HEADER + "".join(f"{row}\n" for row in ROWS)
MEANINGS = ("--value", "Boletín:Activo=subscribed", "--value", "column_5:Baja=unsubscribed")

one_warehouse = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)


def test_fix_imports_what_certain_readings_make_valid_and_reports_each_of_them(contacts: Contacts) -> None:
    before = contacts("check", contacts.file(EXPORT), "--json").json
    assert before["rows"]["accepted"] == 0
    report = contacts.load(EXPORT, "--fix", *MEANINGS)
    assert report["rows"] == {"read": 3, "accepted": 3, "rejected": 0}
    assert report["suggestions"] == []
    assert {(each["field"], each["by"], each["cells"]) for each in report["translations"]} == {
        ("birthdate", "fix", 3),
        ("mobile_phone", "fix", 3),
        ("newsletter_subscription_status", "value", 2),
        ("newsletter_subscription_status", "value", 1),
        ("vip", "fix", 1),
        ("vip", "fix", 2),
    }
    stored = contacts.database.contacts()["ana@example.com"]
    assert str(stored["birthdate"]) == "1990-12-31"
    assert (stored["mobile_phone"], stored["newsletter_subscription_status"]) == ("+34651234567", "subscribed")


@one_warehouse
def test_fix_leaves_uncertain_readings_to_a_person(contacts: Contacts) -> None:
    report = contacts.load("email,birthdate\na@example.com,01/02/1990\nb@example.com,03/04/1990\n", "--fix")
    assert report["rejections"] == {"date-invalid": 2}
    assert [(each["translation"], each["certain"]) for each in report["suggestions"]] == [
        ({"date": "d/m/yyyy"}, False),
        ({"date": "m/d/yyyy"}, False),
    ]


@one_warehouse
def test_fix_finds_duplicates_among_the_emails_that_it_reads(contacts: Contacts) -> None:
    report = contacts.load("email,name\nBo <bo@example.com>,Bo\nBo Li <bo@example.com>,Li\n", "--fix")
    assert report["rejections"] == {"duplicate-email": 1}
    assert contacts.database.contacts()["bo@example.com"]["name"] == "Li"


@one_warehouse
def test_a_retry_keeps_what_fix_and_value_read(contacts: Contacts) -> None:
    broken = EXPORT.replace("eva@example.com", "eva at example.com")
    report = contacts.load(broken, "--fix", *MEANINGS)
    assert report["rows"]["rejected"] == 1
    corrected = Path(report["rejected_file"]).read_text("utf-8").replace("eva at example.com", "eva@example.com")
    retried = contacts.load(corrected, "--retry-of", "1", name="corrected.csv")
    assert retried["rows"] == {"read": 1, "accepted": 1, "rejected": 0}
    stored = contacts.database.contacts()["eva@example.com"]
    assert str(stored["birthdate"]) == "1979-02-28"
    assert stored["newsletter_subscription_status"] == "unsubscribed"
    assert {each["by"] for each in retried["translations"] if each["cells"]} == {"fix", "value"}


@one_warehouse
def test_fix_gives_the_same_report_for_every_chunk_size(contacts: Contacts, monkeypatch: pytest.MonkeyPatch) -> None:
    file = contacts.file(
        EXPORT * 1
        + "".join(
            f"p{number}@example.com;P;1/{number % 12 + 1}/2001;651 23 45 6{number % 10};Activo;Sí\n"
            for number in range(200)
        )
    )
    reports = []
    for size in ("2000", "100000"):
        monkeypatch.setenv("CONTACTS_CHUNK_BYTES", size)
        report = contacts("check", file, "--fix", *MEANINGS, "--json").json
        reports.append({name: value for name, value in report.items() if name not in ("seconds", "rejected_file")})
    assert reports[0] == reports[1]
    assert reports[0]["rows"]["accepted"] == 203


@one_warehouse
def test_a_value_overrides_the_meaning_in_a_preset(contacts: Contacts) -> None:
    preset = contacts.folder / "own.yaml"
    preset.write_text(
        "columns:\n  Email: email\n  S: {field: newsletter_subscription_status, values: {on: subscribed, off: none}}\n"
    )
    report = contacts.load(
        "Email,S\na@example.com,ON\nb@example.com,off\n", "--preset", preset, "--value", "S:On=unsubscribed"
    )
    assert report["rows"]["rejected"] == 0
    stored = {email: row["newsletter_subscription_status"] for email, row in contacts.database.contacts().items()}
    assert stored == {"a@example.com": "unsubscribed", "b@example.com": "none"}


@one_warehouse
def test_a_value_names_the_longest_column_and_splits_at_the_last_equals_sign(contacts: Contacts) -> None:
    text = "email,city,city:old\na@example.com,x,b=c\n"
    report = contacts.load(text, "--map", "city:old=country", "--value", "city:old:b=c=Spain")
    assert report["rows"]["accepted"] == 1
    assert contacts.database.contacts()["a@example.com"]["country"] == "Spain"


@one_warehouse
def test_a_value_without_a_meaning_makes_the_cell_blank(contacts: Contacts) -> None:
    report = contacts.load(
        "email,points\na@example.com,n/a\nb@example.com,3\n", "--value", "points:N/A=", "--gaps", "allow"
    )
    assert report["rows"]["accepted"] == 2
    assert contacts.database.run("select points from contacts order by email") == [(None,), (3,)]


@one_warehouse
@pytest.mark.parametrize(
    ("value", "hint"),
    [
        pytest.param("Boletín", "COLUMN:written=meant", id="no-signs"),
        pytest.param("Boletín:Activo", "COLUMN:written=meant", id="no-meaning"),
        pytest.param("Estado:Activo=subscribed", "column_1 to column_6", id="no-such-column"),
        pytest.param("Boletín:=subscribed", "no written value", id="nothing-written"),
        pytest.param("Boletín:Activo=yes", "write one of: subscribed, unsubscribed, none", id="no-such-option"),
        pytest.param("Boletín:subscribed=none", "use each value on one side only", id="chain"),
    ],
)
def test_a_wrong_value_is_an_error_in_one_line_that_says_what_to_write(
    value: str, hint: str, contacts: Contacts
) -> None:
    more = ("--value", "Boletín:Alta=subscribed") if "none" in value else ()
    ran = contacts("import", contacts.file(EXPORT), "--value", value, *more)
    assert ran.status == 1
    is_one_line(ran, hint)
    assert contacts.database.contacts() == {}


@one_warehouse
def test_a_value_of_a_column_without_a_field_says_to_map_it(contacts: Contacts) -> None:
    ran = contacts("check", contacts.file("email,Foo\na@example.com,x\n"), "--value", "Foo:x=y")
    is_one_line(ran, "goes to no field; map it with --map")


@one_warehouse
def test_two_meanings_of_one_value_are_an_error(contacts: Contacts) -> None:
    ran = contacts("check", contacts.file(EXPORT), "--value", "Boletín:a=none", "--value", "column_5:A=subscribed")
    is_one_line(ran, "second meaning")


@one_warehouse
@pytest.mark.parametrize(
    "row", ['"=""Ona""","=""Vic""","=""651234567"""', '="Ona",="Vic",="651234567"'], ids=["quoted", "unquoted"]
)
def test_fix_takes_texts_out_of_the_formulas_of_a_spreadsheet(row: str, contacts: Contacts) -> None:
    text = f"email,name,city,mobile_phone\na@example.com,{row}\n"
    assert contacts("check", contacts.file(text), "--json").json["rejections"] == {
        "phone-invalid": 1,
        "text-invalid": 2,
    }
    contacts.load(text, "--fix")
    stored = contacts.database.contacts()["a@example.com"]
    assert (stored["name"], stored["city"], stored["mobile_phone"]) == ("Ona", "Vic", "+34651234567")


@one_warehouse
def test_an_apostrophe_before_numbers_is_taken_off_by_fix(contacts: Contacts) -> None:
    text = "email,points,total_spent,birthdate\na@example.com,'12,'2.50,'1990-12-31\nb@example.com,'7,3.10,1990-12-30\n"
    report = contacts.load(text, "--fix")
    assert report["rows"] == {"read": 2, "accepted": 2, "rejected": 0}
    assert {each["field"] for each in report["translations"]} == {"points", "total_spent", "birthdate"}
    assert contacts.database.contacts()["a@example.com"]["points"] == "12"


@one_warehouse
def test_a_value_of_a_checkbox_is_read_in_each_part_of_a_cell(contacts: Contacts) -> None:
    text = 'email,Interests\na@example.com,Deportes|Libros\nb@example.com,"Deportes, Libros"\n'
    values = ("--value", "Interests:Deportes=sports", "--value", "Interests:Libros=books")
    assert contacts("check", contacts.file(text), *values, "--json").json["rows"]["accepted"] == 1
    assert contacts("check", contacts.file(text), *values, "--fix", "--json").json["rows"]["accepted"] == 2


@one_warehouse
@pytest.mark.parametrize("column", ["VIP", "Newsletter"])
def test_a_check_says_how_to_give_an_unknown_value_a_meaning(column: str, contacts: Contacts) -> None:
    ran = contacts("check", contacts.file(f"email,{column}\na@example.com,perhaps\n"))
    assert f"To give a value a meaning, add --value {column}:WRITTEN=MEANT." in ran.out
