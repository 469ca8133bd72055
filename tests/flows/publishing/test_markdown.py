"""Escaped text is shown as text in the UI, which renders markdown everywhere."""

import pytest

from flows.publishing.markdown import cell, code, plain, table

SHOWN = [
    pytest.param("a|b<script>", r"a\|b\<script\>", id="tag"),
    pytest.param("![p](http://e/p.png)", r"!\[p\](http\://e/p.png)", id="picture"),
    pytest.param("*bold* _it_ `code` ~~no~~", r"\*bold\* \_it\_ \`code\` \~\~no\~\~", id="styles"),
    pytest.param("www.example.com", r"www\.example.com", id="address"),
    pytest.param("WWW.example.com", r"WWW\.example.com", id="address in capitals"),
    pytest.param("# Title", r"\# Title", id="heading"),
    pytest.param("- point", r"\- point", id="list"),
    pytest.param("&lt;", r"\&lt;", id="entity"),
    pytest.param("a\n\n| b |", r"a \| b \|", id="lines"),
    pytest.param("john_smith@example.com", "john_smith@example.com", id="email stays as it is searched for"),
    pytest.param("+34651234567", "+34651234567", id="phone"),
    pytest.param("-18.00", "-18.00", id="number"),
]


@pytest.mark.parametrize(("text", "shown"), SHOWN)
def test_a_cell_is_shown_as_text(text: str, shown: str) -> None:
    assert cell(text) == shown


def test_all_punctuation_of_plain_text_is_escaped() -> None:
    assert plain("a.b @c\n[d]") == r"a\.b \@c \[d\]"


def test_a_text_with_a_web_address_is_code_because_escapes_do_not_prevent_links_in_both_uis() -> None:
    assert plain("see HTTPS://a.example/`x`|y") == "`` see HTTPS://a.example/`x`|y ``"
    assert table(["a"], [["www.a.example|b"]]).endswith("| `www.a.example¦b` |")


def test_no_text_with_a_web_address_leaves_its_cell_of_a_table() -> None:
    hostile = r"x\|![p](https://e.example/p.png)"
    assert table(["a"], [[hostile]]).endswith(r"| `x\¦![p](https://e.example/p.png)` |")


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        pytest.param("data/a.csv", "`data/a.csv`", id="ordinary"),
        pytest.param("a`b``c", "``` a`b``c ```", id="backticks"),
    ],
)
def test_code_shows_any_path(path: str, shown: str) -> None:
    assert code(path) == shown
