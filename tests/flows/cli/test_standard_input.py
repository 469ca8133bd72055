"""`-` as SOURCE: the rows come from standard input."""

import gzip
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.config.request import ReadingOptions
from flows.config.settings import Settings
from flows.pipeline.sources import SourceLookups, find_source
from schemas.errors.request import SourceAddressInvalid
from tests.flows.conftest import Contacts, Ran, is_one_line

FILE = b"email,name\nann@example.com,Ann\nbad,Bo\n"

Piped = Callable[..., Ran]
sqlite_only = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Piped:
    """Run a command with these bytes as its standard input."""

    def run(command: Contacts, content: bytes, *arguments: str) -> Ran:
        path = tmp_path / "input"
        path.write_bytes(content)
        with path.open() as stream, monkeypatch.context() as patched:
            patched.setattr(sys, "stdin", stream)
            return command(*arguments)

    return run


@sqlite_only
@pytest.mark.parametrize("content", [FILE, gzip.compress(FILE)], ids=["text", "gzip"])
def test_a_check_reads_standard_input(command: Contacts, piped: Piped, content: bytes) -> None:
    ran = piped(command, content, "check", "-", "--json")
    assert ran.json["source"] == "-"
    assert ran.json["rows"] == {"read": 2, "accepted": 1, "rejected": 1}


@sqlite_only
def test_an_import_of_standard_input_is_listed_and_recognised_by_its_bytes(contacts: Contacts, piped: Piped) -> None:
    options = ("import", "-", "--if-same-file", "skip", "--json")
    assert piped(contacts, FILE, *options).json["contacts"]["inserted"] == 1
    repeated = piped(contacts, FILE, *options).json
    assert (repeated["status"], repeated["repeats"]) == ("skipped", 1)
    assert piped(contacts, FILE.replace(b"Bo", b"Bob"), *options).json["status"] == "completed"
    assert [row["source"] for row in contacts("imports", "--json").json] == ["-", "-", "-"]
    assert '"bad","Bo"' in contacts("rejected", "1").out


@sqlite_only
def test_nothing_and_a_closed_input_are_errors(
    command: Contacts, piped: Piped, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert piped(command, b"", "check", "-", "--json").json["error"]["code"] == "source-empty"
    monkeypatch.setattr(sys, "stdin", None)
    is_one_line(command("check", "-", "-q"), "'-' cannot be read: it is closed")


def test_source_folders_do_not_forbid_it_and_a_deployment_does_not_have_it() -> None:
    settings = Settings.load(source_folders="/srv/exports")
    request = ReadingOptions(source="-")
    assert find_source(request, settings, SourceLookups()).redacted == "-"
    with pytest.raises(SourceAddressInvalid, match="which a deployment does not have"):
        find_source(request, settings, SourceLookups(has_standard_input=lambda: False))


@sqlite_only
def test_quiet_prints_errors_only(contacts: Contacts, piped: Piped) -> None:
    ran = piped(contacts, FILE, "check", "-", "-q")
    assert (ran.status, ran.out, ran.err) == (0, "", "")
    ran = piped(contacts, FILE, "import", "-", "--quiet", "--strict")
    assert (ran.status, ran.out) == (1, "")
    is_one_line(ran, "1 of 2 rows were rejected")
    assert piped(contacts, FILE, "check", "-", "-q", "--json").json["status"] == "completed", "JSON was asked for"
