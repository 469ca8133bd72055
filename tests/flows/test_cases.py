"""Small files as people have them, from public reports with invented contacts: what becomes of each record."""

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from flows.config.request import ReadingOptions
from flows.config.settings import Settings
from flows.pipeline.check import check_locally
from flows.reports.models import CheckReport

CASES = Path(__file__).parents[1] / "data" / "cases"


@dataclass(frozen=True)
class Expected:
    """What a check of one file must find.

    `fields`: of its columns. `suggested`: of columns that are not imported. `rejected`: by record, its codes.
    `messages`: texts in the reasons of a record. `warnings`: texts, all of one warning.
    `suggestions`: column, translation, of, fixes, blanks, certain.
    """

    file: str
    options: dict[str, Any] = field(default_factory=dict)
    error: tuple[str, ...] = ()
    fields: dict[str, str | None] = field(default_factory=dict)
    suggested: dict[str, str | None] = field(default_factory=dict)
    imported: tuple[str, ...] = ()
    accepted: int | None = None
    rejected: dict[str, str] | None = None
    messages: dict[str, tuple[str, ...]] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    warnings: tuple[tuple[str, ...], ...] = ()
    suggestions: tuple[tuple[str, dict[str, Any], int, int, int, bool], ...] = ()
    not_certain: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    report: CheckReport
    accepted: list[dict[str, str]]
    rejected: list[dict[str, str]]


def check(file: str, options: dict[str, Any], folder: Path) -> Found:
    accepted, rejected, work = folder / "accepted.csv", folder / "rejected.csv", folder / "work"
    work.mkdir()
    request = ReadingOptions(source=str(CASES / file), **options)
    report = check_locally(request, Settings.load(), work, str(accepted), str(rejected)).report
    return Found(report, _rows(accepted, ","), _rows(rejected, report.dialect.delimiter if report.dialect else ","))


def _rows(path: Path, delimiter: str) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream, delimiter=delimiter))


