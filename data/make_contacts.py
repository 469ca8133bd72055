"""Make `data/contacts.csv`: the customers of an invented shop, with every flaw the rules speak of.

Everything is made up: common names combined by chance, addresses under the reserved example domains,
phones in the ranges of the example numbers of `phonenumbers`. The same seed gives the same bytes on
every Python: only `Random.random()`, whose sequence is promised never to change, is drawn from.
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
# `Loyalty card` is no field of the built-in catalogue; `Last purchase` is one, but has gaps.
HEADER = (  # noqa: SIM905 - it reads as the line of the file that it is
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
    """A market of the shop; names of another alphabet carry the spelling used in emails after a colon."""

    name: str
    percent: int
    phone: str
    women: str
    men: str
    surnames: str
    cities: str
    surnames_of_women: str = ""


# In `phone`, each # is any digit.
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


# --- flaws: each entry spoils one record ----------------------------------------------------------


def spaced(phone: str) -> str:
    return f"{phone[:-6]} {phone[-6:-3]} {phone[-3:]}"


def cut(phone: str) -> str:
    return phone[:-3]


def at(sign: str) -> Callable[[str], str]:
    return lambda email: email.replace("@", sign)


def spoiled(column: str, *to: str | Callable[[str], str]) -> tuple[Change, ...]:
    return tuple({column: cell} for cell in to)


REJECTED: tuple[Change, ...] = (
    *spoiled("Email", "", "", "", " "),
    *spoiled("Email", at(""), at("@@"), at(" @ "), at("@.")),
    *spoiled("Email", lambda email: email.partition("@")[0] + "@example,com"),
    *spoiled("Mobile phone", spaced, spaced, spaced, spaced, spaced),
    *spoiled("Mobile phone", cut, cut, lambda phone: phone.replace("+", "") + "000", "612-345-678", "n/a"),
    *spoiled("Birthdate", "31/12/1984", "1987-02-30", "1999-13-01", "1985-6-7", "25.12.1990"),
    *spoiled("Points", "0", "0", "007", "1e3", "12.0"),
    *spoiled("Total spent", "129,95", "1.234,50", "€49.90", "1e3"),
    *spoiled("VIP", "yes", "No", "sí"),
    *spoiled("Newsletter", str.title),
    *spoiled("Gender", lambda option: {"f": "Female", "m": "Male", "x": "Other"}[option]),
    *spoiled("Interests", "sports|gaming", "Books;Music"),
    {"Mobile phone": spaced, "Birthdate": "07/04/1991"},
    {"Email": "", "Points": "0", "VIP": "yes"},
    {"Mobile phone": cut, "Birthdate": "1979-00-12", "Newsletter": "YES", "Total spent": "18,00"},
)
# Rare, and within the rules (no date of the dropped column rejects anybody).
SUGGESTED_DELIMITERS: tuple[Change, ...] = (
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
# Each group is one customer, repeated further down as often as the group is long.
REPEATED: tuple[tuple[Change, ...], ...] = (
    ({},),
    ({"Email": str.upper},),
    ({"Email": str.title}, {}),
    ({"Mobile phone": cut},),  # this one is itself rejected, so it does not beat the record before it
)


def csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    # Some Pythons quote a line break in a cell only where it is the line terminator too.
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().removesuffix("\n")


def with_city(written: str) -> Callable[[Sequence[str]], str]:
    """Write the city as it stands here, quotes and commas included, and the other cells plainly."""
    place = HEADER.index("City")
    return lambda cells: ",".join((*cells[:place], written, *cells[place + 1 :]))


BROKEN: tuple[Callable[[Sequence[str]], str], ...] = (
    lambda cells: csv_line(cells[:-1]),
    lambda cells: csv_line(cells[:-3]),
    lambda cells: csv_line(cells[:6]),
    lambda cells: csv_line(cells) + ",",
    lambda cells: csv_line((*cells, "call before 6 pm")),
    with_city("Sant Cugat, Barcelona"),
    with_city('"Polígono "El Sol" 3"'),
    with_city('"Las Palmas'),
    with_city('Villa "La Perla"'),  # odd, but right: the quotes stand further inside an unquoted cell
)


# --- drawing --------------------------------------------------------------------------------------


class Dice(Random):
    """Draws that rest on `random()` alone; `choice` and its kin may change from one Python to the next."""

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self.random() * len(choices))]

    def number(self, low: int, high: int) -> int:
        return low + int(self.random() * (high - low + 1))

    def happens(self, percent: int) -> bool:
        return self.random() * 100 < percent

    def order(self, things: Iterable[T]) -> list[T]:
        return sorted(things, key=lambda _: self.random())

    def day(self, first: date, last: date) -> str:
        return str(first + timedelta(days=self.number(0, (last - first).days)))

    def named(self, names: str) -> tuple[str, str]:
        """A name and its spelling in an email address."""
        name, _, spelling = self.pick(names.split()).partition(":")
        return name, spelling or ascii_letters(name)


def ascii_letters(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.lower().translate(LATIN_LETTERS))
    return "".join(char for char in plain if char.isascii())


def phone_number(dice: Dice, country: Country) -> str:
    """A number that is valid in its country; half of the shop's home numbers go without their prefix."""
    number = "".join(str(dice.number(0, 9)) if char == "#" else char for char in country.phone)
    at_home = country.name == "Spain" and dice.happens(50)
    return number.removeprefix("+34") if at_home else number


