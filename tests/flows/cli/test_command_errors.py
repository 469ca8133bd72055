"""Wrong commands, and commands that fail: one line on standard error, and JSON if asked for."""

import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from flows.cli.main import main
from flows.cli.parser import CHECK_EXAMPLES, IMPORT_EXAMPLES, build_parser
from tests.flows.conftest import Contacts, is_one_line

FILE = "email,name\nann@example.com,Ann\n"


WRONG_COMMANDS = [
    pytest.param(("improt", "x.csv"), id="unknown command"),
    pytest.param(("import",), id="no source"),
    pytest.param(("import", ""), id="empty source"),
    pytest.param(("import", "x.csv", "y.csv"), id="two sources"),
    pytest.param(("import", "x.csv", "--merg", "overwrite"), id="shortened option"),
    pytest.param(("import", "x.csv", "--merge", "replace"), id="unknown policy"),
    pytest.param(("import", "x.csv", "--merge"), id="option without value"),
    pytest.param(("import", "x.csv", "--blanks", "null"), id="unknown blanks"),
    pytest.param(("import", "x.csv", "--blanks", "clear"), id="clear by default policy"),
    pytest.param(("import", "x.csv", "--blanks", "clear", "--merge", "fill-empty"), id="clear with fill-empty"),
    pytest.param(("import", "x.csv", "--duplicates", "some"), id="unknown duplicates"),
    pytest.param(("import", "x.csv", "--gaps", "drop"), id="unknown gaps"),
    pytest.param(("import", "x.csv", "--map", "name"), id="map without ="),
    pytest.param(("import", "x.csv", "--map", "=name"), id="map without column"),
    pytest.param(("import", "x.csv", "--delimiter", "::"), id="two-character delimiter"),
    pytest.param(("import", "x.csv", "--delimiter", "a"), id="letter as delimiter"),
    pytest.param(("import", "x.csv", "--quote", "ab"), id="quote of two characters"),
    pytest.param(("import", "x.csv", "--quote", ",", "--delimiter", ","), id="quote is the delimiter"),
    pytest.param(("import", "x.csv", "--escape", '"'), id="escape is the quote"),
    pytest.param(("import", "x.csv", "--skip-lines", "two"), id="lines that are no number"),
    pytest.param(("import", "x.csv", "--skip-lines=-1"), id="fewer lines than none"),
    pytest.param(("import", "x.csv", "--encoding", "utf-99"), id="unknown encoding"),
    pytest.param(("import", "x.csv", "--encoding", "utf-7"), id="encoding of no file"),
    pytest.param(("import", "x.csv", "--encoding", "rot13"), id="encoding of no text"),
    pytest.param(("import", "x.csv", "--encoding", "idna"), id="encoding of domains"),
    pytest.param(("import", "x.csv", "--default-prefix", "34"), id="prefix without +"),
    pytest.param(("import", "x.csv", "--default-prefix", "+999"), id="prefix of no country"),
    pytest.param(("import", "x.csv", "--segment", " "), id="blank segment"),
    pytest.param(("check", "x.csv", "--merge", "overwrite"), id="check has no policy"),
    pytest.param(("check", "x.csv", "--accepted", "out.csv", "--rejected", "./out.csv"), id="one file for both"),
    pytest.param(("check", "x.csv", "--rejected", "x.csv"), id="check writes over its source"),
    pytest.param(("check", "x.zip!y.csv", "--rejected", "x.zip"), id="check writes over its archive"),
    pytest.param(("check", ""), id="blank source"),
    pytest.param(("check", "contacts-{date:%B}.csv"), id="date by the name of its month"),
    pytest.param(("import", "x.csv", "--date", "2026-03-10"), id="a day without a place"),
    pytest.param(("imports", "one"), id="import that is no number"),
    pytest.param(("imports", "0"), id="import 0"),
    pytest.param(("imports", "9" * 30), id="import beyond numbers"),
    pytest.param(("rejected",), id="rejected of none"),
    pytest.param(("segments",), id="segments without action"),
    pytest.param(("segments", "create"), id="segment without name"),
    pytest.param(("segments", "create", " "), id="segment without letters"),
    pytest.param(("segments", "create", "a\nb"), id="segment of two lines"),
    pytest.param(("fields", "--yaml"), id="unknown option\nof two lines"),
]


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("arguments", WRONG_COMMANDS)
def test_a_wrong_command_ends_with_status_2_and_one_line(
    arguments: tuple[str, ...], command: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(command.folder)
    command.file(FILE, "x.csv")
    plain = command(*arguments)
    assert (plain.status, plain.out) == (2, "")
    is_one_line(plain)
    ran = command(*arguments, "--json")
    assert ran.status == 2
    assert ran.json["status"] == "failed"
    assert set(ran.json["error"]) == {"code", "message"}
    assert (command.folder / "x.csv").read_text() == FILE
    assert {path.name for path in command.folder.iterdir()} <= {"x.csv", "home", "contacts.db"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("check", ""), "SOURCE: it is blank; name a file", id="blank source"),
        pytest.param(
            ("check", "x.csv", "--merge", "overwrite"),
            "unrecognized arguments: --merge overwrite; run 'contacts check --help' to see what is accepted",
            id="option of another command",
        ),
        pytest.param(("check", "x.csv", "--skip-lines=-1"), "--skip-lines: write 0 or more", id="too few"),
        pytest.param(
            ("check", "x.csv", "--skip-lines=1000001"), "--skip-lines: write 1,000,000 at most", id="too many"
        ),
        pytest.param(
            ("check", "x.csv", "--date", "2026-03-10"),
            "--date: the source has no {date} for this day; write one, or leave the day out",
            id="a day without a place",
        ),
        pytest.param(
            ("import", "x.csv", "--max-rejected", "100.1%"),
            "--max-rejected: '100.1%' is more than the file has; write 100% or less",
            id="more than all",
        ),
        pytest.param(("check", "none-*.csv"), "there is no file 'none-*.csv'; check the pattern", id="no match"),
        pytest.param(
            ("import", "x.csv", "--merg", "overwrite"),
            "unrecognized arguments: --merg overwrite; did you mean --merge?; "
            "run 'contacts import --help' to see what is accepted",
            id="similar option",
        ),
        pytest.param(
            ("import", "x.csv", "--blanks", "cleer"),
            "argument --blanks: unknown: 'cleer'; did you mean clear?; use one of: keep, clear; "
            "run 'contacts import --help' to see what is accepted",
            id="similar choice",
        ),
        pytest.param(
            ("mapping", "show", "./none.yaml"),
            "the preset 'none.yaml' is wrong: there is no such file. Correct it, then try again",
            id="preset",
        ),
    ],
)
def test_a_message_says_what_to_write_instead(
    arguments: tuple[str, ...], said: str, command: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(command.folder)
    command.file(FILE, "x.csv")
    assert command(*arguments).err == f"contacts: {said}\n"


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("arguments", "suggested"),
    [
        pytest.param(("improt", "x.csv"), "import", id="command"),
        pytest.param(("presets", "shwo", "google"), "show", id="action"),
        pytest.param(("presets", "show", "mailchip"), "mailchimp", id="preset"),
        pytest.param(("check", "x.csv", "--preset", "Shopfy"), "shopify", id="preset of a check"),
        pytest.param(("check", "x.csv", "--map", "name=surnam"), "surname", id="field"),
        pytest.param(("check", "x.csv", "--map", "Naem=surname"), "name", id="column"),
        pytest.param(("list", "--segment", "VIPS"), "vip", id="segment"),
    ],
)
def test_a_name_that_is_not_known_gets_the_most_similar_one_as_a_suggestion(
    arguments: tuple[str, ...], suggested: str, command: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(command.folder)
    command.file(FILE, "x.csv")
    command("segments", "create", "vip")
    is_one_line(command(*arguments), f"; did you mean {suggested}?; ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("import", "--help"), "usage: contacts import", id="help"),
        pytest.param(("--version",), f"contact-import {version('contact-import')}\n", id="version"),
    ],
)
def test_help_and_version_end_with_status_0(
    arguments: tuple[str, ...], said: str, command: Contacts, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        command(*arguments)
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith(said)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(("imports", "99"), "unknown-import", id="unknown import"),
        pytest.param(("rejected", "99"), "unknown-import", id="rejected of an unknown import"),
        pytest.param(("export", "--output", "none/out.csv"), "output-not-writable", id="folder missing"),
        pytest.param(("export", "--output", "."), "output-not-writable", id="output is a folder"),
    ],
)
def test_a_failed_command_ends_with_status_1_and_one_line(
    arguments: tuple[str, ...], code: str, command: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(command.folder)
    assert command("segments", "create", "any").status == 0
    ran = command(*arguments)
    assert (ran.status, ran.out) == (1, "")
    is_one_line(ran)
    if arguments[0] == "imports":
        assert command(*arguments, "--json").json["error"]["code"] == code


def test_a_wrong_setting_is_named_in_one_line(command: Contacts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTACTS_WORKERS", "many")
    ran = command("import", command.file(FILE), "--json")
    assert (ran.status, ran.json["error"]["code"]) == (1, "settings-invalid")
    is_one_line(ran, "CONTACTS_WORKERS")


def test_an_unexpected_error_is_one_line_without_its_text(command: Contacts, monkeypatch: pytest.MonkeyPatch) -> None:
    def trouble(*_: object) -> None:
        raise RuntimeError("a contact's value")

    assert command("segments", "create", "any").status == 0
    monkeypatch.setattr("flows.cli.resources.create_tables", trouble)
    ran = command("imports", "--json")
    assert (ran.status, ran.json["error"]["code"]) == (1, "internal-error")
    is_one_line(ran, "RuntimeError")
    assert "value" not in ran.err


@pytest.mark.parametrize(
    ("stop", "status", "code"),
    [
        pytest.param(KeyboardInterrupt(), 130, "interrupted", id="ctrl-c"),
        pytest.param(RuntimeError("a contact's value"), 1, "internal-error", id="fault"),
    ],
)
def test_a_command_that_stops_after_its_commit_does_not_say_that_nothing_was_done(
    stop: BaseException, status: int, code: str, command: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stops(*_: object) -> None:
        raise stop

    command.has_a_past()
    for module in ("removal", "changes"):
        monkeypatch.setattr(f"flows.cli.commands.{module}.print_sentences", stops)
    deleted = command("delete", command.file("email\nold@example.com\n"), "--json")
    assert command.database.contacts() == {}
    undone = command("undo", "1", "--json")
    assert list(command.database.contacts()) == ["old@example.com"]
    for ran in (deleted, undone):
        assert (ran.status, ran.json["error"]["code"]) == (status, code)
        is_one_line(ran, "what it had completed stays", "'contacts imports'")
        assert "nothing" not in ran.err


def test_the_helper_that_reads_warehouses_reads_both_kinds(command: Contacts) -> None:
    command.has_a_past()
    assert command.database.contacts() == {"old@example.com": {"name": "Old", "points": "7"}}


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
def test_the_command_alone_prints_its_help(contacts: Contacts) -> None:
    ran = contacts()
    assert (ran.status, ran.err) == (0, "")
    assert "usage: contacts" in ran.out


@pytest.mark.parametrize("name", ["import", "check"])
def test_the_help_begins_with_examples_and_has_groups(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([name, "--help"])
    first, _, rest = capsys.readouterr().out.partition("\n\n")
    assert first == f"usage: contacts {name} SOURCE [options]"
    examples, *sections = rest.split("\n\n")
    assert examples.startswith(f"examples:\n  contacts {name} ")
    titles = [section.partition("\n")[0] for section in sections]
    groups = ["file:", "columns:", "cells:", "merge:", "safety:", "output:"]
    assert titles[-len(groups) :] == groups if name == "import" else set(titles) > {*groups} - {"merge:"}


@pytest.mark.parametrize("name", ["import", "check"])
def test_the_examples_of_the_help_are_commands_that_exist(name: str) -> None:
    for example in {"import": IMPORT_EXAMPLES, "check": CHECK_EXAMPLES}[name]:
        words = shlex.split(example)
        options = build_parser().parse_args(words[words.index("contacts") + 1 :])
        assert options.command == name


def test_short_options_mean_the_long_ones() -> None:
    short = ["-d;", "-eutf-8", "-m", "a=email", "-p", "google", "-s", "vip", "-w", "sqlite://", "-q", "-v"]
    long = ["--delimiter=;", "--encoding=utf-8", "--map", "a=email", "--preset", "google", "--segment", "vip"]
    long += ["--warehouse", "sqlite://", "--quiet", "--verbose"]
    assert build_parser().parse_args(["import", "x", *short]) == build_parser().parse_args(["import", "x", *long])


def test_help_loads_nothing_heavy() -> None:
    """So it takes less than 0.1 s."""
    heavy = ("pandas", "prefect", "pydantic", "rich", "sqlalchemy", "yaml", "argcomplete", "difflib", "asyncio")
    code = (
        "from flows.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
        f"import sys; sys.exit(', '.join(set({heavy!r}) & set(sys.modules)) or 0)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.stderr.strip(), ran.returncode) == ("", 0)


@pytest.mark.parametrize("address", ["postgresql://h/db?password=s3cret", "postgresql://me:x@s3cret@h/db"])
def test_a_word_that_is_not_accepted_is_repeated_without_its_password(command: Contacts, address: str) -> None:
    ran = command("list", address)
    assert ran.status == 2
    assert "postgresql://" in ran.err
    assert "s3cret" not in ran.err


def test_a_failed_check_whose_reader_has_gone_fails(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "flows.cli.main", "check", str(tmp_path / "none.csv"), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout
        process.stdout.close()
        assert process.wait() == 1
