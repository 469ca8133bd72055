"""`--preset` from the file to the warehouse, and `contacts presets`."""

import json
import re
from pathlib import Path

import pytest
import yaml

from flows.cli.main import main
from flows.config.request import ImportRequest, ReadingOptions, local_today
from flows.publishing.summary import summary
from flows.reports.builder import ImportReportBuilder
from flows.reports.models import TranslationReport
from schemas.errors.request import UsageError
from schemas.presets.loader import load_built_in_presets
from schemas.presets.model import AUTO
from tests.flows.conftest import Contacts, Ran
from tests.transforms.platform_exports import EXPORTS

SHOPIFY, MAGENTO, MAILCHIMP = (EXPORTS[name] for name in ("shopify", "magento2", "mailchimp"))

# What comes before the warehouse is tried with one of them.
one_warehouse = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)


def test_an_import_with_a_preset_stores_translated_values_and_reports_them(contacts: Contacts) -> None:
    file = contacts.file(SHOPIFY.text({}, {"Email": "bo@example.com", "Accepts Email Marketing": "maybe"}))
    report = contacts("import", file, "--preset", "shopify", "--json").json
    assert (report["preset"], report["rows"]["accepted"], report["rejections"]) == ("shopify", 1, {"option-unknown": 1})
    counts = {(each["column"], each["translation"]): each["cells"] for each in report["translations"]}
    assert counts[("Accepts SMS Marketing", "'no' to 'unsubscribed'")] == 2
    stored = contacts.database.contacts()["ana@example.com"]
    assert (stored["newsletter_subscription_status"], stored["mobile_phone"]) == ("subscribed", "+34651234567")
    assert contacts("imports", "1", "--json").json == report
    [value] = contacts.database.run("select value from rejections")
    assert value == ("maybe",)


@one_warehouse
def test_a_retry_uses_the_preset_of_its_import(contacts: Contacts) -> None:
    rows = [{"Email": f"{name}@example.com", "Total Spent": spent} for name, spent in (("a", "1.50"), ("b", "1,50"))]
    report = contacts("import", contacts.file(SHOPIFY.text(*rows)), "--preset", "auto", "--json").json
    mended = contacts.file(Path(report["rejected_file"]).read_text("utf-8").replace('"1,50"', '"1.50"'), "mended.csv")
    said = contacts("import", mended, "--retry-of", "1", "--json").json
    assert (said["preset"], said["rows"]) == ("shopify", {"read": 1, "accepted": 1, "rejected": 0})
    stored = contacts.database.contacts()
    assert stored["a@example.com"] == stored["b@example.com"]


@one_warehouse
@pytest.mark.parametrize("preset", [(), ("--preset", "mailchimp"), ("--preset", "auto")], ids=["none", "named", "auto"])
def test_a_corrected_file_is_read_as_the_part_that_its_rows_came_from(
    preset: tuple[str, ...], contacts: Contacts
) -> None:
    """Its own name tells nothing; and where it tells another part, the rows are still of the first one."""
    text = MAILCHIMP.text({"Email Address": "no email"})
    report = contacts.load(text, "--preset", "mailchimp", name="unsubscribed_members.csv")
    mended = Path(report["rejected_file"]).read_text("utf-8").replace("no email", "ana@example.com")
    for name in ("mended.csv", "subscribed_mended.csv"):
        said = contacts.load(mended, "--retry-of", "1", *preset, "--merge", "overwrite", name=name)
        assert (said["preset"], said["warnings"]) == ("mailchimp:unsubscribed", [])
    assert contacts.database.contacts()["ana@example.com"]["newsletter_subscription_status"] == "unsubscribed"
    other = contacts.load(mended, "--retry-of", "1", "--preset", "mailchimp:cleaned", "--merge", "overwrite")
    assert other["preset"] == "mailchimp:cleaned"


