"""Generate `data/contacts.csv`: the customers of a fictional shop, with cells that break every rule.

Names are random combinations of common names, addresses use the reserved example domains, and phones the ranges of
the example numbers of `phonenumbers`. The same seed gives the same bytes on every Python, because all random values
come from `Random.random()`, whose sequence is guaranteed not to change.
"""

import argparse
import csv
import io
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import TypeVar

SEED = 20260
RECORDS = 1000
# `Loyalty card` is not a field of the built-in catalogue; `Last purchase` is one, but has gaps.
HEADER = (  # noqa: SIM905 - written as in the file
    "Email,First Name,Last Name,Mobile phone,Birthdate,Newsletter,Points,City,Country,"
    "Total spent,VIP,Gender,Interests,Last purchase,Loyalty card"
).split(",")
INTERESTS = ("sports", "music", "books", "travel", "cooking")
DOMAINS = ("example.com", "example.com", "example.org", "example.net", "mail.example.com", "post.example.org")
LATIN_LETTERS = str.maketrans("łøßæı'", "losai-")

T = TypeVar("T")
Row = dict[str, str]
Change = dict[str, str | Callable[[str], str]]


@dataclass(frozen=True)
class Country:
    """A market of the shop. Names in another alphabet have their spelling for emails after a colon."""

    name: str
    percent: int
    phone: str
    female_names: str
    male_names: str
    surnames: str
    cities: str
    female_surnames: str = ""


