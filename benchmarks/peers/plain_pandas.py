"""Load a file into PostgreSQL with plain pandas, as a careful user would write it in an afternoon.

read_csv, phonenumbers and email-validator value by value, a Pandera schema, to_sql into a staging table, and
INSERT … ON CONFLICT DO UPDATE. It applies the catalogue's rules for these twelve columns but gives no reasons for
rejected rows, and the file must fit into memory. It runs in the project's own environment.
"""

import argparse
import json
import re
import time
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import phonenumbers
from email_validator import EmailNotValidError, validate_email
from sqlalchemy import Connection, create_engine, text

INTERESTS = {"sports", "music", "books", "travel", "cooking"}
TABLE = """
create table if not exists plain_contacts (
    contact_id bigserial primary key, email text not null unique, name text, surname text, mobile_phone text,
    birthdate date, points bigint, total_spent numeric, newsletter_subscription_status text, interests text,
    city text, vip boolean, gender text)
"""


def email(value: str) -> str | None:
    try:
        return validate_email(value, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        return None


def phone(value: str) -> str | None:
    try:
        number = phonenumbers.parse(value, "ES")
    except phonenumbers.NumberParseException:
        return None
    if " " in value or not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def interests(value: str) -> bool:
    return set(value.split("|")) <= INTERESTS


# Values that a library refused are null here, and no column may be null.
SCHEMA = pa.DataFrameSchema(
    {
        "email": pa.Column(),
        "name": pa.Column(),
        "surname": pa.Column(),
        "mobile_phone": pa.Column(),
        "birthdate": pa.Column(),
        "points": pa.Column(checks=pa.Check.str_matches(r"^[1-9][0-9]{0,18}$")),
        "total_spent": pa.Column(checks=pa.Check.str_matches(r"^-?[0-9]+(\.[0-9]+)?$")),
        "newsletter_subscription_status": pa.Column(checks=pa.Check.isin(["subscribed", "unsubscribed", "none"])),
        "interests": pa.Column(checks=pa.Check(interests, element_wise=True)),
        "city": pa.Column(),
        "vip": pa.Column(checks=pa.Check.isin(["true", "false", "1", "0"])),
        "gender": pa.Column(checks=pa.Check.isin(["f", "m", "x"])),
    }
)


def read(file: Path) -> pd.DataFrame:
    """The valid rows, one per email."""
    rows = pd.read_csv(file, dtype=str, keep_default_na=False)
    dates = pd.to_datetime(rows["birthdate"], format="%Y-%m-%d", errors="coerce")
    rows = rows.assign(
        email=rows["email"].map(email),
        mobile_phone=rows["mobile_phone"].map(phone),
        birthdate=dates.dt.date.where(dates.notna(), None),
        vip=rows["vip"].str.lower(),
    )
    try:
        SCHEMA.validate(rows, lazy=True)
    except pa.errors.SchemaErrors as error:
        rows = rows.drop(index=error.failure_cases["index"].dropna().unique())
    rows = rows.drop_duplicates("email", keep="last")
    return rows.assign(
        points=rows["points"].astype("int64"),
        total_spent=rows["total_spent"].astype(float),
        vip=rows["vip"].isin(["true", "1"]),
    )


def load(connection: Connection, rows: pd.DataFrame) -> None:
    """Upsert the rows through a staging table."""
    names = list(rows.columns)
    rows.to_sql("plain_staging", connection, if_exists="replace", index=False, chunksize=10_000)
    columns, casts = ", ".join(names), {"birthdate": "birthdate::date"}
    values = ", ".join(casts.get(name, name) for name in names)
    updates = ", ".join(f"{name} = excluded.{name}" for name in names if name != "email")
    connection.execute(text(TABLE))
    connection.execute(
        text(
            f"insert into plain_contacts ({columns}) select {values} from plain_staging "
            f"on conflict (email) do update set {updates}"
        )
    )
    connection.execute(text("drop table plain_staging"))


def main() -> None:
    """Load one file and print the seconds as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("warehouse", help="a postgresql:// address")
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    engine = create_engine(re.sub("^postgresql:", "postgresql+psycopg:", arguments.warehouse))
    began = time.perf_counter()
    rows = read(arguments.file)
    with engine.begin() as connection:
        load(connection, rows)
    print(json.dumps({"seconds": time.perf_counter() - began, "accepted": len(rows)}))


if __name__ == "__main__":
    main()
