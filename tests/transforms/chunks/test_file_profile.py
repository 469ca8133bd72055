"""What the whole file's profile says of its translations."""

from schemas.catalogue import load_catalogue
from schemas.presets.model import ColumnRule
from transforms.chunks.file_profile import profile_file
from transforms.mapping.columns import AddedBy, AddedRule, ColumnMapping, MappedColumn


def test_each_of_thousands_of_translations_names_who_added_it_last() -> None:
    field = load_catalogue()["gender"]
    values = {f"w{number}": "f" for number in range(10_000)}
    rules = [
        AddedRule(by, ColumnRule(field="gender", values=dict(list(values.items())[first:])))
        for by, first in ((AddedBy.FIX, 1), (AddedBy.VALUE, 5_000))
    ]
    column = MappedColumn(1, "Sex", field, rule=ColumnRule(field="gender", values=values), added=tuple(rules))
    found = profile_file([], ColumnMapping((column,)), 1).translations
    assert [each.by for each in found] == ["preset", *["fix"] * 4_999, *["value"] * 5_000]