# In `phone`, each # stands for any digit.
COUNTRIES = (
    Country(
        "Spain", 38, "+34612######",
        "María Lucía Carmen Begoña Inés Nerea Montserrat Rocío Ana Àngels",
        "José Íñigo Andrés Jesús Xavier Álvaro Pablo Raúl Ramón Martí",
        "García Muñoz Núñez Peña Ibáñez Güell Sánchez López Domínguez Puigdevall Etxeberria Castaño",
        "Madrid;Málaga;A Coruña;Cádiz;Palma, Illes Balears;L'Hospitalet de Llobregat;Logroño;València;Donostia",
    ),
    Country(
        "France", 10, "+33612######",
        "Chloé Zoé Hélène Noémie Anaïs Françoise", "François Jérôme Loïc Rémi Benoît Théo",
        "Lefèvre Muller Béranger D'Amboise Gauthier Crépin Noël", "Paris;Orléans;Besançon;Saint-Étienne;Nîmes",
    ),
    Country(
        "Italy", 9, "+39312345####",
        "Giulia Chiara Noemi Francesca", "Niccolò Matteo Luca Giosuè", "Rossi D'Angelo Esposito Nicolò Bonfà Ricci",
        "Roma;Forlì;Reggio Calabria, RC;Cefalù;Torino",
    ),
    Country(
        "Portugal", 8, "+351912######",
        "Inês Conceição Luísa Beatriz", "João Antão Simão Rúben", "Gonçalves Araújo Simões Magalhães Leitão",
        "Lisboa;Évora;Guimarães;Setúbal",
    ),
    Country(
        "Germany", 8, "+4915123######",
        "Käthe Jördis Anneliese Änne", "Jürgen Björn Günther Lukas", "Müller Weiß Schröder Groß Köhler Böhm",
        "Köln;München;Düsseldorf;Gießen;Frankfurt (Oder)",
    ),
    Country(
        "United Kingdom", 6, "+447400######",
        "Siân Zoë Margaret Aoife", "Rhys Seán Oliver Callum", "O'Neill Smith Brontë Evans Brown",
        "Leeds;Bristol;Newport, Wales;London",
    ),
    Country(
        "Poland", 4, "+48512######",
        "Małgorzata Łucja Żaneta Zofia", "Łukasz Paweł Michał Grzegorz", "Wójcik Dąbek Wróbel Gołąb Żak",
        "Łódź;Kraków;Gdańsk;Wrocław",
    ),
    Country(
        "Sweden", 2, "+467017406##",
        "Åsa Linnéa Märta", "Göran Håkan Åke", "Sjöberg Åström Öberg", "Malmö;Göteborg",
    ),
    Country(
        "Türkiye", 2, "+90501#######",
        "Ayşe Gülşen Çiğdem", "Işık Oğuz Çağrı", "Yılmaz Öztürk Kılıç", "İzmir;Muğla",
    ),
    Country(
        "Greece", 4, "+306912######",
        "Μαρία:maria Ελένη:eleni Ζωή:zoi Δήμητρα:dimitra", "Γιώργος:giorgos Ηλίας:ilias Νίκος:nikos Θωμάς:thomas",
        "Παπαδόπουλος:papadopoulos Γεωργίου:georgiou Νικολαΐδης:nikolaidis Οικονόμου:oikonomou",
        "Αθήνα;Θεσσαλονίκη;Πάτρα;Ηράκλειο",
        "Παπαδοπούλου:papadopoulou Γεωργίου:georgiou Νικολαΐδου:nikolaidou Οικονόμου:oikonomou",
    ),
    Country(
        "Ukraine", 4, "+380501######",
        "Оксана:oksana Наталія:nataliia Юлія:yuliia Ірина:iryna",
        "Андрій:andrii Сергій:serhii Тарас:taras Ігор:ihor Євген:yevhen",
        "Шевченко:shevchenko Бондаренко:bondarenko Ткачук:tkachuk Мельник:melnyk Гнатюк:hnatiuk",
        "Київ;Львів;Харків;Одеса",
    ),
    Country(
        "Japan", 3, "+819012######",
        "陽子:yoko 美咲:misaki さくら:sakura 恵:megumi", "健太:kenta 大輔:daisuke 翔:sho 直樹:naoki",
        "佐藤:sato 髙橋:takahashi 渡邊:watanabe 小林:kobayashi 伊藤:ito", "東京;大阪市;札幌市;京都市",
    ),
    Country(
        "Morocco", 1, "+212650######",
        "فاطمة:fatima خديجة:khadija", "يوسف:youssef حمزة:hamza", "العلوي:alaoui بناني:bennani", "الدار البيضاء;مراكش",
    ),
    Country(
        "Egypt", 1, "+201001######",
        "مريم:mariam نور:nour", "أحمد:ahmed محمود:mahmoud", "حسن:hassan السيد:elsayed", "القاهرة;الإسكندرية",
    ),
)  # fmt: skip


# --- flaws: each entry changes one record -------------------------------------------------------------


def with_spaces(phone: str) -> str:
    return f"{phone[:-6]} {phone[-6:-3]} {phone[-3:]}"


def shortened(phone: str) -> str:
    return phone[:-3]


def with_at(sign: str) -> Callable[[str], str]:
    return lambda email: email.replace("@", sign)


def changes_of(column: str, *cells: str | Callable[[str], str]) -> tuple[Change, ...]:
    return tuple({column: cell} for cell in cells)


