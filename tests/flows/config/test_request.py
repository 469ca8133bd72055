"""Reading options that are refused before a file is opened."""

from typing import Any

import pytest
from pydantic import ValidationError

from flows.config.request import ReadingOptions


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
