"""The sample file is what its generator writes, and `data/README.md` describes it correctly.

The file is read and validated here without the importer's reader and rules, so that the numbers can be compared with
those of a real import.
"""

import csv
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import email_validator
import pytest

from schemas.catalogue import FieldCatalogue, load_catalogue
from schemas.cells.phones import to_e164
from schemas.field_types import FieldType, Gaps
from schemas.fields import header_key

DATA = Path(__file__).parents[2] / "data"
CELL = r'(?:"[^"]*(?:""[^"]*)*"|[^",\n][^,\n]*|)'
RECORD = re.compile(rf"{CELL}(?:,{CELL})*\n")
PREFIX = {
    "France": "+33", "Italy": "+39", "Portugal": "+351", "Germany": "+49", "United Kingdom": "+44", "Poland": "+48",
    "Sweden": "+46", "Türkiye": "+90", "Greece": "+30", "Ukraine": "+380", "Japan": "+81", "Morocco": "+212",
    "Egypt": "+20", "Spain": "+34",
}  # fmt: skip


@dataclass
class Record:
    """One record: its cells by header if it is well-formed, and the codes of all its errors."""

    cells: dict[str, str]
    codes: list[str]

    @property
    def well_formed(self) -> bool:
        return not any(code.startswith("row-") for code in self.codes)


def read_records(text: str, header: list[str]) -> Iterator[Record]:
    """Read strictly. A line with bad quoting is one bad record, and the next line starts a new one."""
    position = text.index("\n") + 1
    while position < len(text):
        record = RECORD.match(text, position)
        end = record.end() if record else text.index("\n", position) + 1
        cells = (
            next(csv.reader(text[position:end].splitlines(keepends=True), strict=True))
            if record
            else [text[position:end]]
        )
        position = end
        if not any(cell.strip() for cell in cells):
            continue
        if record is None:
            yield Record({}, ["row-bad-quoting"])
        elif len(cells) != len(header):
            yield Record({}, ["row-too-short" if len(cells) < len(header) else "row-too-long"])
        else:
            yield Record({name: cell.strip() for name, cell in zip(header, cells, strict=True)}, [])


def is_email(text: str) -> bool:
    try:
        email_validator.validate_email(text, check_deliverability=False)
    except email_validator.EmailNotValidError:
        return False
    return True


def is_date(text: str) -> bool:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return False
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


VALIDATORS: dict[FieldType, tuple[str, Callable[[str], object]]] = {
    FieldType.EMAIL: ("email-invalid", is_email),
    FieldType.PHONE: ("phone-invalid", lambda text: to_e164(text, "+34")),
    FieldType.DATE: ("date-invalid", is_date),
    FieldType.INTEGER: ("integer-invalid", lambda text: re.fullmatch(r"[1-9][0-9]*", text)),
    FieldType.DECIMAL: ("decimal-invalid", lambda text: re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text)),
    FieldType.BOOLEAN: ("boolean-invalid", lambda text: text.lower() in ("true", "false", "1", "0")),
}


def code_of(text: str, name: str, catalogue: FieldCatalogue) -> str | None:
    """The code of the error in a trimmed cell of an imported column, if it has one."""
    field = catalogue.by_name[header_key(name)]
    if text == "":
        return "email-missing" if field.identity else None
    if field.type is FieldType.PHONE and " " in text:
        return "phone-has-spaces"
    if field.traits.has_options:
        return None if set(text.split("|")) <= set(field.option_ids) else "option-unknown"
    code, is_valid = VALIDATORS.get(field.type, ("", lambda _: True))
    return None if is_valid(text) else code


def mark_duplicates(records: list[Record]) -> None:
    """Add the code to all but the last of the valid records with the same email."""
    last: dict[str, Record] = {}
    for record in (record for record in records if not record.codes):
        if older := last.get(email := record.cells["Email"].lower()):
            older.codes.append("duplicate-email")
        last[email] = record


@pytest.fixture(scope="module")
def catalogue() -> FieldCatalogue:
    return load_catalogue()


@pytest.fixture(scope="module")
def text() -> str:
    return (DATA / "contacts.csv").read_bytes().decode("utf-8")


@pytest.fixture(scope="module")
def header(text: str) -> list[str]:
    return text.partition("\n")[0].split(",")


@pytest.fixture(scope="module")
def records(text: str, header: list[str], catalogue: FieldCatalogue) -> list[Record]:
    records = list(read_records(text, header))
    for record in records:
        imported = (
            (name, cell) for name, cell in record.cells.items() if name not in ("Last purchase", "Loyalty card")
        )
        record.codes += [code for name, cell in imported if (code := code_of(cell, name, catalogue))]
    mark_duplicates(records)
    return records


@pytest.fixture(scope="module")
def readme() -> str:
    return (DATA / "README.md").read_text(encoding="utf-8")


def test_the_generator_writes_exactly_the_committed_file(tmp_path: Path) -> None:
    output = tmp_path / "contacts.csv"
    subprocess.run([sys.executable, str(DATA / "make_contacts.py"), "--output", str(output)], check=True)
    assert output.read_bytes() == (DATA / "contacts.csv").read_bytes()


