"""The options that commands share, and the checks of their values."""

import argparse
import datetime
from enum import StrEnum

from schemas.choices import Blanks, Duplicates, GapRule, IfSameFile, MergePolicy

PRUNE = "prune"
# The groups of the help, in the order of its sections.
FILE, COLUMNS, CELLS, MERGE, SAFETY, OUTPUT = "file", "columns", "cells", "merge", "safety", "output"
SEGMENT_HELP = (
    "import: add the contacts to this segment, which must exist; list: show its members only; delete: its members"
)


def add_layout_options(parser: argparse.ArgumentParser, *, source_optional: bool = False, inbox: bool = False) -> None:
    """What finds a file's columns and maps them to fields."""
    file = group(parser, FILE)
    if inbox:
        file.add_argument("source", metavar="PLACE", help="the inbox: a folder, or an sftp or s3 address of one")
    else:
        _add_source(file, optional=source_optional)
    file.add_argument(
        "-d", "--delimiter", metavar="C", help="one character, or comma, semicolon, tab, pipe, space; default: detected"
    )
    file.add_argument("--quote", metavar="C", help="the character around cells; default: the double quote")
    file.add_argument("--escape", metavar="C", help="the character that escapes the next one, such as backslash")
    file.add_argument("--skip-lines", metavar="N", type=int, help="skip N lines at the top of the file")
    file.add_argument(
        "--unwrap-lines",
        action="store_true",
        help="each line is one quoted cell with a record in it: unquote the lines",
    )
    file.add_argument("--skip-last", metavar="N", type=int, help="skip N lines at the end of the file")
    file.add_argument(
        "--no-header",
        dest="header",
        action="store_false",
        help="the first record is data; columns are column_1, column_2, …",
    )
    file.add_argument("-e", "--encoding", metavar="NAME", help="such as utf-8 or windows-1252; default: detected")
    columns = group(parser, COLUMNS)
    columns.add_argument(
        "-m",
        "--map",
        action="append",
        default=[],
        metavar="COLUMN=FIELD",
        help="map a column to a field; without FIELD, ignore the column; repeatable",
    )
    columns.add_argument("--mapping", dest="mapping_file", metavar="FILE", help="a YAML file of 'Column: field' lines")
    columns.add_argument(
        "-p",
        "--preset",
        metavar="NAME",
        help="how to read another platform's export: a preset's name, a YAML file, or auto",
    )
    add_catalogue(parser)


def _add_source(file: argparse._ActionsContainer, *, optional: bool) -> None:
    file.add_argument(
        "source",
        metavar="SOURCE",
        nargs="?" if optional else None,
        help="the CSV file or workbook: a path, a pattern, an https, s3 or sftp address, or - for standard input",
    )
    file.add_argument(
        "--date", metavar="DAY", type=_day, help="the day for {date} in SOURCE, as yyyy-mm-dd; default: today"
    )


def add_reading_options(parser: argparse.ArgumentParser, *, inbox: bool = False) -> None:
    add_layout_options(parser, inbox=inbox)
    cells = group(parser, CELLS)
    _add_choice(
        cells, "--duplicates", Duplicates, "WHICH", "which row to keep where an email repeats; reject keeps none"
    )
    _add_choice(cells, "--gaps", GapRule, "RULE", "whether to apply the catalogue's rule for empty cells")
    cells.add_argument("--default-prefix", metavar="+34", help="the country prefix of phones that have none")
    add_value(parser)
    cells.add_argument(
        "--fix", action="store_true", help="apply the suggestions that are certain, and check the file again with them"
    )


def add_strict(parser: argparse.ArgumentParser) -> None:
    group(parser, SAFETY).add_argument(
        "--strict", action="store_true", help="fail if a row is rejected or a column is dropped; then nothing is merged"
    )


def add_value(parser: argparse.ArgumentParser) -> None:
    group(parser, CELLS).add_argument(
        "--value",
        dest="values",
        action="append",
        metavar="COLUMN:WRITTEN=MEANT",
        help="read a value of a column as another one; without MEANT, as blank; repeatable",
    )


