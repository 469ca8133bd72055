"""The wheel, installed away from the checkout."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    [built] = folder.glob("*.whl")
    return built


def test_the_wheel_has_the_four_packages_their_data_and_the_license(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {
        "flows", "schemas", "transforms", "warehouse",
    }  # fmt: skip
    assert "schemas/contacts.yaml" in names
    presets = [name for name in names if name.startswith("schemas/presets/platforms/")]
    assert len(presets) == len(list((CHECKOUT / "schemas/presets/platforms").glob("*.yaml")))
    assert any(name.endswith("/LICENSE") for name in names)


def test_the_command_of_the_wheel_works_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "environment"
    venv.create(home, with_pip=False)
    site = next(home.glob("lib/python3*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # The dependencies of this environment, after the wheel.
    folders = [path for path in sys.path if Path(path).name == "site-packages"]
    (site / "dependencies.pth").write_text("\n".join(folders) + "\n", encoding="utf-8")
    (tmp_path / "contacts.csv").write_text("email,name\nann@example.com,Ann\n", encoding="utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "CONTACTS_HOME": str(tmp_path / "home"),
        "CONTACTS_WAREHOUSE_URL": f"sqlite:///{tmp_path}/contacts.db",
    }

    def contacts(*words: str) -> str:
        code = "import flows.cli.main as main, sys; print(main.__file__, file=sys.stderr); sys.exit(main.main())"
        command = [str(home / "bin" / "python"), "-P", "-c", code, *words]
        ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        assert str(site) in ran.stderr.splitlines()[0]
        return ran.stdout

    assert "1 read, 1 accepted, 0 rejected" in contacts("import", "contacts.csv")
    assert "ann@example.com" in contacts("list")
    assert "shopify" in contacts("presets", "list")
