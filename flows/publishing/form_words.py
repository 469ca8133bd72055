"""Messages name command-line options. In the UI, a person has the form instead, so texts there name its fields."""

import re

from flows.config.request import OPTION_NAMES, ImportRequest

_OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]*)")
_OTHER_NAMES = {option.removeprefix("--"): field for field, option in OPTION_NAMES.items()}


def in_form_words(text: str) -> str:
    """The text with the title of a form's field instead of its option: `skip it with “Lines below the records” 2`."""
    return _OPTION.sub(lambda found: _title(found[1]) or found[0], text)


def _title(option: str) -> str | None:
    field = ImportRequest.model_fields.get(_OTHER_NAMES.get(option, option.replace("-", "_")))
    return f"“{field.title}”" if field and field.title else None