EXPECTED = [
    Expected(
        "01-underscore-headers.csv",
        fields={
            "first_name": "name",
            "last_name": "surname",
            "phone_number": "mobile_phone",
            "date_of_birth": "birthdate",
        },
        accepted=2,
    ),
    Expected(
        "02-nbsp-zwsp.csv",
        accepted=2,
        messages={"2": ("U+FEFF", "write luis.gil@example.com"), "3": ("U+200B", "write rosa.mora@example.com")},
        suggestions=(("E-mail", {"invisible": "remove"}, 2, 2, 0, True),),
    ),
    Expected(
        "03-name-addr.csv",
        accepted=0,
        messages={
            "1": ("write john.smith@example.com",),
            "2": ("write jane.roe@example.com",),
            "3": ("write bob.lee@example.com",),
            "4": ("write carl.day@example.com",),
            "5": ("write dora.fox@example.com",),
            "6": ("write eric.hall@example.com",),
            "7": ("write gina.ray@example.com",),
        },
        suggestions=(("Email", {"email": "address"}, 7, 7, 0, True),),
    ),
    Expected(
        "06-mixed-birthdays.csv",
        accepted=0,
        messages={"2": ("has no year",), "3": ("write 1980-12-31",), "4": ("has no year",)},
        suggestions=(("Birthday", {"date": "m/d/yyyy"}, 4, 2, 0, False),),
        not_certain=("Birthday",),
    ),
    Expected(
        "09-phones-formats.csv",
        accepted=0,
        messages={
            "1": ("after the prefix +34", "international prefix"),
            "2": ("write +14155552671",),
            "3": ("has spaces", "after the prefix +34"),
            "4": ("write +4930901820",),
            "5": ("extension", "write +34651234567"),
            "6": ("extension", "write +34651234567"),
            "7": ("two numbers",),
            "8": ("write +34651234567",),
            "9": ("write +34651234567",),
            "10": ("write +34651234567",),
            "11": ("digits 0 to 9",),
            "12": ("letters",),
        },
        not_certain=("Phone",),
    ),
    Expected(
        "10-excel-phones.csv",
        accepted=2,
        messages={
            "1": ("lost its digits", "export again"),
            "2": ("write +34651234567",),
            "3": ("write +34651234567",),
            "6": ("an error of a spreadsheet",),
            "7": ("write +34651234567",),
        },
        not_certain=("Mobile phone",),
    ),
    Expected(
        "11-excel-dates.csv",
        accepted=1,
        messages={
            "2": ("write 1985-05-15", "write 2026-01-31"),
            "3": ("write 1985-05-15",),
            "4": ("write 1985-05-15", "has a time in UTC"),
            "5": ("a year of two digits",),
            "6": ("is no date",),
        },
        silent=("does not exist",),
        suggestions=(
            ("birthdate", {"date": "serial"}, 5, 1, 0, False),
            ("birthdate", {"values": {"0000-00-00": ""}}, 5, 1, 1, False),
            ("last purchase", {"time": "drop"}, 4, 1, 0, False),
        ),
        not_certain=("birthdate", "last purchase"),
    ),
    Expected(
        "18-booleans.csv",
        accepted=2,
        messages={"1": ("write true",), "2": ("write false",), "5": ("write true",), "4": ("true, false, 1 or 0",)},
        suggestions=(
            (
                "VIP",
                {"values": {"sí": "true", "verdadero": "true", "no": "false", "falso": "false"}},
                6,
                4,
                0,
                False,
            ),
        ),
        not_certain=("VIP",),
    ),
    Expected(
        "28-tags.csv",
        accepted=1,
        messages={
            "1": ("write sports|music",),
            "2": ("write sports|books",),
            "3": ("is empty",),
            "4": ("list in brackets",),
        },
        silent=("did you mean",),
    ),
    Expected(
        "32-yearless-birthday.csv",
        accepted=1,
        messages={"2": ("has no year",)},
        silent=("does not exist",),
        suggestions=(("BirthDate", {"yearless": "blank"}, 1, 1, 1, False),),
    ),
    Expected("32b-google-yearless.csv", {"preset": "google"}, accepted=3, imported=("Birthday",)),
    Expected(
        "24-hubspot.csv", {"preset": "auto"}, fields={"Unsubscribed from all email": "newsletter_subscription_status"}
    ),
    Expected(
        "01-underscore-headers.csv", {"preset": "auto"}, error=("preset-not-found", "contacts presets suggest FILE")
    ),
    Expected(
        "07-do-not-email.csv",
        accepted=6,
        warnings=(("consent", "--map doNotEmail=newsletter_subscription_status", "doNotEmail:WRITTEN=MEANT"),),
    ),
    Expected(
        "24-hubspot.csv",
        warnings=(("consent", "--map 'Unsubscribed from all email=newsletter_subscription_status' --gaps allow"),),
    ),
    Expected(
        "08-phone-no-plus.csv",
        {"default_prefix": "+49"},
        rejected={"1": "phone-ambiguous", "5": "phone-ambiguous", "6": "phone-ambiguous"},
        messages={"5": ("+491712345678", "0491712345678")},
        suggestions=(("phone", {"plus": "add"}, 3, 3, 0, False),),
    ),
    Expected(
        "17-decimals.csv",
        accepted=2,
        warnings=(("'total_spent'", "decimal comma", "decimal point"),),
        not_certain=("total_spent",),
    ),
    Expected("12-lines-quoted.csv", error=("no-email-column", "use --unwrap-lines"), warnings=(("--unwrap-lines",),)),
    Expected(
        "12-lines-quoted.csv", {"unwrap_lines": True}, fields={"mobile_phone": "mobile_phone"}, accepted=2, rejected={}
    ),
    Expected(
        "13-footers.csv",
        fields={"Phone": "mobile_phone"},
        accepted=2,
        imported=("Phone",),
        warnings=(("the last 6 lines", "--skip-last 6"),),
    ),
    Expected("13-footers.csv", {"skip_last": 6}, accepted=2, imported=("Phone",), rejected={}),
    Expected(
        "27-salesforce-report.csv",
        {"mapping": {"Phone": ""}},
        fields={"Mobile": "mobile_phone"},
        accepted=2,
        warnings=(("the last 5 lines", "--skip-last 5"),),
    ),
    Expected(
        "16-thunderbird-de.csv",
        fields={
            "Vorname": "name",
            "Nachname": "surname",
            "Primäre E-Mail-Adresse": "email",
            "Sekundäre E-Mail-Adresse": "alternative_email",
            "Mobil-Tel.-Nr.": "mobile_phone",
        },
    ),
    Expected(
        "16-thunderbird-de.csv",
        {"preset": "thunderbird-de", "default_prefix": "+49"},
        fields={"Mobil-Tel.-Nr.": "mobile_phone", "Privat: Ort": "city", "Geburtstag": None},
        accepted=2,
    ),
    Expected("19-status-words.csv", fields={"Status": None}, suggested={"Status": None}, accepted=3),
    Expected("26-brevo.csv", fields={"SMS": None, "EMAIL": "email", "FIRSTNAME": "name"}, suggested={"SMS": None}),
    Expected("26-brevo.csv", {"preset": "brevo"}, fields={"SMS": "mobile_phone"}, accepted=2, imported=("SMS",)),
    Expected(
        "27-salesforce-report.csv",
        {"preset": "salesforce-report", "skip_last": 5},
        fields={"Mobile": "mobile_phone", "Email Opt Out": "newsletter_subscription_status", "Phone": None},
        accepted=2,
        rejected={},
    ),
    Expected(
        "24-hubspot.csv",
        {"preset": "hubspot"},
        fields={"Unsubscribed from all email": "newsletter_subscription_status"},
        accepted=2,
        rejected={"3": "phone-invalid"},
        imported=("Phone Number",),
    ),
]


@pytest.mark.parametrize(
    "expected", [pytest.param(each, id=" ".join([each.file.removesuffix(".csv"), *each.options])) for each in EXPECTED]
)
def test_a_real_file_gives_the_expected_result(expected: Expected, tmp_path: Path) -> None:
    found = check(expected.file, expected.options, tmp_path)
    report = found.report
    if expected.error:
        assert report.error
        assert report.error.code == expected.error[0]
        assert all(text in report.error.message for text in expected.error[1:])
    else:
        assert report.status == "completed"
    columns = {column.column: column for column in report.columns}
    assert {name: columns[name].field for name in expected.fields} == expected.fields
    assert {name: columns[name].suggestion for name in expected.suggested} == expected.suggested
    assert all(columns[name].outcome == "imported" for name in expected.imported)
    if expected.accepted is not None:
        assert len(found.accepted) == expected.accepted
    reasons = {row["rejection_record"]: row["rejection_reasons"] for row in found.rejected}
    if expected.rejected is not None:
        assert {row["rejection_record"]: row["rejection_codes"] for row in found.rejected} == expected.rejected
    for record, texts in expected.messages.items():
        assert all(text in reasons[record] for text in texts), reasons[record]
    for text in expected.silent:
        assert text not in " ".join(reasons.values())
    for texts in expected.warnings:
        assert any(all(text in warning for text in texts) for warning in report.warnings), report.warnings
    listed = [
        (each.column, each.translation, each.of, each.fixes, each.blanks, each.certain) for each in report.suggestions
    ]
    for suggestion in expected.suggestions:
        assert suggestion in listed
    assert not any(each.certain for each in report.suggestions if each.column in expected.not_certain)
