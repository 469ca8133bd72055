"""Tables at a terminal: every line fits, and what has no room is cut or left out by its importance."""

import re
import sys

import pytest
from rich.cells import cell_len

from flows.cli.console import print_table
from flows.cli.tables import Column, cut_middle
from tests.flows.conftest import Contacts

WIDTHS = [80, 100, 120]
LONG = "exports/2026/nightly exports of the shop in Barcelona/customers-2026-11-28-full-export-with-every-column.csv"
HEADER = (
    "E-mail,Name,Fecha de nacimiento del cliente,Total gastado en la tienda,Newsletter consent of the customer,"
    "interests,A column with a very long name that no catalogue has"
)
ROWS = "".join(
    f'{name}.{"x" * 40}@post.example.com,{name} of a very long family name,31/12/1990,"1.234,50",yes,{interests},x\n'
    for name, interests in (("ann", "sports"), ("bo", "chess;music"), ("cy", "music"))
)
GOOD = "email,name,city,points\nann@example.com,Ann,Girona,1\nbo.with.a.long.name@post.example.com,Bo,Vic,2\n"
CHANGED = (
    "email,name,city,points\nann@example.com,Ann of a family,Castelldefels on the sea,1000\n"
    "bo.with.a.long.name@post.example.com,Bo,Sant Cugat,\n"
)

COMMANDS = [
    ("imports",),
    ("imports", "1"),
    ("check", LONG),
    ("list",),
    ("show", "bo.with.a.long.name@post.example.com"),
    ("changes", "2"),
    ("history", "ann@example.com"),
    ("undo", "2", "--dry-run"),
    ("presets", "list"),
    ("segments", "list"),
    ("fields",),
]
# Sentences and paths are wrapped by the terminal, which keeps them whole for copying.
SENTENCES = ("Import", "Check", "Note:", "Rejected rows", "To ", "(no room", "An empty cell", "file:")
BOLD = re.compile(r"\x1b\[[0-9;]*m")


def lines_of(out: str) -> list[str]:
    return BOLD.sub("", out).splitlines()


@pytest.fixture
def at_width(monkeypatch: pytest.MonkeyPatch, contacts: Contacts) -> Contacts:
    """The command at a terminal, with contacts that were imported and changed, and imports that failed."""
    monkeypatch.chdir(contacts.folder)
    path = contacts.folder / LONG
    path.parent.mkdir(parents=True)
    path.write_text(HEADER + "\n" + ROWS)
    contacts("segments", "create", "a segment with a name of several words")
    contacts.load(GOOD, name="contacts-of-the-first-night.csv")
    contacts.load(CHANGED, "--merge", "overwrite", "--gaps", "allow")
    contacts("import", LONG, "--map", "Fecha de nacimiento del cliente=birthdate", "--segment", "none")
    contacts("import", LONG, "--map", "Total gastado en la tienda=total_spent", "--strict")
    contacts("import", "none.csv")
    return contacts


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
def test_every_table_fits_into_80_100_and_120_columns(at_width: Contacts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    for width in WIDTHS:
        monkeypatch.setenv("COLUMNS", str(width))
        for arguments in COMMANDS:
            ran = at_width(*arguments)
            assert not ran.err, arguments
            too_wide = [line for line in lines_of(ran.out) if cell_len(line) > width]
            assert [line for line in too_wide if not line.startswith(SENTENCES)] == [], (width, arguments)


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
def test_the_import_list_has_one_line_per_import(at_width: Contacts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    for width in WIDTHS:
        monkeypatch.setenv("COLUMNS", str(width))
        header, *lines = lines_of(at_width("imports").out)
        assert [line.split()[0] for line in lines[:5]] == ["5", "4", "3", "2", "1"]
        assert [line.split()[-1] for line in lines[:3]] == ["source-not-found", "not-all-accepted", "unknown-segment"]
        assert {"status", "source", "rejected"} <= set(header.split())
        assert lines[1].count("…") == 1 and "column.csv" in lines[1], "the path keeps its start and its end"
        assert "retry" not in header, "empty columns are left out"
        assert ("(no room for" in lines[-1]) == (len(lines) == 6)


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
def test_a_pipe_gets_whole_paths_and_every_column(at_width: Contacts) -> None:
    header, *lines = at_width("imports").out.splitlines()
    assert LONG in lines[1]
    assert {"merge", "accepted", "updated", "why"} <= set(header.split())
    assert len(lines) == 5


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        pytest.param("exports/contacts.csv", 20, "exports/contacts.csv", id="fits"),
        pytest.param("exports/contacts.csv", 13, "expo…acts.csv", id="cut"),
        pytest.param("名前名前名前名前.csv", 12, "名 …名前.csv", id="wide letters"),
        pytest.param("abc", 1, "…", id="no room"),
    ],
)
def test_a_path_is_cut_in_its_middle(text: str, width: int, shown: str) -> None:
    assert cut_middle(text, width) == shown
    assert cell_len(cut_middle(text, width)) <= width


def test_a_table_without_rows_and_one_that_cannot_fit_are_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "30")
    assert print_table(("name", Column("empty", rank=1)), []) == []
    assert BOLD.sub("", capsys.readouterr().out).split() == ["name"]
    print_table((Column("code", fixed=True), "text"), [("a-very-long-code-of-30-letters", "some words")])
    assert "a-very-long-code-of-30-letters" in capsys.readouterr().out


def test_numbers_that_commands_take_have_no_commas(capsys: pytest.CaptureFixture[str]) -> None:
    print_table((Column("id", ids=True), "rows"), [(1234, 5678)])
    assert capsys.readouterr().out.split() == ["id", "rows", "1234", "5,678"]