@one_warehouse
def test_a_constant_of_a_preset_is_stored_and_counts_as_a_required_field(contacts: Contacts) -> None:
    file = contacts.file(MAILCHIMP.text(), "unsubscribed_members.csv")
    ran = contacts("import", file, "--preset", "auto", "--require", "newsletter_subscription_status", "--json")
    assert ran.json["preset"] == "mailchimp:unsubscribed"
    assert contacts.database.contacts()["ana@example.com"]["newsletter_subscription_status"] == "unsubscribed"


@one_warehouse
def test_columns_that_must_never_be_read_are_in_no_file_that_stays(
    contacts: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where the landed file is to be kept."""
    monkeypatch.setenv("CONTACTS_KEEP_LANDED", "true")
    text = MAGENTO.text({}, {"email": "no email"})
    file = contacts.file(text + text.splitlines()[1].removesuffix('"'))
    ran = contacts("import", file, "--preset", "magento2", "--json")
    assert ran.json["rejections"] == {"email-invalid": 1, "row-bad-quoting": 1}
    home = contacts.folder / "home"
    kept = [path for path in home.rglob("*") if path.is_file()]
    assert [path.name for path in kept if path.suffix == ".csv"] == ["rejected.csv"]
    assert [path for path in kept if b"secret-" in path.read_bytes()] == []
    assert "secret-" not in ran.out + ran.err
    for table in ("contacts", "rejections", "imports", "import_columns"):
        assert "secret-" not in str(contacts.database.rows(table))


@one_warehouse
def test_columns_never_read_are_in_no_file_even_if_the_import_fails_early(
    contacts: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTACTS_KEEP_LANDED", "true")
    file = contacts.file(MAGENTO.text().replace('"email"', '"mail-address"', 1))
    ran = contacts("import", file, "--preset", "magento2", "--json")
    assert ran.json["error"]["code"] == "no-email-column"
    assert [path for path in (contacts.folder / "home").rglob("*.csv") if b"secret-" in path.read_bytes()] == []
    contacts("import", file, "--json")
    assert [path.name for path in (contacts.folder / "home").rglob("*.csv")] == ["source.csv"]  # as asked for


def test_the_summary_shows_translations_in_a_table_with_escaped_cells() -> None:
    report = ImportReportBuilder(ImportRequest(source="x.csv")).failed(UsageError(""))
    change = TranslationReport(column="A|B", field="f", translation="several values: ',' to '|'", cells=1234)
    text = summary(report.model_copy(update={"preset": "mine", "translations": [change]}))
    assert "preset `mine`" in text
    assert "1,234" in text
    assert "A|B" not in text


def test_the_form_offers_every_built_in_preset_and_a_box_for_others() -> None:
    built_in, own = ReadingOptions.model_json_schema()["properties"]["preset"]["anyOf"]
    assert set(built_in["enum"]) == {AUTO, *(preset.name for preset in load_built_in_presets())}
    assert own == {"title": "Your own", "type": "string"}


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> "Alone":
    """The command without a warehouse or a server, at home in the test's folder."""
    monkeypatch.setenv("CONTACTS_HOME", str(tmp_path))
    return Alone(tmp_path, capsys)


class Alone:
    """The command, its home, and the presets in it."""

    def __init__(self, home: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.home, self._capture = home, capture

    def __call__(self, *arguments: str | Path) -> Ran:
        status = main([str(each) for each in arguments])
        said = self._capture.readouterr()
        return Ran(status, said.out, said.err)

    def file(self, text: str, name: str = "contacts.csv") -> Path:
        path = self.home / name
        path.write_text(text, encoding="utf-8")
        return path


def test_a_saved_mapping_reads_the_next_file_as_the_first(alone: Alone) -> None:
    first = alone.file("Correo-e;Nombre;Old\na@b.com;Ann;x\n")
    options = ("--map", "Correo-e=email", "--map", "Old=")
    saved = alone("presets", "save", "nightly", first, *options)
    assert (saved.status, saved.err) == (0, "")
    assert str(alone.home / "presets" / "nightly.yaml") in saved.out
    by_hand = json.loads(alone("check", first, *options, "--json").out)
    by_preset = json.loads(alone("check", first, "--preset", "nightly", "--json").out)
    assert by_preset["columns"] == by_hand["columns"]
    assert json.loads(alone("check", first, "--preset", "auto", "--json").out)["preset"] == "nightly"
    assert "Correo-e: email" in alone("presets", "show", "nightly").out


def test_a_column_that_is_never_read_is_saved_once_however_it_is_written(alone: Alone) -> None:
    file = alone.file(MAGENTO.text().replace("rp_token", "RP_TOKEN", 1))
    assert alone("presets", "save", "mine", file, "--preset", "magento2").status == 0
    report = json.loads(alone("check", file, "--preset", "mine", "--json").out)
    assert next(each for each in report["columns"] if each["column"] == "RP_TOKEN")["outcome"] == "ignored"


def test_a_preset_may_have_a_constant_phone(alone: Alone) -> None:
    (alone.home / "presets").mkdir()
    preset = "columns: {Mail: email}\nconstants: {mobile_phone: '+34651234567'}\n"
    (alone.home / "presets" / "mine.yaml").write_text(preset)
    ran = alone("check", alone.file("Mail\na@b.com\n"), "--preset", "mine", "--json")
    assert json.loads(ran.out)["rows"] == {"read": 1, "accepted": 1, "rejected": 0}


def test_a_preset_that_cannot_be_written_leaves_nothing(alone: Alone) -> None:
    (alone.home / "presets" / "mine.yaml").mkdir(parents=True)
    saved = alone("presets", "save", "mine", alone.file("email\na@b.com\n"), "--force")
    assert saved.status == 1
    assert "mine.yaml" in saved.err
    assert [path.name for path in (alone.home / "presets").iterdir()] == ["mine.yaml"]


@pytest.mark.parametrize("command", [("save", "wide"), ("suggest", "--save", "wide")], ids=["save", "suggest"])
def test_a_preset_too_large_to_be_read_is_not_written(command: tuple[str, ...], alone: Alone) -> None:
    name = "x" * 600_000  # a preset has it twice
    file = alone.file(f"Email,{name}\na@b.com,y\n")
    saved = alone("presets", command[0], *command[1:], file, "--map", "column_2=")
    assert saved.status == 2
    assert "at most 1,048,576 can be read; map the columns with --mapping FILE" in saved.err
    assert not (alone.home / "presets").exists()


def test_a_mapping_saved_from_a_preset_keeps_what_it_says(alone: Alone) -> None:
    file = alone.file(MAGENTO.text())
    assert alone("presets", "save", "mine", file, "--preset", "auto", "--map", "group_id=points").status == 0
    report = json.loads(alone("check", file, "--preset", "mine", "--json").out)
    with_built_in = json.loads(alone("check", file, "--preset", "magento2", "--map", "group_id=points", "--json").out)
    assert report | {"preset": 0, "seconds": 0} == with_built_in | {"preset": 0, "seconds": 0}
    assert "rp_token" in alone("presets", "show", "mine").out


def test_a_mapping_saved_from_a_part_keeps_the_part(alone: Alone) -> None:
    file = alone.file(MAILCHIMP.text(), "cleaned_1.csv")
    assert alone("presets", "save", "mine", file, "--preset", "mailchimp").status == 0
    report = json.loads(alone("check", file, "--preset", "mine", "--json").out)
    assert report["preset"] == "mine:cleaned"
    assert report["translations"][-1]["translation"] == "'none' in every row"


def test_columns_with_repeated_or_no_names_are_saved_by_position(alone: Alone) -> None:
    file = alone.file("Email,Last Name,last name\na@b.com,x,y\n")
    assert alone("presets", "save", "twice", file, "--map", "column_3=").status == 0
    report = json.loads(alone("check", file, "--preset", "twice", "--json").out)
    assert [column["field"] for column in report["columns"]] == ["email", "surname", None]
    bare = alone.file("a@b.com,x\n", "bare.csv")
    assert alone("presets", "save", "bare", bare, "--no-header", "--map", "column_1=email").status == 0
    assert json.loads(alone("check", bare, "--no-header", "--preset", "bare", "--json").out)["rows"]["accepted"] == 1


def test_a_mapping_saved_from_a_rejected_file_is_that_of_its_source(alone: Alone) -> None:
    file, rejected = alone.file(SHOPIFY.text({"Email": "x"})), alone.home / "rejected.csv"
    alone("check", file, "--rejected", rejected)
    for name, source in (("one", file), ("two", rejected)):
        assert alone("presets", "save", name, source, "--preset", "shopify").status == 0
    assert alone("presets", "show", "one").out == alone("presets", "show", "two").out


def test_a_preset_is_not_written_over_by_accident(alone: Alone) -> None:
    file = alone.file("Email,x\na@b.com,y\n")
    assert alone("presets", "save", "mine", file).status == 0
    again = alone("presets", "save", "mine", file, "--map", "x=name")
    assert (again.status, "--force" in again.err) == (1, True)
    assert "x" not in alone("presets", "show", "mine").out.split("columns:")[1]
    assert alone("presets", "save", "mine", file, "--map", "x=name", "--force").status == 0
    assert "x: name" in alone("presets", "show", "mine").out
    assert [path.name for path in (alone.home / "presets").iterdir()] == ["mine.yaml"]


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        pytest.param(("presets", "save", "shopify", "{file}"), 1, "built-in", id="name-of-a-built-in-one"),
        pytest.param(("presets", "save", "a/b", "{file}"), 2, "letters", id="name-with-a-path"),
        pytest.param(("presets", "save", "auto", "{file}"), 2, "auto", id="name-auto"),
        pytest.param(("presets", "save", "x", "{file}.no"), 1, "no file", id="no-file"),
        pytest.param(("presets", "show", "nope"), 1, "shopify", id="show-of-none"),
        pytest.param(("presets", "show", "auto"), 2, "presets list", id="show-of-auto"),
        pytest.param(("presets",), 2, "suggest|save|list|show", id="no-action"),
        pytest.param(("check", "{file}", "--preset", "nope"), 1, "shopify", id="preset-of-none"),
        pytest.param(("check", "{file}", "--preset", "auto"), 1, "fits 0 presets", id="auto-finds-none"),
        pytest.param(("check", "{file}", "--preset", "{file}.yaml"), 1, "there is no such file", id="path-of-none"),
    ],
)
def test_a_wrong_preset_command_is_an_error_in_one_line(
    arguments: tuple[str, ...], status: int, says: str, alone: Alone
) -> None:
    file = alone.file("Email\na@b.com\n")
    ran = alone(*(each.format(file=file) for each in arguments))
    assert ran.status == status
    assert says in ran.err
    assert not (alone.home / "presets").exists()


