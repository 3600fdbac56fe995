"""Raw files: an erased person's rows lose the person and keep what counts, wherever the source says that ids stand."""

from dataclasses import replace

import pytest

from ecommerce import privacy
from ecommerce.config import Settings
from ecommerce.erasure_terms import Person
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


def rewritten(tmp_path, source, body, suppression) -> tuple[int, list[str]]:
    path, target = tmp_path / "raw.csv", tmp_path / "new" / "raw.csv"
    path.write_text(body)
    changed = privacy.rewrite(path, target, source, privacy.anonymous(source, "uci", suppression))
    return changed, (target if changed else path).read_text().splitlines()


def left(tmp_path, source, lines) -> int:
    (tmp_path / "look.csv").write_text("\n".join(lines) + "\n")
    theirs = privacy.names(source, Person("uci", "17850", {"17850"}))
    with (tmp_path / "look.csv").open("rb") as stream:
        return sum(row is not None and theirs(row) for _, row, _ in privacy.rows(stream, source))


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