def add_merge_options(parser: argparse.ArgumentParser, *, inbox: bool = False) -> None:
    """What happens to the accepted rows."""
    merge = group(parser, MERGE)
    _add_choice(merge, "--merge", MergePolicy, "POLICY", "what happens to contacts that already exist")
    _add_choice(merge, "--blanks", Blanks, "RULE", "whether blank cells clear the stored value")
    merge.add_argument(
        "--merge-field",
        action="append",
        default=[],
        metavar="FIELD=POLICY",
        help="the policy of one field of existing contacts: overwrite, fill-empty, keep or append; repeatable",
    )
    merge.add_argument(
        "--loosen-consent",
        metavar="N",
        type=int,
        help="replace stored consents by weaker ones, if it is exactly so many",
    )
    merge.add_argument("-s", "--segment", metavar="NAME", help=SEGMENT_HELP)
    _add_choice(
        group(parser, SAFETY), "--if-same-file", IfSameFile, "RULE", "what to do with a file that was already imported"
    )
    if not inbox:  # which finds it out from the file
        merge.add_argument(
            "--retry-of", type=import_number, metavar="ID", help="SOURCE is the corrected rejected file of this import"
        )


def add_limits(parser: argparse.ArgumentParser) -> None:
    """When an import fails although its file can be read."""
    safety = group(parser, SAFETY)
    add_strict(parser)
    safety.add_argument("--max-rejected", metavar="N", help="fail above this number or percentage of rejected rows")
    safety.add_argument(
        "--min-rows", metavar="N", help="fail below this number of rows, or percentage of the previous import's rows"
    )
    safety.add_argument(
        "--require", action="append", metavar="FIELD", help="fail if this field cannot be imported; repeatable"
    )


def add_plan(parser: argparse.ArgumentParser) -> None:
    group(parser, SAFETY).add_argument(
        "--plan", metavar="DIGEST", help="merge exactly what this plan shows, or nothing; contacts plan prints it"
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    group(parser, OUTPUT).add_argument("-o", "--output", metavar="FILE", help="write the result to this file")
    add_force(parser)


def add_force(parser: argparse.ArgumentParser) -> None:
    group(parser, OUTPUT).add_argument(
        "--force", action="store_true", help="overwrite an existing file that is not CSV, or your own preset"
    )


def add_catalogue(parser: argparse.ArgumentParser) -> None:
    group(parser, COLUMNS).add_argument(
        "--catalogue", metavar="FILE", help="the field catalogue (YAML); default: the built-in one"
    )


def add_warehouse(parser: argparse.ArgumentParser) -> None:
    group(parser, MERGE).add_argument(
        "-w", "--warehouse", metavar="URL", help="sqlite:///file.db or postgresql://user@host/database"
    )


def add_email(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument("--email", metavar="ADDRESS", required=required, help="the address; no list is read then")


def add_limit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", metavar="N", type=positive_number, default=20, help="how many; default: 20")


def add_dry_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="count what the command would do, and write nothing")


def add_json(parser: argparse.ArgumentParser) -> None:
    group(parser, OUTPUT).add_argument("--json", action="store_true", help="print one JSON value and nothing else")


def add_diagnostics(parser: argparse.ArgumentParser) -> None:
    output = group(parser, OUTPUT)
    output.add_argument("--profile", action="store_true", help="print seconds and rows per second of each stage")
    output.add_argument("-q", "--quiet", action="store_true", help="print errors only, and no progress")
    output.add_argument("-v", "--verbose", action="store_true", help="print one line per stage to standard error")


def group(parser: argparse.ArgumentParser, title: str) -> argparse._ActionsContainer:
    """The section of the help with this title; of a command that reads no file, the only section."""
    groups = {each.title: each for each in parser._action_groups}
    if title != FILE and FILE not in groups:
        return parser
    return groups.get(title) or parser.add_argument_group(title)


def _add_choice(
    parser: argparse._ActionsContainer, option: str, choices: type[StrEnum], metavar: str, text: str
) -> None:
    """An option with the values of an enum; the first is the default, here and in the form."""
    default, *others = choices
    help_text = f"{text}: {default} (the default), {', '.join(others)}"
    parser.add_argument(option, choices=[str(choice) for choice in choices], metavar=metavar, help=help_text)


def positive_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**31):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rows; write 1 or more")
    return int(text)


def import_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**63):
        raise argparse.ArgumentTypeError(f"{text!r} is not an import number; 'contacts imports' lists them")
    return int(text)


def import_number_or_prune(text: str) -> int | str:
    return text if text == PRUNE else import_number(text)


def count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 2**63):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of contacts; write what the dry run says")
    return int(text)


def days(text: str) -> int:
    if not (text.endswith("d") and text[:-1].isascii() and text[:-1].isdigit() and 0 < int(text[:-1]) < 100_000):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days; write for example 90d")
    return int(text[:-1])


def _day(text: str) -> datetime.date:
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day; write for example 2026-07-31") from None