def test_another_seed_gives_another_file(tmp_path: Path) -> None:
    output = tmp_path / "contacts.csv"
    subprocess.run([sys.executable, str(DATA / "make_contacts.py"), "--output", str(output), "--seed", "1"], check=True)
    assert output.read_bytes() != (DATA / "contacts.csv").read_bytes()


def test_the_readme_has_the_rejections_of_the_file(records: list[Record], readme: str) -> None:
    documented = {code: int(count) for code, count in re.findall(r"^\| `([a-z-]+)` \| (\d+) \|$", readme, re.MULTILINE)}
    assert documented == Counter(code for record in records for code in record.codes)
    assert f"there are\n{sum(documented.values())} rejections" in readme


def test_the_readme_has_the_number_of_rejected_records(records: list[Record], readme: str) -> None:
    rejected = sum(bool(record.codes) for record in records)
    assert len(records) == 1000
    assert f"{rejected} records are rejected ({1000 - rejected} accepted)" in readme
    assert 40 <= rejected <= 60


def test_the_readme_has_the_number_of_countries(records: list[Record], readme: str) -> None:
    assert {record.cells["Country"] for record in records if record.cells} == set(PREFIX)
    assert f"{len(PREFIX)} countries" in readme


def test_every_rule_of_the_built_in_catalogue_is_broken_by_some_record(records: list[Record]) -> None:
    cells = {"email-missing", "phone-has-spaces", "option-unknown", *(code for code, _ in VALIDATORS.values())}
    rows = {"row-too-short", "row-too-long", "row-bad-quoting", "duplicate-email"}
    assert {code for record in records for code in record.codes} == cells | rows


def test_three_records_break_more_than_one_rule(records: list[Record]) -> None:
    assert sorted(len(record.codes) for record in records if len(record.codes) > 1) == [2, 3, 4]


def test_all_columns_but_the_loyalty_card_map_to_a_field(header: list[str], catalogue: FieldCatalogue) -> None:
    assert [name for name in header if header_key(name) not in catalogue.by_name] == ["Loyalty card"]


def test_only_the_last_purchase_column_is_incomplete(
    records: list[Record], header: list[str], catalogue: FieldCatalogue
) -> None:
    fields = {name: catalogue.by_name.get(header_key(name)) for name in header}
    empty = {
        name: sum(record.cells[name] == "" for record in records if record.well_formed)
        for name, field in fields.items()
        if field and field.gaps is Gaps.DROP_COLUMN
    }
    assert 40 <= empty.pop("Last purchase") <= 80
    assert set(empty.values()) == {0}


def test_the_file_is_utf_8_without_bom_with_one_blank_and_one_empty_record(text: str) -> None:
    assert not text.startswith("\ufeff")
    assert "\r" not in text and "\0" not in text
    assert text.endswith("\n")
    assert text.count("\n\n") == 1
    assert len(re.findall(r"^,+$", text, re.MULTILINE)) == 1


@pytest.mark.parametrize(
    "mark",
    [
        pytest.param(",", id="comma"),
        pytest.param('"', id="quote"),
        pytest.param("\n", id="line-break"),
    ],
)
def test_some_accepted_cells_need_quoting(records: list[Record], mark: str) -> None:
    assert any(mark in cell for record in records if not record.codes for cell in record.cells.values())


def test_accepted_phones_belong_to_the_country_of_their_contact(records: list[Record]) -> None:
    for record in (record for record in records if not record.codes):
        number = to_e164(record.cells["Mobile phone"], "+34")
        assert number and number.startswith(PREFIX[record.cells["Country"]])


def test_half_of_the_spanish_phones_have_no_prefix(records: list[Record]) -> None:
    accepted = [record.cells for record in records if not record.codes]
    spanish = [cells["Mobile phone"] for cells in accepted if cells["Country"] == "Spain"]
    assert 0.4 < sum(not phone.startswith("+") for phone in spanish) / len(spanish) < 0.6
    assert all(cells["Mobile phone"].startswith("+") for cells in accepted if cells["Country"] != "Spain")


def test_accepted_emails_use_the_reserved_example_domains(records: list[Record]) -> None:
    for record in (record for record in records if not record.codes):
        assert re.search(r"[@.]example\.(com|org|net)$", record.cells["Email"].lower())


def test_some_duplicates_differ_only_in_case(records: list[Record]) -> None:
    duplicates = [record.cells["Email"] for record in records if "duplicate-email" in record.codes]
    spellings = Counter(record.cells["Email"] for record in records if record.cells)
    assert any(spellings[email] == 1 for email in duplicates)
    assert any(spellings[email] > 1 for email in duplicates)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        pytest.param("À", "ž", id="latin-with-accents"),
        pytest.param("Ͱ", "Ͽ", id="greek"),
        pytest.param("\u0410", "\u044f", id="cyrillic"),
        pytest.param("一", "龥", id="japanese"),
        pytest.param("ء", "ي", id="arabic"),
    ],
)
def test_names_use_five_alphabets(records: list[Record], first: str, last: str) -> None:
    names = [record.cells["First Name"] for record in records if not record.codes]
    assert sum(any(first <= char <= last for char in name) for name in names) >= 5
