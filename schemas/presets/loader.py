"""Loads presets: the built-in ones, those of the user's folder, and a file by its path."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from schemas.errors.request import PresetInvalid, UnknownPreset
from schemas.presets.model import AUTO, PRESET_NAME, Preset
from schemas.yaml_files import explain_yaml_error, load_yaml

BUILT_IN_PRESETS = Path(__file__).with_name("platforms")


class _TextLoader(yaml.BaseLoader):
    """Reads everything as text and refuses a repeated key, of which YAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if not isinstance(name, str) or name in seen:
                wrong = f"{name!r} occurs twice" if isinstance(name, str) else "a key is not plain text"
                raise yaml.constructor.ConstructorError(None, None, wrong, key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def split_preset_name(text: str) -> tuple[str, str | None]:
    """`mailchimp:cleaned` as the names of the preset and of its part; a path keeps its colons."""
    name, colon, part = text.rpartition(":")
    return (name, part) if colon and name and PRESET_NAME.fullmatch(part) and len(name) > 1 else (text, None)


def is_preset_path(name: str) -> bool:
    """Whether a preset's name is the path of a file."""
    return "/" in name or "\\" in name or name.endswith((".yaml", ".yml"))


def load_preset(name: str, own: Path | None) -> Preset:
    """A preset by its name, the user's own before a built-in one, or by its path."""
    return read_preset(Path(name) if is_preset_path(name) else find_preset_file(name, own))


def find_preset_file(name: str, own: Path | None) -> Path:
    """The file of the preset with this name; `UnknownPreset` lists the known names."""
    for folder in filter(None, (own, BUILT_IN_PRESETS)):
        path = folder / f"{name}.yaml"
        if PRESET_NAME.fullmatch(name) and path.is_file():
            return path
    raise UnknownPreset(name, (*list_preset_names(own), AUTO))


def list_preset_names(folder: Path | None) -> tuple[str, ...]:
    """The names of the user's own presets and of the built-in ones, each once."""
    return tuple(dict.fromkeys(path.stem for path in (*_files(folder), *_files(BUILT_IN_PRESETS))))


def load_own_presets(folder: Path | None) -> Iterator[Preset]:
    return (read_preset(path) for path in _files(folder))


def load_built_in_presets() -> Iterator[Preset]:
    return load_own_presets(BUILT_IN_PRESETS)


def _files(folder: Path | None) -> list[Path]:
    if folder is None:
        return []
    return sorted(
        (path for path in folder.glob("*.yaml") if PRESET_NAME.fullmatch(path.stem)), key=lambda path: path.stem
    )


def read_preset(path: Path) -> Preset:
    """A preset from its file; `PresetInvalid` names every wrong key and what to write."""
    try:
        raw = load_yaml(path, _TextLoader)
    except FileNotFoundError as error:
        raise PresetInvalid(str(path), ("there is no such file",)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise PresetInvalid(str(path), ("it cannot be read",)) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise PresetInvalid(str(path), (explain_yaml_error(error),)) from error
    if not isinstance(raw, dict) or not isinstance(raw.get("columns"), dict):
        raise PresetInvalid(str(path), ("it has no 'columns:' with a line 'Column: field' for each",))
    if "name" in raw:
        raise PresetInvalid(str(path), ("name: a preset has the name of its file; remove it",))
    try:
        return Preset.model_validate({**raw, "name": path.stem})
    except ValidationError as error:
        raise PresetInvalid(str(path), tuple(_problem(each) for each in error.errors())) from error


def _problem(error: Any) -> str:
    """One sentence for one problem: the keys that lead to it, and what to write."""
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = "is not a known key; remove it"
    elif error["type"] == "literal_error":
        message = f"is wrong; write one of: {error['ctx']['expected']}"
    elif error["type"].endswith("_type"):
        message = "is written in the wrong shape; see docs/presets.md for a list, a text or 'key: value' lines"
    location = [part if isinstance(part, str) else f"number {part + 1}" for part in error["loc"]]
    return f"{', '.join(location)}: {message}" if location else message