REJECTED: tuple[Change, ...] = (
    *changes_of("Email", "", "", "", " "),
    *changes_of("Email", with_at(""), with_at("@@"), with_at(" @ "), with_at("@.")),
    *changes_of("Email", lambda email: email.partition("@")[0] + "@example,com"),
    *changes_of("Mobile phone", *[with_spaces] * 5),
    *changes_of(
        "Mobile phone", shortened, shortened, lambda phone: phone.replace("+", "") + "000", "612-345-678", "n/a"
    ),
    *changes_of("Birthdate", "31/12/1984", "1987-02-30", "1999-13-01", "1985-6-7", "25.12.1990"),
    *changes_of("Points", "0", "0", "007", "1e3", "12.0"),
    *changes_of("Total spent", "129,95", "1.234,50", "€49.90", "1e3"),
    *changes_of("VIP", "yes", "No", "sí"),
    *changes_of("Newsletter", str.title),
    *changes_of("Gender", lambda option: {"f": "Female", "m": "Male", "x": "Other"}[option]),
    *changes_of("Interests", "sports|gaming", "Books;Music"),
    {"Mobile phone": with_spaces, "Birthdate": "07/04/1991"},
    {"Email": "", "Points": "0", "VIP": "yes"},
    {"Mobile phone": shortened, "Birthdate": "1979-00-12", "Newsletter": "YES", "Total spent": "18,00"},
)
# Unusual but valid cells; dates of the dropped column are not checked.
UNUSUAL: tuple[Change, ...] = (
    {"City": lambda city: f"{city}\n(centre)"},
    {"First Name": lambda name: f'{name} "Chispa"'},
    {"Last Name": "Null"},
    {"Email": lambda email: f" {email}  "},
    {"Mobile phone": lambda phone: f" {phone}"},
    {"Total spent": "-12.50"},
    {"VIP": "TRUE"},
    {"Interests": "travel|books|travel"},
    {"Last purchase": "2025-02-30"},
    {"Last purchase": "03/11/2025"},
)
# Each group repeats one customer once per entry, further down in the file.
REPEATED: tuple[tuple[Change, ...], ...] = (
    ({},),
    ({"Email": str.upper},),
    ({"Email": str.title}, {}),
    ({"Mobile phone": shortened},),  # rejected itself, so the earlier record stays
)


def csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    # Some Python versions quote a line break in a cell only if it is also the line terminator.
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().removesuffix("\n")


def with_city(text: str) -> Callable[[Sequence[str]], str]:
    """Write this text as the city without quoting it, and the other cells as they are."""
    position = HEADER.index("City")
    return lambda cells: ",".join((*cells[:position], text, *cells[position + 1 :]))


BROKEN: tuple[Callable[[Sequence[str]], str], ...] = (
    lambda cells: csv_line(cells[:-1]),
    lambda cells: csv_line(cells[:-3]),
    lambda cells: csv_line(cells[:6]),
    lambda cells: csv_line(cells) + ",",
    lambda cells: csv_line((*cells, "call before 6 pm")),
    with_city("Sant Cugat, Barcelona"),
    with_city('"Polígono "El Sol" 3"'),
    with_city('"Las Palmas'),
    with_city('Villa "La Perla"'),  # valid: quotes inside an unquoted cell are text
)


# --- random values ------------------------------------------------------------------------------------


class StableRandom(Random):
    """Random values from `random()` alone, because the results of `choice` and others may change between Pythons."""

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self.random() * len(choices))]

    def number(self, low: int, high: int) -> int:
        return low + int(self.random() * (high - low + 1))

    def chance(self, percent: int) -> bool:
        return self.random() * 100 < percent

    def shuffled(self, items: Iterable[T]) -> list[T]:
        return sorted(items, key=lambda _: self.random())

    def day(self, first: date, last: date) -> str:
        return str(first + timedelta(days=self.number(0, (last - first).days)))

    def name(self, names: str) -> tuple[str, str]:
        """A name and its spelling in an email address."""
        name, _, spelling = self.pick(names.split()).partition(":")
        return name, spelling or ascii_letters(name)


def ascii_letters(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.lower().translate(LATIN_LETTERS))
    return "".join(char for char in plain if char.isascii())


def phone_number(random: StableRandom, country: Country) -> str:
    """A valid number of the country; half of the Spanish numbers have no prefix."""
    number = "".join(str(random.number(0, 9)) if char == "#" else char for char in country.phone)
    without_prefix = country.name == "Spain" and random.chance(50)
    return number.removeprefix("+34") if without_prefix else number


