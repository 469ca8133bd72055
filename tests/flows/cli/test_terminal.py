"""Text of files and names reaches the terminal with its control characters shown as escapes."""

import io
import json
import sys
from pathlib import Path

import pytest

from flows.cli.terminal import open_terminal
from flows.publishing.visible_text import visible
from tests.flows.conftest import Contacts

ESCAPE = "\x1b[31mred\x1b]0;title\x07\x9b\u202e"
SHOWN = r"\x1b[31mred\x1b]0;title\x07\x9b\u202e"

sqlite_only = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("Año, 名前 – “x”", "Año, 名前 – “x”", id="letters"),
        pytest.param(ESCAPE, SHOWN, id="escapes"),
        pytest.param("a\r\nb\tc", r"a\r\nb\tc", id="lines"),
        pytest.param("\udce9.csv", r"\udce9.csv", id="byte of a file name"),
        pytest.param("\u200b\ufeff", r"\u200b\ufeff", id="invisible"),
    ],
)
def test_control_characters_are_shown_and_letters_stay(text: str, shown: str) -> None:
    assert visible(text) == shown


def has_no_control_character(text: str) -> bool:
    return all(character.isprintable() for character in text.replace("\n", ""))


@sqlite_only
@pytest.mark.parametrize(
    ("header", "options"),
    [
        pytest.param(f"email,{ESCAPE}", (), id="column that is not imported"),
        pytest.param(f"mail?,{ESCAPE}", (), id="no email column"),
        pytest.param(f"email,{ESCAPE}", ("--map", f"{ESCAPE}x=name"), id="unknown column"),
        pytest.param("email,name", ("--map", ESCAPE), id="mapping without a field"),
        pytest.param("email,name", ("--map", f"email={ESCAPE}"), id="unknown field"),
        pytest.param("email,name", ("--preset", ESCAPE), id="unknown preset"),
        pytest.param("email,name", ("--encoding", ESCAPE), id="unknown encoding"),
        pytest.param("email,name", (f"--{ESCAPE}",), id="unknown option"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_no_header_or_argument_sends_control_characters(
    header: str, options: tuple[str, ...], as_json: bool, command: Contacts
) -> None:
    file = command.file(f"{header}\nann@example.com,x\nbad,y\n", f"contacts {ESCAPE}.csv")
    ran = command("check", file, *options, *(["--json"] if as_json else []))
    assert has_no_control_character(ran.out + ran.err)
    assert "[31mred" in ran.out + ran.err
    if as_json and ran.status == 0:
        assert ESCAPE in json.loads(ran.out)["source"], "JSON keeps the text, as escapes"


@sqlite_only
def test_no_file_name_sends_control_characters(command: Contacts) -> None:
    ran = command("check", command.folder / f"{ESCAPE}.csv")
    assert SHOWN in ran.err
    assert has_no_control_character(ran.out + ran.err)
    ran = command("check", command.file("email\n", "x.csv"), "--accepted", command.folder / ESCAPE / "out.csv")
    assert has_no_control_character(ran.err)


def test_a_file_printed_at_a_terminal_shows_control_characters_and_in_a_pipe_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = f"\ufeffemail,name\r\nann@example.com,{ESCAPE}\r\nñ,last".encode()

    class Terminal(io.TextIOWrapper):
        interactive = True

        def isatty(self) -> bool:
            return self.interactive

    def written(interactive: bool) -> bytes:
        target = io.BytesIO()
        terminal = Terminal(target, encoding="utf-8")
        terminal.interactive = interactive
        monkeypatch.setattr(sys, "stdout", terminal)
        with open_terminal() as stream:
            for index in range(0, len(data), 7):  # also in the middle of a letter
                stream.write(data[index : index + 7])
        terminal.flush()
        return target.getvalue()

    assert written(interactive=True).decode() == f"email,name\nann@example.com,{SHOWN}\nñ,last\n"
    assert written(interactive=False) == data


def test_one_module_prints() -> None:
    """Its functions escape control characters; `print` anywhere else would not."""
    sources = [path for path in Path("flows").rglob("*.py") if path.name != "terminal.py"]
    writing = [str(path) for path in sources if "sys.stdout.write" in path.read_text() or " print(" in path.read_text()]
    assert writing == ["flows/cli/parser.py"], "the version"
