"""The rejected rows of a file in an inbox: where they are, and that they are a retry once they are corrected."""

import shutil
from pathlib import Path

import openpyxl
import pytest

from tests.flows.conftest import Contacts
from tests.flows.inbox.conftest import MIXED, handled, look_once, on_sqlite
from tests.flows.inbox.places import FolderPlace, Place
from tests.workbooks import book, text_row, with_rows


@on_sqlite
def test_a_corrected_rejected_file_is_a_retry_with_the_options_of_its_import(contacts: Contacts, place: Place) -> None:
    contacts("segments", "create", "vip")
    imported = contacts.load(
        MIXED, "--merge", "overwrite", "--segment", "vip", "--map", "points=", "--map", "name=name"
    )
    contacts.load("email,name\nbob@example.com,Robert\n")
    rejected = Path(imported["rejected_file"]).read_text()
    place.put("bob.csv", rejected.replace('"bob"', '"bob@example.com"'))
    [report] = handled(contacts, place, "--merge", "insert-only", "--min-rows", "50%")
    assert (report["status"], report["merge"], report["rows"]["accepted"]) == ("completed", "overwrite", 1)
    assert report["retry_of"] == {"id": 1, "first": 1, "mended": 1, "missing": 0}
    assert report["segment"] == {"id": "vip", "added": 1}
    assert contacts.database.contacts()["bob@example.com"] == {"name": "Bob"}
    row = contacts.database.imports()[-1]
    assert (row["retry_of"], row["merge_policy"], row["series"]) == (1, "overwrite", row["source"])
    assert list(place.files()) == [f"done/bob-{report['import_id']}.csv"]


@on_sqlite
def test_a_corrected_rejected_file_with_one_more_column_is_a_retry(contacts: Contacts, inbox: FolderPlace) -> None:
    imported = contacts.load(MIXED, "--merge", "overwrite")
    lines = Path(imported["rejected_file"]).read_text("utf-8-sig").replace('"bob"', '"bob@example.com"').splitlines()
    inbox.put("bob.csv", "".join(f"{line},done\n" for line in lines))
    [report] = handled(contacts, inbox)
    assert (report["merge"], report["retry_of"]["mended"]) == ("overwrite", 1)


@on_sqlite
@pytest.mark.parametrize(
    ("text", "options", "contact"),
    [
        pytest.param(
            "email,mobile_phone\nann@example.com,651234567\nbob,612345678\n?,612345678\n",
            ("--merge", "overwrite", "--default-prefix", "+33"),
            {"city": "Vic", "mobile_phone": "+33612345678"},
            id="default prefix",
        ),
        pytest.param(
            "email,city\nann@example.com,Olot\nbob,Reus\n?,Reus\n",
            ("--merge", "overwrite", "--merge-field", "city=keep"),
            {"city": "Vic"},
            id="policy of a field",
        ),
        pytest.param(
            "email,city\nann@example.com,Olot\nbob,\n?,Reus\n",
            ("--merge", "overwrite", "--blanks", "clear"),
            {},
            id="blanks",
        ),
        pytest.param(
            "email,name\nann@example.com,Ann\nbob,First\nbob,Last\n?,Bob\n",
            ("--merge", "overwrite", "--duplicates", "first"),
            {"city": "Vic", "name": "First"},
            id="duplicates",
        ),
        pytest.param(
            "email,points\nann@example.com,1\nbob,2\ncat@example.com,x\n?,3\n",
            ("--merge", "overwrite", "--gaps", "allow"),
            {"city": "Vic", "points": "2"},
            id="gaps",
        ),
    ],
)
def test_a_retry_keeps_the_options_of_its_import_and_has_no_limits(
    contacts: Contacts, inbox: FolderPlace, text: str, options: tuple[str, ...], contact: dict[str, str]
) -> None:
    contacts.load("email,city\nbob@example.com,Vic\n")
    imported = contacts.load(text, *options)
    rejected = Path(imported["rejected_file"]).read_text()
    inbox.put("bob.csv", rejected.replace('"bob"', '"bob@example.com"').replace('"x"', '""'))
    [report] = handled(contacts, inbox, "--strict", "--max-rejected", "0")
    assert report["status"] == "completed"
    assert report["rows"]["rejected"] >= 1
    assert contacts.database.contacts()["bob@example.com"] == contact


def test_the_rows_that_a_retry_rejects_can_be_corrected_again(contacts: Contacts, inbox: FolderPlace) -> None:
    inbox.put("a.csv", MIXED)
    handled(contacts, inbox, "--gaps", "allow", "--merge", "overwrite")
    inbox.put("again.csv", inbox.files()["rejected/a-1.csv"].replace('"bob"', '"bob@example.com"'))
    handled(contacts, inbox)
    inbox.put("more.csv", inbox.files()["rejected/again-2.csv"].replace('"x"', '"7"'))
    [report] = handled(contacts, inbox)
    assert (report["retry_of"]["id"], report["retry_of"]["missing"], report["merge"]) == (2, 0, "overwrite")
    assert sorted(contacts.database.contacts()) == ["ann@example.com", "bob@example.com", "cat@example.com"]