def test_the_list_has_own_presets_before_built_in_ones_and_says_which_are_wrong(alone: Alone) -> None:
    folder = alone.home / "presets"
    folder.mkdir()
    (folder / "mine.yaml").write_text("label: Ours\ncolumns: {a: email}\n", encoding="utf-8")
    (folder / "torn.yaml").write_text("columns: [", encoding="utf-8")
    listed = alone("presets", "list")
    lines = listed.out.splitlines()
    assert (listed.status, "Ours" in lines[1], "invalid: " in lines[2]) == (0, True, True)
    assert {line.split()[0] for line in lines[3:]} == {preset.name for preset in load_built_in_presets()}


def test_the_old_name_of_the_command_still_works(alone: Alone) -> None:
    file = alone.file("Email\na@b.com\n")
    assert alone("mapping", "save", "mine", file).status == 0
    assert alone("mapping", "show", "mine").out == alone("presets", "show", "mine").out
    assert alone("mapping", "list").out == alone("presets", "list").out


SURVEY = "Email;Cumpleaños;Boletín;Teléfono;Extra\n" + "".join(
    f"{name}@example.com;{day};{status};{phone};x\n"
    for name, day, status, phone in [
        ("a", "01/02/1990", "Activo", "651 23 45 67"),
        ("b", "03/04/1990", "activo", "651 23 45 68"),
        ("c", "05/06/1990", "Baja", "651 23 45 69"),
    ]
)


