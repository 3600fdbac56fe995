"""What files and events hold cannot colour, overwrite or forge lines where people read it."""

import json
from types import SimpleNamespace

from ecommerce import etl
from ecommerce.inert import inert, one_line


def test_control_characters_and_turned_writing_show_as_replaced():
    assert inert("a\x1b[31mb\u202ec\x00\u2066d\t") == "a\ufffd[31mb\ufffdc\ufffd\ufffdd\ufffd"
    assert inert("Ünï ⟶ £ 漢") == "Ünï ⟶ £ 漢"


def test_a_line_stays_one_line():
    assert one_line("stopped\nERROR forged\r\nline\x1b[2K") == "stopped ERROR forged line\ufffd[2K"


def test_what_the_batch_job_says_reaches_airflow_inert():
    said = {"step": "done", "done": 1, "total": 1, "message": "check net: 'Mug\x1b[31m'\n2026-01-01 INFO all is well", "status": "blocked"}
    (line,) = etl._lines(SimpleNamespace(stdout=[json.dumps(said)]))
    assert line == said | {"message": "check net: 'Mug\ufffd[31m' 2026-01-01 INFO all is well"}
