"""Source and mart folders: the shipped ones are sound, a malformed one says what is wrong."""

import pytest
import sources
from marts import MartError, load, load_all, parse_checks

SOURCE = '[files]\nglob = "*.csv"\ndate_from = "column"\n[read]\nformat = "csv"\nevent_ids = "content"\n[columns]\na = "STRING"\n'


@pytest.fixture
def folder(tmp_path):
    def write(toml: str = SOURCE, sql: str | None = "SELECT * FROM {raw}") -> str:
        (tmp_path / "source.toml").write_text(toml)
        if sql is not None:
            (tmp_path / "staging.sql").write_text(sql)
        return str(tmp_path)

    return write


@pytest.mark.parametrize("path", sorted(sources.SOURCES_DIR.glob("*/source.toml")), ids=lambda path: path.parent.name)
def test_shipped_sources_are_sound(path):
    assert sources.load(path.parent.name).name == path.parent.name


def test_a_folder_elsewhere_is_a_source(folder, tmp_path):
    found = sources.load(folder())
    assert (found.name, found.ddl) == (tmp_path.name, "`a` STRING")


@pytest.mark.parametrize(
    ("toml", "sql", "words"),
    [
        (SOURCE, None, "staging.sql is missing"),
        ("[read", "", "not valid TOML"),
        (SOURCE.replace('"csv"', '"xml"'), "SELECT 1 FROM {raw}", "format = 'xml'; known: csv, json, events"),
        (SOURCE.replace("event_ids", "ids"), "SELECT 1 FROM {raw}", "unexpected keyword argument 'ids'"),
        (SOURCE.partition("[columns]")[0], "SELECT 1 FROM {raw}", r"\[columns\] is missing"),
        (SOURCE, "SELECT 1", "does not read FROM {raw}"),
    ],
)
def test_a_malformed_source_says_what_is_wrong(folder, toml, sql, words):
    with pytest.raises(sources.SourceError, match=words):
        sources.load(folder(toml, sql))


def test_shipped_marts_have_a_key_and_a_blocking_check():
    found = {mart.table: mart for mart in load_all()}
    assert {"mart_daily_sales", "mart_daily_product", "mart_daily_funnel"} <= set(found)
    for mart in found.values():
        assert ({"shop_id", "date"} if mart.scope == "day" else {"shop_id"}) <= set(mart.keys)
        assert any(check.severity == "blocking" for check in mart.checks)


def test_checks_carry_name_severity_and_statement():
    text = "-- about\n\n-- check: one (blocking)\nSELECT 1;\n\n-- check: two (warning) why\nSELECT 2\n"
    found = [(check.name, check.severity, check.sql) for check in parse_checks(text, "m")]
    assert found == [("m.one", "blocking", "SELECT 1"), ("m.two", "warning", "SELECT 2")]


@pytest.mark.parametrize("text", ["", "SELECT 1", "SELECT 1;\n-- check: one (blocking)\nSELECT 2", "-- check: one (loud)\nSELECT 1"])
def test_checks_without_a_header_are_refused(text):
    with pytest.raises(MartError, match=r"checks\.sql must be checks"):
        parse_checks(text, "m")


def mart_folder(folder, toml: str, query: str):
    (folder / "mart.toml").write_text(toml)
    (folder / "query.sql").write_text(query)
    (folder / "checks.sql").write_text("-- check: one (blocking)\nSELECT 1\n")
    return folder


@pytest.mark.parametrize(
    ("toml", "query", "words"),
    [
        ('table = "t"\nkeys = ["shop_id"]\n', "SELECT 1", "keys lacks date"),
        ('table = "t"\nkeys = ["shop_id"]\nscope = "week"\n', "SELECT 1", "scope = 'week'; known: day, history"),
        ('table = "t"\nkeys = ["shop_id"]\nscope = "history"\n', "SELECT * FROM {events}", "reads {events}"),
    ],
)
def test_a_malformed_mart_says_what_is_wrong(tmp_path, toml, query, words):
    with pytest.raises(MartError, match=words):
        load(mart_folder(tmp_path, toml, query))