def email_address(random: StableRandom, name: str, surname: str, taken: set[str]) -> str:
    """An address that no other customer has."""
    local = random.pick((f"{name}.{surname}", f"{name[0]}{surname}", f"{name}_{surname}", f"{surname}.{name}"))
    if random.chance(4):
        local += "+shop"
    unique = local
    while unique in taken:
        unique = f"{local}{random.number(2, 99)}"
    taken.add(unique)
    address = f"{unique}@{random.pick(DOMAINS)}"
    return address.title() if random.chance(5) else address


def customer(random: StableRandom, country: Country, number: int, taken: set[str]) -> Row:
    gender = random.pick("fffffmmmmmx")
    is_female = gender == "f" or (gender == "x" and random.chance(50))
    name, name_in_email = random.name(country.female_names if is_female else country.male_names)
    surname, surname_in_email = random.name((is_female and country.female_surnames) or country.surnames)
    cents = random.number(0, 400) * random.number(5, 400)
    last_purchase = random.day(date(2023, 1, 1), date(2026, 3, 31))
    return {
        "Email": email_address(random, name_in_email, surname_in_email, taken),
        "First Name": name,
        "Last Name": surname,
        "Mobile phone": phone_number(random, country),
        "Birthdate": random.day(date(1938, 1, 1), date(2007, 12, 31)),
        "Newsletter": random.pick(("subscribed", "subscribed", "unsubscribed", "none")),
        "Points": str(random.number(1, 60) * random.number(1, 60)),
        "City": "" if random.chance(3) else random.pick(country.cities.split(";")),
        "Country": country.name,
        "Total spent": f"{cents // 100}.{cents % 100:02}",
        "VIP": random.pick(("false", "false", "false", "false", "true", "")),
        "Gender": gender,
        "Interests": "|".join(interest for interest in INTERESTS if random.chance(30)),
        "Last purchase": "" if random.chance(6) else last_purchase,
        "Loyalty card": f"LC-{number:05}",
    }


def changed(row: Row, change: Change) -> Row:
    return row | {column: cell if isinstance(cell, str) else cell(row[column]) for column, cell in change.items()}


def is_plain(row: Row) -> bool:
    """Whether the row may get a flaw: nothing in it needs quoting, so no flaw hides another or shifts a cell."""
    return row["City"] != "" and csv_line(row.values()) == ",".join(row.values())


def repeat_customer(rows: list[Row], positions: Sequence[int], changes: Sequence[Change]) -> None:
    """Copy the customer of the first position to the later ones, with newer purchases."""
    first, *later = sorted(positions)
    for position, change in zip(later, changes, strict=True):
        newer = {column: rows[position][column] for column in ("Points", "Total spent", "Last purchase")}
        rows[position] = changed(rows[first] | newer, change)


def contacts_csv(seed: int = SEED) -> str:
    """The whole file: its header, 1,000 records, a blank line and a line of empty cells."""
    random = StableRandom(seed)
    taken: set[str] = set()
    markets = [country for country in COUNTRIES for _ in range(country.percent)]
    rows = [customer(random, random.pick(markets), number, taken) for number in range(1, RECORDS + 1)]
    unused = iter(random.shuffled(position for position, row in enumerate(rows) if is_plain(row)))
    for change in (*REJECTED, *UNUSUAL):
        position = next(unused)
        rows[position] = changed(rows[position], change)
    for changes in REPEATED:
        repeat_customer(rows, [next(unused) for _ in (None, *changes)], changes)
    lines = [csv_line(row.values()) for row in rows]
    spanish = (position for position in unused if rows[position]["Country"] == "Spain")
    for position, broken_line in zip(spanish, BROKEN, strict=False):
        lines[position] = broken_line(list(rows[position].values()))
    lines.insert(RECORDS // 3, "")
    lines.append("," * (len(HEADER) - 1))
    return "\n".join((csv_line(HEADER), *lines, ""))


def main() -> None:
    parser = argparse.ArgumentParser(description="Generate the sample file.")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("contacts.csv"))
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    arguments.output.write_bytes(contacts_csv(arguments.seed).encode())


if __name__ == "__main__":
    main()
