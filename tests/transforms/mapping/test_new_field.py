"""A field of any type that is added to the catalogue is imported and checked without another change."""

from pathlib import Path

import pytest
import yaml

from schemas.catalogue import BUILT_IN_CATALOGUE, FieldCatalogue, load_catalogue
from schemas.field_types import FieldType
from tests.transforms.pipeline import check
from transforms.mapping.columns import map_columns

# What a file may hold for the new field, what is stored of it, and what is refused with which code.
CELLS = {
    FieldType.TEXT: (" Calle Mayor ", "Calle Mayor", "a\0b", "text-invalid"),
    FieldType.EMAIL: ("X@Y.com", "x@y.com", "x@", "email-invalid"),
    FieldType.PHONE: ("651234567", "'+34651234567", "65 1", "phone-has-spaces"),
    FieldType.DATE: ("2024-02-29", "2024-02-29", "2023-02-29", "date-invalid"),
    FieldType.INTEGER: ("42", "42", "0", "integer-invalid"),
    FieldType.DECIMAL: ("-1.50", "-1.5", "1e5", "decimal-invalid"),
    FieldType.BOOLEAN: ("1", "true", "si", "boolean-invalid"),
    FieldType.RADIO: ("b", "b", "B", "option-unknown"),
    FieldType.CHECKBOX: ("b|a|b", "a|b", "a|", "option-unknown"),
}


def built_in_and(type: FieldType, tmp_path: Path) -> FieldCatalogue:
    """The built-in catalogue's own text with one entry more: the only edit."""
    entry = {"id": "brand_new", "type": str(type), "label": "Brand new", "aliases": ["Nuevo"]}
    if type in (FieldType.RADIO, FieldType.CHECKBOX):
        entry |= {"options": ["a", "b"]}
    raw = yaml.safe_load(BUILT_IN_CATALOGUE.read_text(encoding="utf-8"))
    path = tmp_path / "fields.yaml"
    path.write_text(yaml.safe_dump({**raw, "fields": [*raw["fields"], entry]}), encoding="utf-8")
    return load_catalogue(path)


@pytest.mark.parametrize("type", FieldType)
@pytest.mark.parametrize("header", ["brand_new", "BRAND NEW", " nuevo"])
def test_new_field_is_mapped_by_its_names(type: FieldType, header: str, tmp_path: Path) -> None:
    mapping = map_columns(["Email", header], built_in_and(type, tmp_path))
    assert [field.id for field in mapping.fields] == ["email", "brand_new"]


@pytest.mark.parametrize("type", FieldType)
def test_new_field_is_imported_and_checked(type: FieldType, tmp_path: Path) -> None:
    good, stored, bad, code = CELLS[type]
    found = check(f"Email,Nuevo\na@b.com,{good}\nc@d.com,{bad}\n", built_in_and(type, tmp_path))
    assert found.accepted == [{"email": "a@b.com", "brand_new": stored}]
    assert [each[:5] for each in found.rejections] == [(2, 3, "Nuevo", "brand_new", code)]


@pytest.mark.parametrize("type", FieldType)
def test_new_field_is_in_the_pandera_schema(type: FieldType, tmp_path: Path) -> None:
    column = built_in_and(type, tmp_path).to_pandera().columns["brand_new"]
    assert (column.title, column.nullable) == ("Brand new", True)
    assert CELLS[type][3] in [check.error for check in column.checks]
