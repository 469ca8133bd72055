"""An undo keeps what has changed since its import, and counts why."""

from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import insert, update

from schemas.catalogue import FieldCatalogue
from tests.warehouse.conftest import NOON, Importer
from tests.warehouse.undo.conftest import ANN, BOB, CATALOGUE, CID, CONSENT, counts, edit, remove, undo
from warehouse.contacts.segments import create_segment
from warehouse.merge.change_list import contact_history
from warehouse.removal.delete import delete_contacts
from warehouse.tables import WarehouseTables
from warehouse.undo.undo import undo_import

RENAMED, REVERSED = [*CONSENT[:-1], "opted-out"], list(reversed(CONSENT))


def with_status(**status: Any) -> FieldCatalogue:
    """A catalogue with the email and, if something is given of it, the field `status`."""
    fields = [{"id": "status", "type": "radio", **status}] if status else []
    return FieldCatalogue.model_validate({"fields": [{"id": "email", "type": "email", "identity": True}, *fields]})


def test_a_cell_with_another_value_stays(people: Importer) -> None:
    people([{"email": email, "city": "Vic", "points": 1} for email in (ANN, BOB, CID)])
    people([{"email": email, "city": "Olot", "points": 2} for email in (ANN, BOB, CID)])
    edit(people, ANN, sets_updated_at=False, city="Salt")
    people([{"email": BOB, "city": "Reus", "points": 3}])
    remove(people, CID)
    report = undo(people, 2)
    assert counts(report) == {
        "contacts": {"restored": 1, "kept": 1, "gone": 1},
        "cells": {"restored": 1, "kept": 3, "gone": 2},
        "kept": {"later-import": 2, "edited": 1},
    }
    ann, bob = people.contacts()
    assert (ann["city"], ann["points"], ann["updated_by_import"]) == ("Salt", 1, 4)
    assert (bob["city"], bob["points"], bob["updated_by_import"]) == ("Reus", 3, 3)


def test_an_edit_after_an_undo_and_a_redo_is_not_said_to_be_a_later_import(people: Importer) -> None:
    people([{"email": email, "city": "Vic"} for email in (ANN, BOB)])
    people([{"email": email, "city": "Olot"} for email in (ANN, BOB)])
    undo(people, 2)  # is import 3
    undo(people, 3)
    edit(people, ANN, city="Salt")
    assert counts(undo(people, 2))["kept"] == {"edited": 1}
    undo(people, 5)
    people([{"email": BOB, "city": "Reus"}])
    assert counts(undo(people, 2))["kept"] == {"edited": 1, "later-import": 1}


def test_an_edit_after_a_delete_that_was_undone_is_not_said_to_be_a_later_import(people: Importer) -> None:
    people([{"email": ANN, "city": "Vic"}])
    people([{"email": ANN, "city": "Olot"}])
    emails = pa.RecordBatch.from_pydict({"email": [ANN]})
    delete_contacts(people.warehouse, source="delete of left.csv", emails=[emails])
    undo(people, 3)
    edit(people, ANN, city="Salt")
    assert counts(undo(people, 2))["kept"] == {"edited": 1}


def test_a_later_import_is_one_that_was_completed_later(people: Importer) -> None:
    """A guided import has its number when it starts, and is merged days later."""
    people([{"email": ANN, "city": "Vic"}])
    with people.staging(people.start()) as guided:
        guided.add(people.write([{"email": ANN, "city": "Olot"}]))
        guided.ensure_staged()
        people([{"email": ANN, "city": "Reus"}])
        people.load(guided, 1)
    imports = WarehouseTables(people.warehouse.schema).imports
    with people.warehouse.write_transaction() as connection:
        later = update(imports).where(imports.c.import_id == 2).values(finished_at=NOON + timedelta(days=1))
        connection.execute(later)
    history = contact_history(people.warehouse, ANN, CATALOGUE)
    assert [(each.import_id, each.before, each.after) for each in history] == [(2, "Reus", "Olot"), (3, "Vic", "Reus")]
    assert counts(undo(people, 3, dry_run=True))["kept"] == {"later-import": 1}
    edit(people, ANN, city="Salt")
    assert counts(undo(people, 2))["kept"] == {"edited": 1}


