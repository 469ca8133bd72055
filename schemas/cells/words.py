"""Words that other programs write for true, false and nothing, in the languages that we know."""

TRUE_WORDS = (
    "true",
    "yes",
    "on",
    "sí",
    "si",
    "verdadero",
    "cert",
    "oui",
    "vrai",
    "ja",
    "wahr",
    "sì",
    "vero",
    "sim",
    "verdadeiro",
)
FALSE_WORDS = ("false", "no", "off", "falso", "fals", "non", "faux", "nein", "falsch", "não", "nao")

# A letter may mean either in another language, so these are never applied without being asked for.
TRUE_LETTERS = ("t", "y", "s", "j", "v", "w", "x", "✓", "✔")
FALSE_LETTERS = ("f", "n")

BLANK_WORDS = (
    "-", "--", "n/a", "na", "null", "nil", "#n/a", "#null!", "#error!", "#value!", "#ref!", "#div/0!",
    "#name?", "#num!", "0000-00-00", "0000-00-00 00:00:00", "00/00/0000", "00-00-0000", "00.00.0000",
)  # fmt: skip
