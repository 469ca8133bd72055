"""Lines that are one quoted cell are unwrapped on request, and recognised."""

from pathlib import Path

import pytest

from schemas.catalogue import FieldCatalogue
from tests.transforms.pipeline import check
from transforms.landing import unwrap
from transforms.landing.land import land
from transforms.landing.unwrap import unwrap_lines, unwrapped
from transforms.work_folder import ImportFolder


@pytest.mark.parametrize(
    ("line", "text"),
    [
        pytest.param(b'"a,b"\n', b"a,b\n", id="two-cells"),
        pytest.param(b'"a,""b, c"""\r\n', b'a,"b, c"\r\n', id="a-quoted-cell-inside"),
        pytest.param(b'"a","b"\n', b'"a","b"\n', id="two-quoted-cells"),
        pytest.param(b"a,b\n", b"a,b\n", id="no-quotes"),
        pytest.param(b'"\n', b'"\n', id="one-quote"),
        pytest.param(b'""\n', b"\n", id="an-empty-cell"),
        pytest.param(b'"a,b"', b"a,b", id="no-line-break"),
        pytest.param(b"\n", b"\n", id="a-blank-line"),
    ],
)
def test_a_line_that_is_one_quoted_cell_is_unwrapped(line: bytes, text: bytes) -> None:
    assert unwrapped(line) == text


@pytest.mark.parametrize("read_bytes", [1, 3, 1 << 20])
def test_a_file_is_unwrapped_however_it_is_read(
    read_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unwrap, "_READ_BYTES", read_bytes)
    path = tmp_path / "wrapped.csv"
    path.write_bytes(b'\xef\xbb\xbf"email,name"\r\n"a@b.com,""x, y"""\r\n')
    landed = unwrap_lines(land(str(path), ImportFolder.local(tmp_path)))
    assert Path(landed.path).read_bytes() == b'\xef\xbb\xbfemail,name\r\na@b.com,"x, y"\r\n'
    assert landed.size == Path(landed.path).stat().st_size


@pytest.mark.parametrize(
    ("content", "wrapped"),
    [
        pytest.param('"email,name"\n"a@b.com,x"\n', True, id="wrapped"),
        pytest.param('"email;name"\n"a@b.com;x"\n', True, id="semicolons"),
        pytest.param('email,name\na@b.com,x\n"c@d.com,""x, y"""\n', True, id="only-lines-with-quotes"),
        pytest.param('email,name\na@b.com,x\n"c@d.com"\n', False, id="a-short-row"),
        pytest.param('"email"\n"a@b.com"\n', False, id="one-column"),
        pytest.param('"email","name"\n"a@b.com","x"\n', False, id="quoted-cells"),
        pytest.param("email,name\na@b.com,x\n", False, id="no-quotes"),
    ],
)
def test_wrapped_lines_are_recognised(content: str, wrapped: bool, catalogue: FieldCatalogue) -> None:
    found = check(content, catalogue, mapping={"column_1": "email"})
    assert any("--unwrap-lines" in warning for warning in found.warnings) is wrapped
