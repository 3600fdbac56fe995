"""The services fit together: what they need exists, they stop in a whole order, their configuration is safe."""

import configparser
import socket
from graphlib import TopologicalSorter

import pytest

from ecommerce.local import jars, ports, servers, supervision
from ecommerce.local.server import LocalError, NotReady, Server, wait_ready
from ecommerce.local.services import JOBS, NEEDS, PORTS, SERVICES, STOP_STAGES


@pytest.fixture
def settings(tmp_path):
    return servers.isolated_settings(tmp_path)


def test_needs_name_services_and_jobs_without_a_circle():
    known = {*SERVICES, *JOBS}
    assert set(NEEDS) <= known
    assert {need for needs in NEEDS.values() for need in needs} <= known
    list(TopologicalSorter(NEEDS).static_order())


def test_each_service_stops_once_and_before_what_it_needs():
    order = {name: number for number, stage in enumerate(STOP_STAGES) for name in stage}
    assert sorted(name for stage in STOP_STAGES for name in stage) == sorted(SERVICES)
    late = [
        (name, need) for name, needs in NEEDS.items() for need in needs if name in order and need in order and order[name] > order[need]
    ]
    assert late == []


def test_the_supervisors_configuration_holds_every_service_and_no_secret(settings):
    text = supervision.render(settings)
    config = configparser.RawConfigParser()
    config.read_string(text)
    assert {section.removeprefix("program:") for section in config.sections() if section.startswith("program:")} == set(SERVICES)
    assert config["supervisord"]["umask"] == "077"
    assert all(config[f"program:{name}"]["autorestart"] == "true" for name in SERVICES)
    assert [path.name for path in settings.secrets_dir.iterdir() if path.read_text().strip() in text] == []


def test_commands_show_no_secret(settings):
    values = {path.read_text().strip() for path in settings.secrets_dir.iterdir()}
    for build in SERVICES.values():
        command = " ".join(build(settings).command)
        assert not any(value in command for value in values)


def test_the_socket_of_a_long_path_lies_in_a_short_folder(tmp_path):
    settings = servers.isolated_settings(tmp_path / ("x" * 120))
    assert len(str(supervision.socket_path(settings))) < 107


def test_a_taken_port_is_named_with_its_owner_and_its_setting(settings):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", settings.redis_port))
        listener.listen()
        with pytest.raises(LocalError, match=rf"port {settings.redis_port}, which redis needs, .*process \d+ .*ECOMMERCE_REDIS_PORT="):
            ports.check(settings, ["redis"])
    ports.check(settings, list(PORTS))


def test_a_taken_kafka_port_names_the_bootstrap_setting(settings):
    number = int(settings.kafka_bootstrap.rpartition(":")[2])
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", number))
        listener.listen()
        with pytest.raises(LocalError, match=rf"ECOMMERCE_KAFKA_BOOTSTRAP=127.0.0.1:{number + 10000}"):
            ports.check(settings, ["kafka"])


def test_children_get_the_same_settings(settings):
    from ecommerce.config import load

    assert load(servers.environment(settings)) == settings


def test_waiting_ends_with_what_was_missing(tmp_path):
    def ready() -> None:
        raise NotReady("no answer yet")

    server = Server(name="thing", command=[], cwd=tmp_path, ready=ready)
    with pytest.raises(LocalError, match="thing is not healthy after 0 s: no answer yet"):
        wait_ready(server, 0)
    with pytest.raises(LocalError, match="thing ended while it started"):
        wait_ready(server, 60, alive=lambda: False)


def test_kafkas_jars_are_all_pinned():
    sums = jars.pinned(jars.KAFKA)
    assert len(sums) == 56
    assert {"kafka_2.13-3.9.2.jar", "zookeeper-3.8.4.jar", "slf4j-simple-1.7.36.jar", "metrics-core-4.1.12.1.jar"} <= sums.keys()
    assert all(len(digest) == 64 for digest in sums.values())


def test_an_altered_jar_is_found(tmp_path):
    name = next(iter(jars.pinned(jars.KAFKA)))
    (tmp_path / name).write_bytes(b"something else")
    assert name in jars.wrong(jars.KAFKA, tmp_path)
    (tmp_path / "extra.jar").touch()
    assert "extra.jar" in jars.wrong(jars.KAFKA, tmp_path)
