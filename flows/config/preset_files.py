"""Writes presets into the user's own folder."""

from pathlib import Path

from flows.config.environment import make_private_folder
from flows.config.output_files import open_output
from schemas.errors.request import OutputNotWritable, PresetExists, UsageError
from schemas.presets.loader import BUILT_IN_PRESETS
from schemas.presets.model import AUTO, PRESET_NAME
from schemas.yaml_files import MAX_BYTES


def path_of_new_preset(name: str, folder: Path, *, force: bool = False) -> Path:
    """Where a preset of this name is saved; an error if the name cannot be used. `force` replaces an older one."""
    if not PRESET_NAME.fullmatch(name) or name == AUTO:
        raise UsageError(
            f"{name!r} cannot be the name of a preset; use letters, digits, - and _, and not the word '{AUTO}'"
        )
    if (BUILT_IN_PRESETS / f"{name}.yaml").is_file():
        raise PresetExists(name, "")
    path = folder / f"{name}.yaml"
    if path.exists() and not force:
        raise PresetExists(name, str(path))
    return path


def write_preset(path: Path, text: str) -> None:
    """Write the preset's YAML; the folder is created.

    A preset that is too large to be read is an error: it would stop `--preset auto` for every file.
    """
    content = text.encode()
    if len(content) > MAX_BYTES:
        raise UsageError(
            f"the preset {path.stem!r} would have {len(content):,} bytes, and at most {MAX_BYTES:,} can be read; "
            "map the columns with --mapping FILE instead"
        )
    try:
        make_private_folder(path.parent)
    except OSError as error:
        raise OutputNotWritable(str(path), error.strerror or "its folder cannot be created") from error
    with open_output(str(path)) as stream:
        stream.write(content)
