import os
import shutil
import threading
from datetime import date, timedelta

import pytest

from ecommerce import lake


def write(partition, name, text="row\n"):
    path = partition / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return lake.describe(partition, path, rows=text.count("\n"))


def test_readers_see_what_the_manifest_names_and_nothing_else(tmp_path):
    lake.publish(tmp_path, lake.Manifest("r1", "now", [write(tmp_path, "r1/a.csv")]))
    write(tmp_path, "r2/b.csv")
    assert lake.files(tmp_path) == [tmp_path / "r1/a.csv"]
    lake.publish(tmp_path, lake.Manifest("r2", "now", [write(tmp_path, "r2/b.csv", "x\ny\n")]))
    assert lake.files(tmp_path) == [tmp_path / "r2/b.csv"]
    assert lake.read_manifest(tmp_path).rows == 2


def test_a_partition_without_manifest_is_empty(tmp_path):
    write(tmp_path, "r1/a.csv")
    assert lake.files(tmp_path) == []
    assert lake.read_manifest(tmp_path) is None


def test_a_published_file_that_changed_is_an_error(tmp_path):
    lake.publish(tmp_path, lake.Manifest("r1", "now", [write(tmp_path, "r1/a.csv")]))
    (tmp_path / "r1/a.csv").write_text("longer than before\n")
    with pytest.raises(lake.LakeError, match=r"a\.csv"):
        lake.files(tmp_path)


def test_a_damaged_manifest_is_an_error(tmp_path):
    (tmp_path / lake.MANIFEST).write_text("{")
    with pytest.raises(lake.LakeError, match="damaged"):
        lake.read_manifest(tmp_path)


def test_sweeping_removes_old_unnamed_folders_only(tmp_path):
    lake.publish(tmp_path, lake.Manifest("r2", "now", [write(tmp_path, "r2/b.csv")]))
    write(tmp_path, "r1/a.csv")
    write(tmp_path, "r3/being-written.csv")
    old = (tmp_path / "r2").stat().st_mtime - timedelta(days=2).total_seconds()
    for name in ("r1", "r2"):
        os.utime(tmp_path / name, (old, old))
    lake.sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [lake.MANIFEST, "r2", "r3"]


def test_who_waited_for_a_partition_that_was_removed_is_alone_in_the_new_one(tmp_path, monkeypatch):
    partition, flock, inside, done = tmp_path / "p", lake.fcntl.flock, threading.Event(), threading.Event()

    def waits():
        with lake.exclusive(partition):
            inside.set()
            done.wait(10)

    other = threading.Thread(target=waits)
    waiting = threading.Event()

    def flock_and_tell(*arguments):
        waiting.set()
        flock(*arguments)

    with lake.exclusive(partition):
        monkeypatch.setattr(lake.fcntl, "flock", flock_and_tell)
        other.start()
        assert waiting.wait(10)
        shutil.rmtree(partition)
    assert inside.wait(10)
    with (partition / lake.LOCK).open() as lock, pytest.raises(BlockingIOError):
        flock(lock, lake.fcntl.LOCK_EX | lake.fcntl.LOCK_NB)
    done.set()
    other.join()


def test_days_are_those_with_a_manifest(tmp_path):
    for day, published in ((date(2026, 1, 2), True), (date(2026, 1, 1), True), (date(2026, 1, 3), False)):
        partition = lake.events(tmp_path, "kafka", "demo", day)
        partition.mkdir(parents=True)
        if published:
            lake.publish(partition, lake.Manifest("r", "now"))
    assert list(lake.days(tmp_path, "kafka", "demo")) == [date(2026, 1, 1), date(2026, 1, 2)]
    assert list(lake.days(tmp_path, "kafka", "other")) == []