@pytest.mark.parametrize("how", ["edited", "updated by an import", "member by an import", "member by a person"])
def test_an_inserted_contact_that_changed_since_stays(people: Importer, how: str) -> None:
    create_segment(people.warehouse, "vip")
    people([{"email": ANN, "city": "Vic"}])
    if how == "edited":
        edit(people, ANN, points=5)
    elif how == "updated by an import":
        people([{"email": ANN, "city": "Olot"}])
    elif how == "member by an import":
        people([{"email": ANN, "city": "Vic"}], segment="vip")
    else:
        table = WarehouseTables(people.warehouse.schema).segment_members
        with people.warehouse.write_transaction() as connection:
            connection.execute(insert(table).values(segment_id="vip", contact_id=1, import_id=0))
    assert counts(undo(people, 1))["contacts"] == {"kept": 1}
    assert len(people.contacts()) == 1


def test_inserted_contacts_that_are_gone_are_counted(people: Importer) -> None:
    people([{"email": ANN}, {"email": BOB}])
    remove(people, ANN)
    assert counts(undo(people, 1)) == {"contacts": {"deleted": 1, "gone": 1}}


def test_the_strongest_consent_is_never_taken_back(people: Importer) -> None:
    people([{"email": ANN, "city": "Vic", "status": "subscribed"}, {"email": BOB, "status": "none"}])
    people([{"email": ANN, "city": "Olot", "status": "unsubscribed"}, {"email": BOB, "status": "subscribed"}])
    report = undo(people, 2)
    assert counts(report) == {
        "contacts": {"restored": 2},
        "cells": {"restored": 2, "kept": 1},
        "kept": {"consent": 1},
    }
    assert [contact["status"] for contact in people.contacts()] == ["unsubscribed", "none"]


@pytest.mark.parametrize(
    ("status", "stays"),
    [
        pytest.param({}, True, id="without the field"),
        pytest.param({"options": CONSENT}, False, id="with the field but without a consent list"),
        pytest.param({"options": RENAMED, "consent": RENAMED}, True, id="with another name of the option"),
        pytest.param({"options": REVERSED, "consent": REVERSED}, False, id="with another order"),
    ],
)
def test_a_refusal_stays_also_with_another_catalogue_unless_that_ranks_it_lower(
    people: Importer, status: dict[str, Any], stays: bool
) -> None:
    people([{"email": ANN, "city": "Vic", "status": "subscribed"}])
    people([{"email": ANN, "city": "Olot", "status": "unsubscribed"}])
    report = undo_import(people.warehouse, 2, with_status(**status))
    assert counts(report)["kept" if stays else "cells"] == ({"consent": 1} if stays else {"restored": 2})
    [ann] = people.contacts()
    assert (ann["city"], ann["status"]) == ("Vic", "unsubscribed" if stays else "subscribed")


def test_a_field_of_an_older_release_has_no_stored_consent_list(people: Importer) -> None:
    people([{"email": ANN, "status": "subscribed"}])
    people([{"email": ANN, "status": "unsubscribed"}])
    with people.warehouse.write_transaction() as connection:
        connection.execute(update(WarehouseTables(people.warehouse.schema).contact_fields).values(consent=None))
    assert counts(undo_import(people.warehouse, 2, with_status()))["cells"] == {"restored": 1}


def test_an_undo_of_an_undo_keeps_the_refusal_that_the_first_one_brought_back(people: Importer) -> None:
    people([{"email": ANN, "status": "unsubscribed"}])
    people([{"email": ANN, "status": "subscribed"}], loosen_consent=1)
    assert counts(undo(people, 2))["cells"] == {"restored": 1}
    assert counts(undo(people, 3))["kept"] == {"consent": 1}
    assert people.contacts()[0]["status"] == "unsubscribed"


def test_a_contact_whose_email_somebody_has_now_is_not_inserted_again(people: Importer) -> None:
    people([{"email": ANN, "city": "Vic"}, {"email": BOB}])
    undo(people, 1)
    people([{"email": ANN, "city": "Olot"}])
    report = undo(people, 2)
    assert counts(report) == {
        "contacts": {"reinserted": 1, "kept": 1},
        "cells": {"kept": 1},
        "kept": {"email-taken": 1},
    }
    assert [(each["contact_id"], each["email"]) for each in people.contacts()] == [(2, BOB), (3, ANN)]
