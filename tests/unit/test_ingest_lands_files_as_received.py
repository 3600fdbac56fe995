import gzip
import zipfile
from datetime import date

import pytest

from ecommerce import ingest, lake
from ecommerce.config import Settings

DAYS = [date(2026, 1, 1), date(2026, 1, 2)]


@pytest.fixture
def lake_dir(tmp_path, monkeypatch):
    root = tmp_path / "lake"
    monkeypatch.setattr(ingest, "settings", lambda: Settings(lake_dir=root))
    return root


@pytest.fixture
def source(tmp_path):
    def make(files: str, read: str = 'format = "csv"\nheader = true') -> str:
        folder = tmp_path / "my_shop"
        folder.mkdir()
        (folder / "source.toml").write_text(f"[files]\n{files}\n[read]\n{read}\n")
        (folder / "staging.sql").write_text("SELECT 1 FROM {raw}")
        return str(folder)

    return make


BY_PATH = 'glob = "*.csv"\ndate_from = "path"\ndate_pattern = \'(\\d{4}-\\d{2}-\\d{2})\\.csv$\''
BY_COLUMN = 'glob = "*.csv"\ndate_from = "column"'


def test_each_file_lands_in_the_day_of_its_path_and_other_days_stay_out(tmp_path, lake_dir, source):
    for day in ("2026-01-01", "2026-01-02", "2026-01-03"):
        (tmp_path / f"{day}.csv").write_text("a,b\n1,2\n3,4\n")
    assert ingest.land_files("r1", "demo", source(BY_PATH), tmp_path, DAYS) == 2
    partition = lake.landing(lake_dir, "my_shop", "demo", "2026-01-02")
    assert [path.read_text() for path in lake.files(partition)] == ["a,b\n1,2\n3,4\n"]
    assert lake.read_manifest(partition).rows == 2
    assert not lake.landing(lake_dir, "my_shop", "demo", "2026-01-03").exists()


def test_files_dated_by_a_column_land_under_the_range(tmp_path, lake_dir, source):
    (tmp_path / "all.csv").write_text("a,b\n1,2")
    ingest.land_files("r1", "demo", source(BY_COLUMN), tmp_path / "all.csv", DAYS)
    assert lake.read_manifest(lake.landing(lake_dir, "my_shop", "demo", "2026-01-01_2026-01-02")).rows == 1


def test_a_zip_is_unpacked(tmp_path, lake_dir, source):
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("in/x.csv", "a\n1\n2\n")
        archive.writestr("in/readme.txt", "no data")
    ingest.land_files("r1", "demo", source(BY_COLUMN), tmp_path / "export.zip", DAYS[:1])
    (landed,) = lake.files(lake.landing(lake_dir, "my_shop", "demo", "2026-01-01"))
    assert (landed.name, landed.read_text()) == ("x.csv", "a\n1\n2\n")


def test_the_days_of_an_archive_are_those_of_its_members(tmp_path, lake_dir, source):
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("2026-01-01.csv", "a\n1\n")
        archive.writestr("2026-01-02.csv", "a\n1\n2\n")
    assert ingest.land_files("r1", "demo", source(BY_PATH), tmp_path, DAYS) == 2
    assert [lake.read_manifest(lake.landing(lake_dir, "my_shop", "demo", day.isoformat())).rows for day in DAYS] == [1, 2]


def test_a_gzipped_file_is_unpacked(tmp_path, lake_dir, source):
    (tmp_path / "2026-01-01.csv.gz").write_bytes(gzip.compress(b"a\n1\n2\n"))
    ingest.land_files("r1", "demo", source(BY_PATH), tmp_path, DAYS)
    (landed,) = lake.files(lake.landing(lake_dir, "my_shop", "demo", "2026-01-01"))
    assert (landed.name, landed.read_text()) == ("2026-01-01.csv", "a\n1\n2\n")


def test_files_that_would_land_as_one_are_refused(tmp_path, lake_dir, source):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.csv").write_text("a\n1\n")
    with pytest.raises(ingest.IngestError, match=r"several files named x\.csv"):
        ingest.land_files("r1", "demo", source(BY_COLUMN), tmp_path, DAYS)


@pytest.mark.parametrize("name", ["x.zip", "x.csv.gz"])
def test_an_archive_that_is_broken_is_named(tmp_path, lake_dir, source, name):
    (tmp_path / name).write_bytes(b"no archive")
    with pytest.raises(ingest.IngestError, match=r"x\..*copy it again"):
        ingest.land_files("r1", "demo", source(BY_COLUMN), tmp_path, DAYS)


def test_quoted_line_breaks_are_counted_by_record(tmp_path, lake_dir, source):
    (tmp_path / "x.csv").write_text('a,b\n1,"two\nlines"\n')
    ingest.land_files("r1", "demo", source(BY_COLUMN, 'format = "csv"\nmultiline = true'), tmp_path / "x.csv", DAYS[:1])
    assert lake.read_manifest(lake.landing(lake_dir, "my_shop", "demo", "2026-01-01")).rows == 1


@pytest.mark.parametrize(
    ("files", "name", "message"),
    [
        (BY_PATH, "orders.csv", "no date by the pattern"),
        (BY_PATH, "2026-13-01.csv", "is no date"),
        (BY_PATH, "2020-01-01.csv", "no file of"),
        ('glob = "*.csv"', "x.csv", "source.toml lacks 'date_from'"),
    ],
)
def test_unusable_files_are_an_error_that_names_them(tmp_path, lake_dir, source, files, name, message):
    (tmp_path / name).write_text("a\n1\n")
    with pytest.raises(ingest.IngestError, match=message):
        ingest.land_files("r1", "demo", source(files), tmp_path, DAYS)


def test_an_unknown_source_lists_the_shipped_ones():
    with pytest.raises(ingest.IngestError, match=r"source nope: .* shipped sources: "):
        ingest.source_folder("nope")