def test_a_suggested_preset_applies_what_is_certain_and_comments_on_the_rest(alone: Alone) -> None:
    file = alone.file(SURVEY)
    saved = alone("presets", "suggest", file, "--save", "mine")
    assert (saved.status, saved.err) == (0, "")
    text = (alone.home / "presets" / "mine.yaml").read_text("utf-8")
    lines = [line.strip() for line in text.splitlines()]
    assert "phone: plain" in lines
    start = lines.index("# would fix 3 of 3 cells:")
    assert lines[start : start + 4 : 2] == ["# would fix 3 of 3 cells:"] * 2
    assert {*lines[start + 1 : start + 4 : 2]} == {"#date: d/m/yyyy", "#date: m/d/yyyy"}
    assert "#activo: OPTION   # in 2 cells" in lines
    assert "#Extra:   # not imported; write a field to import it" in lines
    report = alone("check", file, "--preset", "mine", "--json").json
    assert report["rejections"] == {"date-invalid": 3, "option-unknown": 3}
    assert {each["by"] for each in report["translations"]} == {"preset"}


def test_a_suggested_preset_with_its_comments_resolved_reads_the_file(alone: Alone) -> None:
    file = alone.file(SURVEY)
    alone("presets", "suggest", file, "--output", alone.home / "own.yaml")
    path = alone.home / "own.yaml"
    text = path.read_text("utf-8").replace("#date: d/m/yyyy", "date: d/m/yyyy").replace("#values:", "values:")
    text = text.replace("#activo: OPTION", "activo: subscribed").replace("#baja: OPTION", "baja: unsubscribed")
    path.write_text(text, encoding="utf-8")
    assert alone("check", file, "--preset", path, "--json").json["rows"]["accepted"] == 3


