"""A YAML file that would expand beyond its limits is refused before it is expanded."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.catalogue import load_catalogue
from schemas.errors.base import ContactImportError
from schemas.presets.loader import read_preset
from transforms.mapping.columns import read_mapping

OPTIONS = ", ".join(f"{{id: o{number}}}" for number in range(1_000))
NESTED = [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 10)]
LOADERS: dict[str, Callable[[Path], object]] = {
    "catalogue": load_catalogue,
    "preset": read_preset,
    "mapping": lambda path: read_mapping(str(path)),
}


def refusal(load: Callable[[Path], object], text: str, tmp_path: Path) -> str:
    path = tmp_path / "file.yaml"
    path.write_text(text, encoding="utf-8")
    began = time.process_time()
    with pytest.raises(ContactImportError) as raised:
        load(path)
    assert time.process_time() - began < 20
    assert len(str(raised.value)) < 10_000
    return str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\n".join(["a0: &a0 [x, x]", *NESTED]), id="aliases-of-aliases"),
        pytest.param(f"fields: [&f {{id: x, type: radio, options: [{OPTIONS}]}}{', *f' * 1_000}]", id="repeated-field"),
        pytest.param("columns: &a {b: [*a]}", id="an-alias-to-itself"),
    ],
)
@pytest.mark.parametrize("kind", ["catalogue", "preset"])
def test_aliases_that_expand_too_far_are_refused(kind: str, text: str, tmp_path: Path) -> None:
    assert "more than 100,000 entries; use fewer aliases" in refusal(LOADERS[kind], text, tmp_path)


@pytest.mark.parametrize("kind", LOADERS)
def test_a_file_of_more_than_a_mebibyte_is_refused(kind: str, tmp_path: Path) -> None:
    assert "larger than 1,048,576 bytes" in refusal(LOADERS[kind], "#" * (1 << 20) + "\n", tmp_path)


def test_the_message_about_many_long_ids_is_short(tmp_path: Path) -> None:
    fields = [f"- {{id: '{number} {'x' * 1_000}', type: text}}" for number in range(500)]
    refusal(load_catalogue, "\n".join(["fields:", *fields]), tmp_path)


def test_a_catalogue_of_many_options_is_read_in_linear_time(tmp_path: Path) -> None:
    path = tmp_path / "fields.yaml"
    options = ", ".join(f"o{number}" for number in range(50_000))
    email = "{id: email, type: email, identity: true}"
    path.write_text(f"fields: [{email}, {{id: x, type: radio, options: [{options}]}}]", encoding="utf-8")
    began = time.process_time()
    assert len(load_catalogue(path)["x"].options) == 50_000
    assert time.process_time() - began < 20
