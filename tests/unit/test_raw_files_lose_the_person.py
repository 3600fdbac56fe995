"""Raw files: an erased person's rows lose the person and keep what counts, wherever the source says that ids stand."""

from dataclasses import replace

import pytest

from ecommerce import privacy
from ecommerce.config import Settings
from ecommerce.erasure_terms import ERASED, Person
from ecommerce.suppression import CLIENT, CUSTOMER, Suppression

SOURCE = {
    "read": {"format": "csv", "header": True},
    "columns": {"InvoiceNo": "STRING", "CustomerID": "STRING", "Quantity": "STRING"},
    "privacy": {
        "user_id": {"column": "CustomerID", "pattern": r"^(\d+)"},
        "transaction_id": {"column": "InvoiceNo", "pattern": r"(\d+)$"},
    },
}
BODY = "InvoiceNo,CustomerID,Quantity\n536365,17850.0,6\nC536379,17850.0,-1\n536366,178501.0,2\n536367,,17850\n"


@pytest.fixture
def suppression(tmp_path) -> Suppression:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "customer_hmac_key").write_text("key of the test")
    made = Suppression(replace(Settings(), secrets_dir=tmp_path / "secrets", lake_dir=tmp_path / "lake"))
    made.add([("uci", CUSTOMER, "17850"), ("uci", CLIENT, "17850")])
    return made


PERSON = Person("uci", "17850", {"17850"})
UNREADABLE = """InvoiceNo,CustomerID,Quantity
536365,17850.0
536366,17851.0
536367,17850,6,7

536368,117850.0
17850
"""
BROKEN_JSON = """{"user_id": "17850", "event_name": "view"
{"user_id": "17851", "event_name": "view"
["17850"]
{"user_id": "17852"}
"""
JSON = {"read": {"format": "json"}, "columns": {"user_id": "STRING"}, "privacy": {"user_id": "user_id"}}


def rewritten(tmp_path, source, body, suppression, quotes=None) -> tuple[int, list[str]]:
    path, target = tmp_path / "raw.csv", tmp_path / "new" / "raw.csv"
    path.write_text(body)
    changed = privacy.rewrite(path, target, source, privacy.anonymous(source, "uci", suppression), quotes or privacy.quotes(PERSON))
    return changed, (target if changed else path).read_text().splitlines()


def left(tmp_path, source, lines) -> int:
    (tmp_path / "look.csv").write_text("\n".join(lines) + "\n")
    return privacy.left(tmp_path / "look.csv", source, PERSON)


@pytest.mark.parametrize("of_whom", ["the person", "everybody on the list"])
@pytest.mark.parametrize(
    ("source", "body", "expected"),
    [
        (SOURCE, UNREADABLE, ["InvoiceNo,CustomerID,Quantity", ERASED, "536366,17851.0", ERASED, "", "536368,117850.0", ERASED]),
        (JSON, BROKEN_JSON, [ERASED, '{"user_id": "17851", "event_name": "view"', ERASED, '{"user_id": "17852"}']),
        ({**SOURCE, "read": {"format": "csv", "header": False}}, "17850\n1,2,3\n", [ERASED, "1,2,3"]),
        (
            {**SOURCE, "read": {"format": "csv", "header": False, "multiline": True}},
            '1,"a\nb 17850\nc"\n1,2,3\n',
            ['"[erased]', "", '"', "1,2,3"],
        ),
        ({**SOURCE, "columns": {"CustomerID": "STRING"}, "read": {"format": "csv", "header": False}}, "17850,1\n", ["[erased],"]),
    ],
    ids=["too few and too many values", "broken json", "no header", "a record of several lines", "a source of one column"],
)
def test_an_unreadable_line_that_holds_the_id_is_erased_and_stays_unreadable(tmp_path, suppression, source, body, expected, of_whom):
    suppression.refresh(now=True)
    quotes = privacy.quotes(PERSON) if of_whom == "the person" else privacy.quotes_erased("uci", suppression)
    assert left(tmp_path, source, body.splitlines()) == sum(ERASED in line for line in expected)
    changed, lines = rewritten(tmp_path, source, body, suppression, quotes)
    assert (changed, lines) == (sum(ERASED in line for line in expected), expected)
    assert left(tmp_path, source, lines) == 0
    (tmp_path / "look.csv").write_text("\n".join(lines) + "\n")
    with (tmp_path / "look.csv").open("rb") as stream:
        assert {row is None for raw, row, _ in privacy.rows(stream, source) if ERASED.encode() in raw} == {True}