def test_a_reading_of_several_keys_counts_once_its_lines_have_no_sign(alone: Alone) -> None:
    rows = "".join(f'{name}@example.com,"1,{n}50","{n},250.50",x\n' for n, name in enumerate("abc", 1))
    file = alone.file("Email,Points,Total spent,Extra\n" + rows)
    path = alone.home / "own.yaml"
    alone("presets", "suggest", file, "--output", path)
    text = path.read_text("utf-8")
    assert "    #decimal: .\n    #thousands: ','\n" in text
    path.write_text(re.sub(r"^( *)#(?! |Extra)", r"\1", text, flags=re.MULTILINE), encoding="utf-8")
    assert alone("check", file, "--preset", path, "--json").json["rows"]["accepted"] == 3


def test_the_labels_and_the_unknown_values_of_a_column_are_one_list(alone: Alone) -> None:
    rows = "".join(f"{n}@example.com,{value}\n" for n, value in enumerate(["Unsubscribed", "Subscribed", "Weg"] * 2))
    file = alone.file("Email,Newsletter subscription status\n" + rows)
    path = alone.home / "own.yaml"
    alone("presets", "suggest", file, "--output", path)
    text = path.read_text("utf-8")
    text = text.replace("weg: OPTION", "weg: none")
    path.write_text(re.sub(r"^( *)#(?! )", r"\1", text, flags=re.MULTILINE), encoding="utf-8")
    assert alone("check", file, "--preset", path, "--json").json["rows"]["accepted"] == 6


