"""The export is text that can be imported again without a change."""

from datetime import date
from typing import Any

import pandas as pd
import pytest

from tests.warehouse.conftest import Importer
from warehouse.contacts.export import export_batches


def exported(importer: Importer, rows: int = 50_000) -> pd.DataFrame:
    return pd.concat(export_batches(importer.warehouse, importer.catalogue, rows))


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        pytest.param("name", "", None, id="empty text"),
        pytest.param("name", "null", "null", id="the word null"),
        pytest.param("birthdate", date(1, 2, 3), "0001-02-03", id="early date"),
        pytest.param("points", 2**63 - 1, "9223372036854775807", id="largest integer"),
        pytest.param("spent", 12.5, "12.5", id="decimal"),
        pytest.param("spent", 10.0, "10", id="whole decimal"),
        pytest.param("spent", 100.0, "100", id="zeros that count"),
        pytest.param("spent", -0.0, "0", id="minus zero"),
        pytest.param("spent", 1e-10, "0.0000000001", id="small decimal"),
        pytest.param("spent", 999999999999999.0, "999999999999999", id="fifteen digits"),
        pytest.param("spent", -0.1, "-0.1", id="negative decimal"),
        pytest.param("vip", True, "true", id="true"),
        pytest.param("vip", False, "false", id="false"),
    ],
)
def test_a_value_is_exported_in_the_form_that_imports_again(
    importer: Importer, field: str, value: Any, text: str | None
) -> None:
    importer([{"email": "ann@example.org", field: value}])
    [row] = exported(importer).to_dict("records")
    assert row == dict.fromkeys(importer.catalogue.ids) | {"email": "ann@example.org", field: text}


def test_contacts_are_exported_in_order_and_in_batches(importer: Importer) -> None:
    importer([{"email": f"{number}@example.org"} for number in range(7, 0, -1)])
    batches = list(export_batches(importer.warehouse, importer.catalogue, rows=3))
    assert [len(batch) for batch in batches] == [3, 3, 1]
    assert list(pd.concat(batches)["email"]) == [contact["email"] for contact in importer.contacts()]


def test_the_export_of_an_empty_warehouse_has_all_columns(importer: Importer) -> None:
    frame = exported(importer)
    assert (list(frame.columns), len(frame)) == (list(importer.catalogue.ids), 0)