def email_address(dice: Dice, name: str, surname: str, taken: set[str]) -> str:
    """An address nobody has yet."""
    local = dice.pick((f"{name}.{surname}", f"{name[0]}{surname}", f"{name}_{surname}", f"{surname}.{name}"))
    if dice.happens(4):
        local += "+shop"
    free = local
    while free in taken:
        free = f"{local}{dice.number(2, 99)}"
    taken.add(free)
    address = f"{free}@{dice.pick(DOMAINS)}"
    return address.title() if dice.happens(5) else address


def customer(dice: Dice, country: Country, number: int, taken: set[str]) -> Row:
    gender = dice.pick("fffffmmmmmx")
    woman = gender == "f" or (gender == "x" and dice.happens(50))
    name, name_in_email = dice.named(country.women if woman else country.men)
    surname, surname_in_email = dice.named((woman and country.surnames_of_women) or country.surnames)
    cents = dice.number(0, 400) * dice.number(5, 400)
    bought = dice.day(date(2023, 1, 1), date(2026, 3, 31))
    return {
        "Email": email_address(dice, name_in_email, surname_in_email, taken),
        "First Name": name,
        "Last Name": surname,
        "Mobile phone": phone_number(dice, country),
        "Birthdate": dice.day(date(1938, 1, 1), date(2007, 12, 31)),
        "Newsletter": dice.pick(("subscribed", "subscribed", "unsubscribed", "none")),
        "Points": str(dice.number(1, 60) * dice.number(1, 60)),
        "City": "" if dice.happens(3) else dice.pick(country.cities.split(";")),
        "Country": country.name,
        "Total spent": f"{cents // 100}.{cents % 100:02}",
        "VIP": dice.pick(("false", "false", "false", "false", "true", "")),
        "Gender": gender,
        "Interests": "|".join(interest for interest in INTERESTS if dice.happens(30)),
        "Last purchase": "" if dice.happens(6) else bought,
        "Loyalty card": f"LC-{number:05}",
    }


def changed(row: Row, change: Change) -> Row:
    return row | {column: to if isinstance(to, str) else to(row[column]) for column, to in change.items()}


def is_plain(row: Row) -> bool:
    """Only such rows are spoiled: no flaw then hides another, and no comma shifts a broken line."""
    return row["City"] != "" and csv_line(row.values()) == ",".join(row.values())


def repeat(rows: list[Row], places: Sequence[int], changes: Sequence[Change]) -> None:
    """Make the later places the same customer as the first, with what they bought since."""
    first, *later = sorted(places)
    for place, change in zip(later, changes, strict=True):
        newer = {column: rows[place][column] for column in ("Points", "Total spent", "Last purchase")}
        rows[place] = changed(rows[first] | newer, change)


def contacts_csv(seed: int = SEED) -> str:
    """The whole file: its header, 1,000 records, a blank line and a line of empty cells."""
    dice = Dice(seed)
    taken: set[str] = set()
    markets = [country for country in COUNTRIES for _ in range(country.percent)]
    rows = [customer(dice, dice.pick(markets), number, taken) for number in range(1, RECORDS + 1)]
    free = iter(dice.order(place for place, row in enumerate(rows) if is_plain(row)))
    for change in (*REJECTED, *SUGGESTED_DELIMITERS):
        place = next(free)
        rows[place] = changed(rows[place], change)
    for changes in REPEATED:
        repeat(rows, [next(free) for _ in (None, *changes)], changes)
    lines = [csv_line(row.values()) for row in rows]
    at_home = (place for place in free if rows[place]["Country"] == "Spain")
    for place, broken in zip(at_home, BROKEN, strict=False):
        lines[place] = broken(list(rows[place].values()))
    lines.insert(RECORDS // 3, "")
    lines.append("," * (len(HEADER) - 1))
    return "\n".join((csv_line(HEADER), *lines, ""))


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the sample file.")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("contacts.csv"))
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    arguments.output.write_bytes(contacts_csv(arguments.seed).encode())


if __name__ == "__main__":
    main()
