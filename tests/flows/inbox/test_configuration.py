"""An error of the configuration fails the look and leaves the files; one of a file fails this file."""

import pytest

from tests.flows.conftest import Contacts
from tests.flows.inbox.conftest import GOOD, handled, look_once, on_sqlite
from tests.flows.inbox.places import FolderPlace

CONFIGURATION = {
    "catalogue.yaml": (
        "fields:\n"
        "  - {id: email, type: email, identity: true}\n"
        "  - {id: name, type: text}\n"
        "  - {id: points, type: integer}\n"
    ),
    "mapping.yaml": "name: name\n",
    "preset.yaml": "columns:\n  email: email\n",
}


@on_sqlite
@pytest.mark.parametrize(
    ("name", "wrong", "code"),
    [
        pytest.param("catalogue.yaml", "fields: [", "catalogue-invalid", id="catalogue that cannot be read"),
        pytest.param("catalogue.yaml", None, "catalogue-not-found", id="no catalogue"),
        pytest.param("catalogue.yaml", ("integer", "text"), "field-type-changed", id="type of a field"),
        pytest.param("catalogue.yaml", ("id: points", "id: score"), "unknown-field", id="field with a policy"),
        pytest.param("catalogue.yaml", ("id: name", "id: title"), "unknown-field", id="required field"),
        pytest.param("mapping.yaml", ("name: name", "name: title"), "unknown-field", id="field of the mapping"),
        pytest.param("mapping.yaml", None, "mapping-invalid", id="no mapping"),
        pytest.param("preset.yaml", "columns: [", "preset-invalid", id="preset that cannot be read"),
        pytest.param("preset.yaml", None, "preset-invalid", id="no preset"),
    ],
)
def test_a_wrong_configuration_fails_the_look_and_the_files_stay(
    contacts: Contacts, inbox: FolderPlace, name: str, wrong: str | tuple[str, str] | None, code: str
) -> None:
    paths = {name: contacts.file(text, name) for name, text in CONFIGURATION.items()}
    options = ("--catalogue", "--mapping", "--preset")
    named = [str(each) for pair in zip(options, paths.values(), strict=True) for each in pair]
    named += ["--require", "name", "--merge", "overwrite", "--merge-field", "points=keep"]
    inbox.put("first.csv", GOOD)
    assert handled(contacts, inbox, *named)[0]["status"] == "completed"

    if wrong is None:
        paths[name].unlink()
    else:
        paths[name].write_text(CONFIGURATION[name].replace(*wrong) if isinstance(wrong, tuple) else wrong)
    inbox.put("a.csv", GOOD)
    ran = look_once(contacts, inbox, *named)
    assert (ran.status, [report["error"]["code"] for report in ran.json]) == (1, [code])
    assert f"not every file of the inbox was handled: {code}" in ran.err
    assert sorted(inbox.files()) == ["a.csv", "done/first-1.csv"]
    assert len(contacts.database.imports()) == 1

    paths[name].write_text(CONFIGURATION[name])
    assert handled(contacts, inbox, *named)[0]["status"] == "completed"
    assert sorted(inbox.files()) == ["done/a-2.csv", "done/first-1.csv"]


@on_sqlite
@pytest.mark.parametrize(
    ("options", "code"),
    [
        pytest.param(("--segment", "vip"), "unknown-segment", id="segment"),
        pytest.param(("--preset", "nope"), "unknown-preset", id="preset"),
        pytest.param(("--preset", "mailchimp:nope"), "unknown-preset", id="part of a preset"),
        pytest.param(("--map", "name=nope"), "unknown-field", id="field of a column"),
    ],
)
def test_a_request_that_names_what_does_not_exist_fails_the_look(
    contacts: Contacts, inbox: FolderPlace, options: tuple[str, str], code: str
) -> None:
    inbox.put("a.csv", GOOD)
    ran = look_once(contacts, inbox, *options)
    assert (ran.status, [report["error"]["code"] for report in ran.json]) == (1, [code])
    assert (list(inbox.files()), contacts.database.imports()) == (["a.csv"], [])


@on_sqlite
@pytest.mark.parametrize("options", [("--map", "city=name"), ("--preset", "auto"), ("--value", "city:a=b")])
def test_a_file_that_the_request_does_not_fit_fails_alone(
    contacts: Contacts, inbox: FolderPlace, options: tuple[str, str]
) -> None:
    inbox.put("a.csv", GOOD)
    [report] = handled(contacts, inbox, *options)
    assert report["status"] == "failed"
    assert sorted(inbox.files()) == ["failed/a-1.csv", "failed/a-1.txt"]
