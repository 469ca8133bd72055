"""The options of the commands, those that several have said once, and what may be written for them."""

import argparse
import datetime
from enum import StrEnum

from schemas.choices import Blanks, Duplicates, GapRule, IfSameFile, MergePolicy

PRUNE = "prune"


def layout(parser: argparse.ArgumentParser) -> None:
    """What it takes to find a file's columns and their fields."""
    parser.add_argument(
        "source", metavar="SOURCE", help="the CSV file: a path, a pattern, or an https, s3 or sftp address"
    )
    parser.add_argument(
        "--date", metavar="DAY", type=_day, help="what {date} in SOURCE means, as yyyy-mm-dd; today when not given"
    )
    catalogue(parser)
    parser.add_argument(
        "--map", action="append", default=[], metavar="COLUMN=FIELD", help="map or, without FIELD, ignore a column"
    )
    parser.add_argument("--mapping", metavar="FILE", help="a YAML file of 'Column: field' lines")
    parser.add_argument(
        "--preset", metavar="NAME", help="how another platform's export is read: its name, a YAML file, or auto"
    )
    parser.add_argument(
        "--delimiter", metavar="C", help="one character, or comma, semicolon, tab, pipe, space; detected when not given"
    )
    parser.add_argument("--quote", metavar="C", help="the character around cells, when it is no double quote")
    parser.add_argument("--escape", metavar="C", help="the character that escapes the next one, such as backslash")
    parser.add_argument("--skip-lines", metavar="N", type=int, help="leave out N lines at the top of the file")
    parser.add_argument(
        "--no-header", action="store_true", help="the first record is data; columns are column_1, column_2, …"
    )
    parser.add_argument("--encoding", metavar="NAME", help="such as utf-8 or windows-1252; detected when not given")


def reading(parser: argparse.ArgumentParser) -> None:
    layout(parser)
    _choice(parser, "--duplicates", Duplicates, "WHICH", "which of the rows with one email is kept; reject keeps none")
    _choice(parser, "--gaps", GapRule, "RULE", "whether the catalogue's rule on empty cells holds")
    parser.add_argument("--default-prefix", metavar="+34", help="the prefix of phones that have none")


def merging(parser: argparse.ArgumentParser) -> None:
    """What becomes of the accepted rows."""
    _choice(parser, "--merge", MergePolicy, "POLICY", "what happens to contacts that exist already")
    _choice(parser, "--blanks", Blanks, "RULE", "whether blank cells empty the stored value")
    parser.add_argument("--segment", metavar="NAME", help="add the contacts to this segment, which must exist")
    _choice(parser, "--if-same-file", IfSameFile, "RULE", "what to do with a file that was imported already")
    parser.add_argument(
        "--retry-of", type=import_number, metavar="ID", help="SOURCE is the mended rejected file of this import"
    )


def ceilings(parser: argparse.ArgumentParser) -> None:
    """When an import fails although its file could be read."""
    parser.add_argument("--max-rejected", metavar="N", help="fail above this many rejected rows, or this percentage")
    parser.add_argument("--min-rows", metavar="N", help="fail below this many rows, or this percentage of last time's")
    parser.add_argument("--require", action="append", metavar="FIELD", help="fail if this field cannot be imported")


def output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", metavar="FILE", help="write to this file instead of the terminal")


def _choice(parser: argparse.ArgumentParser, flag: str, choices: type[StrEnum], metavar: str, text: str) -> None:
    """An option whose choices are an enum's; its first is the default, here and in the form."""
    default, *others = choices
    says = f"{text}: {default} (the default), {', '.join(others)}"
    parser.add_argument(flag, choices=[str(choice) for choice in choices], metavar=metavar, help=says)


def catalogue(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--catalogue", metavar="FILE", help="the field catalogue (YAML); the built-in one by default")


def warehouse(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--warehouse", metavar="URL", help="sqlite:///file.db or postgresql://user@host/database")


def as_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")


def profile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", action="store_true", help="print the seconds and rows a second of each stage")


def import_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**63):
        raise argparse.ArgumentTypeError(f"{text!r} is no import number")
    return int(text)


def _day(text: str) -> datetime.date:
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write for example 2026-07-31") from None


def import_number_or_prune(text: str) -> int | str:
    return text if text == PRUNE else import_number(text)


def days(text: str) -> int:
    if not (text.endswith("d") and text[:-1].isascii() and text[:-1].isdigit() and 0 < int(text[:-1]) < 100_000):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days; write for example 90d")
    return int(text[:-1])
