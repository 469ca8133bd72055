"""Reading options that are refused before a file is opened."""

from typing import Any

import pytest
from pydantic import ValidationError

from flows.config.request import FORM_ORDER, ImportRequest, ReadingOptions


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        pytest.param({"quote": "ab"}, "one character", id="two-characters"),
        pytest.param({"quote": "a"}, "no letter", id="letter"),
        pytest.param({"quote": " "}, "white space", id="space"),
        pytest.param({"escape": "é"}, "one character", id="no-ascii"),
        pytest.param({"escape": '"'}, "doubled", id="escape-is-the-quote"),
        pytest.param({"quote": "'", "escape": "'"}, "doubled", id="escape-is-the-given-quote"),
        pytest.param({"quote": ";", "delimiter": ";"}, "different characters", id="quote-is-the-delimiter"),
        pytest.param({"escape": "|", "delimiter": "pipe"}, "different characters", id="escape-is-the-delimiter"),
        pytest.param({"delimiter": '"'}, "double quote", id="delimiter-is-the-quote"),
        pytest.param({"skip_lines": -1}, "greater", id="lines-before-the-file"),
        pytest.param({"encoding": "utf-7"}, "such as utf-8", id="utf-7"),
        pytest.param({"encoding": "unicode_escape"}, "such as utf-8", id="escapes"),
        pytest.param({"encoding": "a\0b"}, "such as utf-8", id="no-name-of-a-codec"),
    ],
)
def test_an_option_that_no_file_can_be_read_with_is_refused(options: dict[str, Any], hint: str) -> None:
    with pytest.raises(ValidationError, match=hint):
        ReadingOptions(source="x.csv", **options)


def test_the_form_begins_with_the_file_and_ends_with_the_safety_limits() -> None:
    fields = ImportRequest.model_json_schema()["properties"]
    assert list(fields)[:4] == ["source", "preset", "merge", "segment"]
    assert list(fields).index("encoding") < list(fields).index("max_rejected")
    assert set(fields) <= set(FORM_ORDER), "a new field needs its place in the form"


@pytest.mark.parametrize("model", [ReadingOptions, ImportRequest])
def test_prefect_gets_the_order_of_the_form_as_positions(model: type[ReadingOptions]) -> None:
    fields = model.model_json_schema()["properties"]
    assert [field["position"] for field in fields.values()] == list(range(len(fields)))