def test_a_suggested_preset_says_where_blank_cells_drop_the_column(alone: Alone) -> None:
    ran = alone("presets", "suggest", alone.file("Email,Birthdate,VIP\na@b.com,0000-00-00,n/a\n"))
    assert (
        "# would fix 1 of 1 cells, and makes 1 blank; then the column is dropped, unless it has gaps: allow:" in ran.out
    )
    assert "# would fix 1 of 1 cells, and makes 1 blank:" in ran.out


def test_unknown_values_in_cells_of_several_have_the_sign_between_them(alone: Alone) -> None:
    file = alone.file('Email,Interests\na@example.com,"Deportes, Libros"\nb@example.com,Libros\n')
    path = alone.home / "own.yaml"
    alone("presets", "suggest", file, "--output", path)
    text = (
        path.read_text("utf-8")
        .replace("deportes: OPTION", "deportes: sports")
        .replace("libros: OPTION", "libros: books")
    )
    path.write_text(re.sub(r"^( *)#(?! )", r"\1", text, flags=re.MULTILINE), encoding="utf-8")
    assert alone("check", file, "--preset", path, "--json").json["rows"]["accepted"] == 2


def test_the_use_of_a_suggested_preset_repeats_the_country_prefix_that_it_lacks(alone: Alone) -> None:
    file = alone.file("Email,Phone\na@b.com,612345678\n")
    ran = alone("presets", "suggest", file, "--save", "mine", "--default-prefix", "+33")
    assert ran.out.splitlines()[-1].endswith("--preset mine --default-prefix +33")


def test_a_suggested_preset_goes_to_the_terminal_without_an_option(alone: Alone) -> None:
    ran = alone("presets", "suggest", alone.file(SURVEY))
    assert "\nsignature:\n- Email\n" in ran.out
    assert not (alone.home / "presets").exists()


def test_a_suggested_preset_is_not_written_over_its_source(alone: Alone) -> None:
    file = alone.file(SURVEY, f"{local_today()}.csv")
    ran = alone("presets", "suggest", alone.home / "{date}.csv", "--output", file)
    assert (ran.status, file.read_text()) == (2, SURVEY)
    assert "is the source" in ran.err


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        pytest.param(("--save", "a", "--output", "b"), 2, "write one of them", id="two-places"),
        pytest.param(("--save", "shopify"), 1, "built-in", id="name-of-a-built-in-one"),
        pytest.param(("--output", "{file}"), 2, "the source", id="onto-the-source"),
    ],
)
def test_a_suggestion_that_cannot_be_written_changes_nothing(
    options: tuple[str, ...], status: int, says: str, alone: Alone
) -> None:
    file = alone.file(SURVEY)
    ran = alone("presets", "suggest", file, *(each.format(file=file) for each in options))
    assert (ran.status, says in ran.err, ran.out) == (status, True, "")
    assert [path.name for path in alone.home.iterdir()] == ["contacts.csv"]


def test_a_preset_saved_from_another_keeps_gaps_and_policies_of_columns_without_translations(alone: Alone) -> None:
    base = alone.file(
        "columns:\n  Mail: email\n  Phone: {field: mobile_phone, gaps: allow}\n"
        "  Town: {field: city, merge: keep}\n  Tags: {field: interests, merge: append, separator: ','}\n",
        "base.yaml",
    )
    file = alone.file("Mail,Phone,Town,Tags\na@b.com,,x,\n")
    assert alone("presets", "save", "mine", file, "--preset", base, "--map", "Town=country").status == 0
    columns = yaml.safe_load((alone.home / "presets" / "mine.yaml").read_text("utf-8"))["columns"]
    assert columns == {
        "Mail": "email",
        "Phone": {"field": "mobile_phone", "gaps": "allow"},
        "Town": "country",
        "Tags": {"field": "interests", "separator": ",", "merge": "append"},
    }