@on_sqlite
def test_the_rejected_rows_of_a_workbook_are_corrected_in_a_workbook(contacts: Contacts, inbox: FolderPlace) -> None:
    rows = [["email", "name"], ["ann@example.com", "Ann"], ["bob", "Íñigo"]]
    (inbox.folder / "people.xlsx").write_bytes(book({"People": rows}))
    handled(contacts, inbox, "--merge", "overwrite")
    workbook = openpyxl.load_workbook(inbox.folder / "rejected" / "people-1.xlsx")
    workbook.worksheets[0]["A2"] = "bob@example.com"
    workbook.save(inbox.folder / "people-1.xlsx")
    [report] = handled(contacts, inbox)
    assert (report["status"], report["merge"]) == ("completed", "overwrite")
    assert report["retry_of"] == {"id": 1, "first": 1, "mended": 1, "missing": 0}
    assert contacts.database.contacts()["bob@example.com"] == {"name": "Íñigo"}
    assert sorted(str(path.relative_to(inbox.folder)) for path in inbox.folder.glob("**/*.*")) == [
        "done/people-1-2.xlsx",
        "done/people-1.xlsx",
        "rejected/people-1.xlsx",
    ]


@on_sqlite
def test_rejected_rows_that_no_sheet_can_have_are_a_csv(contacts: Contacts, inbox: FolderPlace) -> None:
    long = "x" * 40_000
    rows = [["email", "name"], ["ann@example.com", "Ann"], ["bob", long]]
    (inbox.folder / "long.xlsx").write_bytes(with_rows(text_row(number, row) for number, row in enumerate(rows, 1)))
    handled(contacts, inbox)
    [rejected] = (inbox.folder / "rejected").iterdir()
    assert (rejected.name, long in rejected.read_text()) == ("long-1.csv", True)


@on_sqlite
def test_a_rejected_file_of_another_warehouse_fails_and_merges_nothing(contacts: Contacts, inbox: FolderPlace) -> None:
    imported = contacts.load(MIXED)
    rejected = Path(imported["rejected_file"]).read_text().replace('"bob"', '"bob@example.com"')
    mark = rejected.rpartition("import 1, file ")[2][:17]
    inbox.put("other.csv", rejected.replace(mark, "00-00000000000000"))
    inbox.put("unknown.csv", rejected.replace("import 1,", "import 99,"))
    codes = {report["error"]["code"] for report in handled(contacts, inbox)}
    assert codes == {"rejected-file-of-another-import", "unknown-import"}
    undo = contacts("undo", "1", "--json").json["import_id"]
    inbox.put("undo.csv", rejected.replace("import 1,", f"import {undo},"))
    [report] = handled(contacts, inbox)
    assert report["error"]["code"] == "import-not-completed"
    assert list(contacts.database.contacts()) == []


@on_sqlite
def test_a_rejected_file_of_an_undone_import_fails_with_the_number_of_the_undo(
    contacts: Contacts, inbox: FolderPlace
) -> None:
    imported = contacts.load(MIXED)
    rejected = Path(imported["rejected_file"]).read_text().replace('"bob"', '"bob@example.com"')
    contacts("undo", "1")
    inbox.put("bob.csv", rejected)
    handled(contacts, inbox)
    files = inbox.files()
    assert sorted(files) == ["failed/bob-3.csv", "failed/bob-3.txt"]
    assert files["failed/bob-3.csv"] == rejected
    assert "import 1 is undone by import 2: bring it back with 'contacts undo 2'" in files["failed/bob-3.txt"]
    assert list(contacts.database.contacts()) == []


@on_sqlite
def test_a_retry_does_not_count_as_a_file_of_the_inbox_for_min_rows(contacts: Contacts, inbox: FolderPlace) -> None:
    inbox.put("a.csv", MIXED)
    handled(contacts, inbox, "--min-rows", "50%")
    inbox.put("fixed.csv", inbox.files()["rejected/a-1.csv"].replace('"bob"', '"bob@example.com"'))
    assert handled(contacts, inbox, "--min-rows", "90%")[0]["status"] == "completed"
    inbox.put("b.csv", "email\nnew1@example.com\nnew2@example.com\n")
    [report] = handled(contacts, inbox, "--min-rows", "90%")
    assert report["error"]["code"] == "too-few-rows"
    assert "of the 3 of the last import" in report["error"]["message"]


@on_sqlite
def test_rejected_rows_on_another_machine_are_named_in_the_inbox(contacts: Contacts, inbox: FolderPlace) -> None:
    inbox.put("a.csv", MIXED)
    (inbox.folder / "done").symlink_to("nowhere")
    look_once(contacts, inbox)
    (inbox.folder / "done").unlink()
    (inbox.folder / "rejected" / "a-1.csv").unlink()
    shutil.rmtree(contacts.folder / "home" / "imports")
    handled(contacts, inbox)
    assert "contacts rejected 1 --output FILE" in inbox.files()["rejected/a-1.txt"]
