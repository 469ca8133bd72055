"""In the UI, messages name the fields of the form instead of options of the command line."""

import pytest

from flows.publishing.form_words import in_form_words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("skip it with --skip-last 2", "skip it with “Lines below the records” 2"),
        ("check --delimiter, --quote and --skip-lines", "check “Delimiter”, “Quote” and “Lines above the header”"),
        ("map it with --map 'E-mail=email'", "map it with “Columns to fields” 'E-mail=email'"),
        ("write it in --mapping FILE", "write it in “Mapping file” FILE"),
        ("unless you allow it (--loosen-consent)", "unless you allow it (“Weaker consents”)"),
        ("an option of no field: --dry-run", "an option of no field: --dry-run"),
        ("no option: a--gaps, -- and 1--2", "no option: a--gaps, -- and 1--2"),
    ],
)
def test_an_option_is_shown_as_the_title_of_its_field(text: str, shown: str) -> None:
    assert in_form_words(text) == shown
