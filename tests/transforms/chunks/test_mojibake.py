"""Text that was decoded twice is reported with column and record."""

import pytest

from schemas.catalogue import FieldCatalogue
from tests.transforms.pipeline import check


@pytest.mark.parametrize("block_bytes", [20, 1 << 20])
@pytest.mark.parametrize(
    ("name", "found"),
    [
        pytest.param("José".encode().decode("cp1252"), True, id="windows-1252"),
        pytest.param("Íñigo".encode().decode("latin-1"), True, id="latin-1"),
        pytest.param("O’Hara".encode().decode("cp1252"), True, id="an-apostrophe"),
        pytest.param("José", False, id="decoded-once"),
        pytest.param("SÃO PAULO", False, id="a-tilde-before-a-letter"),
        pytest.param("Âme", False, id="a-circumflex-before-a-letter"),
        pytest.param("x", False, id="ascii"),
    ],
)
def test_text_that_was_decoded_twice_is_found(
    name: str, found: bool, block_bytes: int, catalogue: FieldCatalogue
) -> None:
    checked = check(f"email,name\na@b.com,Ann\nb@b.com,{name}\nc@b.com,{name}\n", catalogue, block_bytes)
    assert checked.mojibake == ({2: (2, 2)} if found else {})
    assert len(checked.accepted) == 3