@pytest.mark.parametrize(
    ("id", "text", "found"),
    [
        ("17850", "1,17850.0,x", True),
        ("17850", "card:17850 paid", True),
        ("17850", "0.17850", False),
        ("17850", "a-17850", False),
        ("17850", "178501", False),
        ("ann@shop.example", "1;ann@shop.example;x", True),
        ("ann lee", '"ann lee","x"', True),
        ("a-b_c", '{"id":"a-b_c"', True),
        ("2.3", "1.2.3.4", False),
    ],
)
def test_ids_that_are_known_by_their_hash_are_found_in_unreadable_lines_as_by_their_text(suppression, id, text, found):
    suppression.add([("other", CUSTOMER, id)])
    assert privacy.quotes_erased("other", suppression)(text) == found
    assert privacy.quotes(Person("other", id))(text) == found


def test_an_id_within_a_columns_text_is_found_and_the_rest_of_the_text_stays(tmp_path, suppression):
    changed, lines = rewritten(tmp_path, SOURCE, BODY, suppression)
    bought, back = (suppression.token("uci", "transaction_id", number) for number in ("536365", "536379"))
    assert changed == 2
    assert lines[1:] == [f"{bought},,6", f"C{back},,-1", "536366,178501.0,2", "536367,,17850"]
    assert left(tmp_path, SOURCE, lines) == 0


def test_a_column_whose_pattern_does_not_fit_is_found_by_the_second_look(tmp_path, suppression):
    source = {**SOURCE, "privacy": {"user_id": "CustomerID"}}
    changed, lines = rewritten(tmp_path, source, BODY, suppression)
    assert changed == 0
    assert left(tmp_path, source, lines) == 2


def test_a_column_that_is_customer_and_client_keeps_its_visitor(tmp_path, suppression):
    source = {**SOURCE, "privacy": {"user_id": "CustomerID", "client_id": "CustomerID"}}
    changed, lines = rewritten(tmp_path, source, "InvoiceNo,CustomerID,Quantity\n1,17850,6\n2,17851,6\n", suppression)
    token = suppression.token("uci", "client_id", "17850")
    assert (changed, lines[1:]) == (1, [f"1,{token},6", "2,17851,6"])
    assert left(tmp_path, source, lines) == 0


def test_a_row_that_names_nobody_gets_no_column(suppression):
    source = {"privacy": {"user_id": "user_id", "client_id": "client_id"}}
    change = privacy.anonymous(source, "uci", suppression)
    assert change({"client_id": "17850"}) == {"client_id": suppression.token("uci", "client_id", "17850")}
    assert change({"client_id": "other"}) is None


@pytest.mark.parametrize(
    "entry", [{"column": "a"}, {"column": "a", "pattern": "("}, {"column": "a", "pattern": "no group"}, 7, {"pattern": "(a)", "colum": "a"}]
)
def test_an_entry_that_is_not_usable_is_named(entry):
    with pytest.raises(privacy.PrivacyError, match=r"\[privacy\] user_id"):
        privacy.places({"privacy": {"user_id": entry}})


def test_ids_of_no_event_are_refused():
    with pytest.raises(privacy.PrivacyError, match="email"):
        privacy.places({"privacy": {"email": "mail"}})
