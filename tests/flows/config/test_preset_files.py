"""Where a preset of the user is written."""

import os
from pathlib import Path

from flows.config.preset_files import write_preset


def test_a_new_folder_of_presets_is_for_its_owner_only(tmp_path: Path) -> None:
    """It may be in a new CONTACTS_HOME, in which contacts will be."""
    home = tmp_path / "home"
    before = os.umask(0o022)
    try:
        write_preset(home / "presets" / "mine.yaml", "columns: {Email: email}\n")
    finally:
        os.umask(before)
    assert [folder.stat().st_mode & 0o777 for folder in (home, home / "presets")] == [0o700, 0o700]
