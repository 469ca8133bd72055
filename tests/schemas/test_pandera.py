"""The Pandera schema says of a field what the catalogue says, and finds the rows that break its rules."""

import pandas as pd
import pandera.pandas as pa
import pytest

from schemas.catalogue import load_catalogue
from schemas.cells.arrow_columns import TEXT_DTYPE
from schemas.fields import Field
from schemas.validation.pandera_schemas import find_failures
from tests.transforms.judge_cells import field_of

EMAIL = field_of("email", id="email", identity=True)


def frame(**columns: list[str | None]) -> pd.DataFrame:
    contacts = pd.DataFrame({name: pd.Series(cells, dtype=TEXT_DTYPE) for name, cells in columns.items()})
    return contacts.set_axis(range(10, 10 + len(contacts)))  # as after rows were taken out


def test_a_column_has_the_title_dtype_and_description_of_its_field() -> None:
    columns = load_catalogue().to_pandera().columns
    assert list(columns) == list(load_catalogue().ids)
    assert (columns["vip"].title, str(columns["vip"].dtype)) == ("VIP", "arrow_string")
    assert columns["gender"].description == "radio: an option ID of the field: f, m, x"
    assert [name for name, column in columns.items() if not column.nullable] == ["email"]


def test_the_schema_is_built_once_for_a_set_of_fields() -> None:
    assert load_catalogue().to_pandera() is load_catalogue().to_pandera()


def test_it_validates_a_frame_as_any_pandera_schema_does() -> None:
    contacts = frame(**{id: ["a@b.com" if id == "email" else None] for id in load_catalogue().ids})
    assert load_catalogue().to_pandera().validate(contacts).equals(contacts)
    with pytest.raises(pa.errors.SchemaError, match="email-invalid"):
        load_catalogue().to_pandera().validate(contacts.assign(email=pd.Series(["a"], contacts.index, TEXT_DTYPE)))


@pytest.mark.parametrize(
    ("field", "cells", "failures"),
    [
        pytest.param(EMAIL, [None, "a@b.com", "x"], {"email-missing": [0], "email-invalid": [2]}, id="email"),
        pytest.param(
            field_of("date", gaps="reject-row"),
            [None, "2024-02-30"],
            {"value-missing": [0], "date-invalid": [1]},
            id="date",
        ),
        pytest.param(field_of("radio"), [None, "x", "music", "y"], {"option-unknown": [1, 3]}, id="radio"),
        pytest.param(field_of("checkbox"), [None, "music|x", "music"], {"option-unknown": [1]}, id="options"),
        pytest.param(field_of("phone"), ["1 2", "1"], {"phone-has-spaces": [0], "phone-invalid": [1]}, id="phone"),
        pytest.param(field_of("text"), [None, None], {}, id="only-blank-cells"),
        pytest.param(field_of("boolean"), [], {}, id="no-rows"),
    ],
)
def test_failures_name_the_rule_and_the_positions_of_the_rows(
    field: Field, cells: list[str | None], failures: dict[str, list[int]]
) -> None:
    found = find_failures(frame(**{field.id: cells}), (field,))
    assert {failure.code: list(failure.rows) for failure in found} == failures


def test_a_frame_of_other_types_than_text_is_a_fault_of_the_program() -> None:
    with pytest.raises(TypeError, match="does not fit its schema"):
        find_failures(pd.DataFrame({"value": [1]}), (field_of("text"),))
