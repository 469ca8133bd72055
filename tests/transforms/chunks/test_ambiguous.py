"""Cells with two meanings are rejected: phones without their plus, and decimals of columns with a decimal comma."""

import pyarrow as pa
import pytest

from schemas.catalogue import FieldCatalogue
from tests.transforms.pipeline import Checked, check
from transforms.chunks.ambiguous import find_decimal_signs


@pytest.mark.parametrize(
    ("cell", "comma", "point", "either"),
    [
        pytest.param("4,25", True, False, False, id="decimal-comma"),
        pytest.param("1.234,56", True, False, False, id="comma-after-groups"),
        pytest.param("1 234,5", True, False, False, id="comma-after-a-space"),
        pytest.param("1.234.567", True, False, False, id="several-groups-with-points"),
        pytest.param("512,77 €", True, False, False, id="with-a-currency"),
        pytest.param("0,500", True, False, False, id="zero-before-a-comma"),
        pytest.param("1,234", False, False, False, id="a-comma-that-may-group"),
        pytest.param("13.75", False, True, False, id="decimal-point"),
        pytest.param("0.500", False, True, False, id="zero-before-a-point"),
        pytest.param("1234.567", False, True, False, id="four-digits-before-a-point"),
        pytest.param("1,234.5", False, True, False, id="point-after-groups"),
        pytest.param("1.234", False, False, True, id="a-point-that-may-group"),
        pytest.param("-12.345", False, False, True, id="negative"),
        pytest.param("1.2345", False, True, False, id="four-decimals"),
        pytest.param("1234", False, False, False, id="no-sign"),
        pytest.param("(200)", False, False, False, id="brackets"),
    ],
)
def test_what_a_number_shows_of_its_decimal_sign(cell: str, comma: bool, point: bool, either: bool) -> None:
    assert find_decimal_signs(pa.chunked_array([[cell]])) == (comma, point, either)


def spent(cells: list[str], catalogue: FieldCatalogue, block_bytes: int = 1 << 20) -> Checked:
    records = "".join(f"c{number}@b.com;{cell}\n" for number, cell in enumerate(cells, 1))
    return check(f"email;spent\n{records}", catalogue, block_bytes)


@pytest.mark.parametrize("block_bytes", [20, 50, 1 << 20])
@pytest.mark.parametrize(
    ("cells", "codes"),
    [
        pytest.param(["1.234", "4,25"], ["decimal-ambiguous", "decimal-invalid"], id="comma-below"),
        pytest.param(["4,25", "1.234"], ["decimal-invalid", "decimal-ambiguous"], id="comma-above"),
        pytest.param(["4,25", "1.234", "13.75"], ["decimal-invalid"], id="a-point-proves-nothing"),
        pytest.param(["1.234", "12"], [], id="no-comma"),
        pytest.param(["1.234", "1,234"], ["decimal-invalid"], id="a-comma-that-proves-nothing"),
        pytest.param(["4,25", "1.2340"], ["decimal-invalid"], id="corrected"),
    ],
)
def test_a_decimal_is_ambiguous_if_the_whole_column_has_a_decimal_comma(
    cells: list[str], codes: list[str], block_bytes: int, catalogue: FieldCatalogue
) -> None:
    assert [code for _, code in spent(cells, catalogue, block_bytes).codes] == codes


def test_the_message_for_an_ambiguous_decimal_says_both_values(catalogue: FieldCatalogue) -> None:
    (message, _) = spent(["1.234", "4,25"], catalogue).messages
    assert message.startswith("'1.234' may be 1234 or 1.234")
    assert message.endswith("write 1234 or 1.2340")


@pytest.mark.parametrize(
    ("cell", "stored"),
    [
        pytest.param("49775591155", None, id="a-landline"),
        pytest.param("491712345678", None, id="a-mobile"),
        pytest.param("+49775591155", "'+49775591155", id="with-its-plus"),
        pytest.param("0775591155", "'+49775591155", id="national"),
        pytest.param("0049775591155", "'+49775591155", id="international"),
    ],
)
@pytest.mark.parametrize("preset", [False, True])
def test_a_phone_that_may_have_its_prefix_already_is_ambiguous(
    cell: str, stored: str | None, preset: bool, catalogue: FieldCatalogue, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("presets") / "plain.yaml"
    path.write_text("columns:\n  phone: {field: phone, phone: plain}\n")
    if preset and cell.isdigit():
        cell = f"{cell[:2]} {cell[2:]}"
    found = check(
        f"email,phone\na@b.com,{cell}\n", catalogue, default_prefix="+49", preset=str(path) if preset else None
    )
    assert [row["phone"] for row in found.accepted] == ([stored] if stored else [])
    assert [code for _, code in found.codes] == ([] if stored else ["phone-ambiguous"])
