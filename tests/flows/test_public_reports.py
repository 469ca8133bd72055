"""Twenty files of the kinds that people report as troublesome, with invented contacts, read as the README says.

`meant.json` has what their writer meant: no cell of an accepted row may differ from it.
"""

import csv
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest

from tests.flows.conftest import Contacts

REPORTS = Path(__file__).parents[1] / "data" / "reports"
MEANT: dict[str, dict[str, dict[str, str | None]]] = json.loads((REPORTS / "meant.json").read_text("utf-8"))

LABELS = ("values:", "unsubscribed: unsubscribed", "subscribed: subscribed")


@dataclass(frozen=True)
class Reported:
    """A file, the options that a person chooses, and how many of its records are accepted.

    `readings`: lines of the suggested preset from which the `#` is removed, reading by reading, and `meanings`: what is
    written for OPTION. `codes`: of what is rejected. `says`: in the error or a warning, for what cannot be read.
    """

    file: str
    accepted: int
    options: str = ""
    readings: tuple[tuple[str, ...], ...] = ()
    meanings: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, int] = field(default_factory=dict)
    says: str = ""


REPORTED = [
    Reported("01-sci-phones.csv", 4, codes={"phone-invalid": 2}),
    Reported("02-lost-zeros.xlsx", 6, "--default-prefix +33 --map Nom=surname --fix"),
    Reported("03-serial-dates.csv", 4, readings=(("date: serial",),), codes={"date-invalid": 2}),
    Reported(
        "04-unicode-text.txt",
        5,
        "--default-prefix +30 --map column_1=name --map column_2=surname --map column_4=mobile_phone "
        "--map column_5=city",
    ),
    Reported("05-fr-decimals.csv", 5, "--fix --map Nom=surname"),
    Reported(
        "06-us-airtable.csv",
        5,
        "--default-prefix +1 --value VIP:checked=true",
        readings=(("decimal: .", "thousands: ','"),),
    ),
    Reported(
        "07-de-two-digit.csv",
        5,
        "--default-prefix +49 --map Anrede=gender",
        readings=(("date: d.m.yy",), ("decimal: ','", "thousands: .")),
        meanings={"frau": "f", "herr": "m", "divers": "x", "ja": "subscribed", "nein": "unsubscribed"},
    ),
    Reported("08-invisible.csv", 6, "--fix"),
    Reported(
        "09-name-and-mails.csv",
        4,
        "--map Contact=email",
        readings=(("email: address",),),
        codes={"email-invalid": 3},
    ),
    Reported(
        "10-hyperlinks.xlsx",
        4,
        "--default-prefix +39",
        readings=(("email: address",),),
        codes={"email-invalid": 1},
    ),
    Reported("11-report.xls", 0, says="save it as .xlsx or as CSV"),
    Reported("12-titles-totals.xlsx", 5, "--skip-lines 2", codes={"email-invalid": 1}),
    Reported(
        "13-duplicate-headers.csv",
        4,
        "--map column_4=alternative_email --map column_6= --gaps allow",
        codes={"email-missing": 1},
    ),
    Reported("14-apostrophes.csv", 5, "--fix"),
    Reported(
        "15-uk-phones.csv",
        5,
        "--default-prefix +44",
        readings=(("phone: plain", "extension: remove"),),
        codes={"phone-has-spaces": 1},
    ),
    Reported(
        "16-do-not-contact.csv",
        5,
        "--fix --map 'Do not contact=newsletter_subscription_status' --map 'SMS opt out=sms_subscription_status' "
        "--value 'Do not contact:0=subscribed' --value 'Do not contact:1=unsubscribed' "
        "--value 'SMS opt out:No=subscribed' --value 'SMS opt out:Yes=unsubscribed'",
    ),
    Reported("17-line-breaks.csv", 0, codes={"row-too-long": 5}, says="put a delimiter at the end of the header"),
    Reported("18-mac.csv", 5, "--encoding mac-roman --map Nom=surname"),
    Reported("19-mojibake.csv", 4, "--fix", says="the text is damaged in the file"),
    Reported(
        "20-iso-times.csv",
        5,
        "--map 'Date of birth='",
        readings=(("time: drop",), LABELS),
        meanings={"cleaned": "unsubscribed", "non-subscribed": "none"},
    ),
]


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("reported", [pytest.param(each, id=each.file) for each in REPORTED])
def test_a_reported_file_is_read_as_it_was_meant_or_a_sentence_says_why_not(
    reported: Reported, command: Contacts
) -> None:
    file, options = REPORTS / reported.file, shlex.split(reported.options)
    if reported.readings:
        preset = command.folder / "own.yaml"
        assert command("presets", "suggest", file, "--output", preset, *options).status == 0
        preset.write_text(_chosen(preset.read_text("utf-8"), reported), encoding="utf-8")
        prefix = options[:2] if "--default-prefix" in options else []
        options = ["--preset", str(preset), *prefix]
    accepted = command.folder / "accepted.csv"
    ran = command("check", file, *options, "--json", "--accepted", accepted)
    found = ran.json
    assert found["rejections"] == reported.codes, ran.err
    assert reported.says in " ".join([*found["warnings"], *found.get("error", {}).values()])
    if accepted.exists():
        with accepted.open(encoding="utf-8-sig", newline="") as stream:
            stored = {row["email"]: row for row in csv.DictReader(stream)}
        assert len(stored) == reported.accepted
        if not reported.says:
            assert {email: _differing(row, MEANT[reported.file[:2]][email]) for email, row in stored.items()} == {
                email: {} for email in stored
            }


def _chosen(text: str, reported: Reported) -> str:
    for lines in reported.readings:
        written = "".join(rf" *#{re.escape(line)}\n" for line in lines)
        text = re.sub(rf"(?<=:\n){written}", lambda found: re.sub("^( *)#", r"\1", found[0], flags=re.MULTILINE), text)
    for written, meant in reported.meanings.items():
        text = text.replace(f"#{written}: OPTION", f"{written}: {meant}").replace("#values:", "values:")
    return text


def _differing(row: Mapping[str, str], meant: Mapping[str, str | None]) -> dict[str, tuple[str | None, str | None]]:
    return {id: (row.get(id), cell) for id, cell in meant.items() if not _equal(row.get(id) or "", cell or "")}


def _equal(stored: str, meant: str) -> bool:
    """Whether they are equal apart from the `'` before formula signs and the zeros of decimals."""
    if re.fullmatch(r"[0-9]+\.[0-9]+", meant):
        return Decimal(stored) == Decimal(meant)
    return stored in (meant, f"'{meant}")
