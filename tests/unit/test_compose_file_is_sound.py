"""What docker-compose.yml must hold for every service, read from the file itself."""

import re
import subprocess
import tomllib
from dataclasses import fields

import pytest
import yaml
from compose import stack

from ecommerce.config import PREFIX, PROJECT_DIR, Settings
from ecommerce.containers.secrets import READERS

COMPOSE = yaml.safe_load((PROJECT_DIR / "docker-compose.yml").read_text())
CLUSTER = yaml.safe_load((PROJECT_DIR / "docker-compose.cluster.yml").read_text())
SERVICES = COMPOSE["services"]
ADDED = {name: service for name, service in CLUSTER["services"].items() if name not in SERVICES}
ALL = SERVICES | ADDED
LASTING = {name: service for name, service in ALL.items() if service["restart"] == "unless-stopped"}
STEPS = {"init", "kafka-users", "kafka-init", "migrate", "airflow-init"}
UIS = {
    "django": "127.0.0.1:${ECOMMERCE_DASHBOARD_PORT:-8000}:8000",
    "airflow-apiserver": "127.0.0.1:${ECOMMERCE_AIRFLOW_PORT:-8080}:8080",
    "spark": "127.0.0.1:${ECOMMERCE_SPARK_UI_PORT:-4040}:4040",
}
THIRD_PARTY = {
    "postgres": r"POSTGRES_(DB|PASSWORD_FILE|INITDB_ARGS)",
    "zookeeper": r"ZOOKEEPER_\w+|KAFKA_(HEAP_OPTS|JVM_PERFORMANCE_OPTS|OPTS)|EXTRA_ARGS|MALLOC_ARENA_MAX",
    "kafka": r"KAFKA_\w+|ZOOKEEPER_SASL_ENABLED|EXTRA_ARGS|MALLOC_ARENA_MAX",
    "airflow-init": r"AIRFLOW__[A-Z_]+|AIRFLOW_HOME|SPARK_REMOTE|MALLOC_ARENA_MAX",
    "airflow-apiserver": r"AIRFLOW__[A-Z_]+|AIRFLOW_HOME|SPARK_REMOTE|MALLOC_ARENA_MAX",
    "airflow-scheduler": r"AIRFLOW__[A-Z_]+|AIRFLOW_HOME|SPARK_REMOTE|MALLOC_ARENA_MAX",
    "airflow-dag-processor": r"AIRFLOW__[A-Z_]+|AIRFLOW_HOME|SPARK_REMOTE|MALLOC_ARENA_MAX",
    **dict.fromkeys(("django", "consumer", "archiver", "producer", "surge"), "MALLOC_ARENA_MAX"),
    "spark": "JDK_JAVA_OPTIONS|MALLOC_ARENA_MAX",
    **dict.fromkeys(("spark-worker-1", "spark-worker-2"), "JAVA_HOME"),
}
KEYS_OF_V2_ALONE = {"start_interval", "develop", "attach", "provider", "pull_policy", "annotations"}


def environment(service: dict) -> dict[str, object]:
    return service.get("environment") or {}


def volume_names(service: dict) -> list[str]:
    mounts = [mount["source"] if isinstance(mount, dict) else mount.split(":")[0] for mount in service.get("volumes", [])]
    return [mount for mount in mounts if not mount.startswith(".")]


def mebibytes(service: dict) -> int:
    return int(re.fullmatch(r"(\d+)m", service["mem_limit"])[1])


@pytest.mark.parametrize("name", ALL)
def test_a_service_gets_no_more_than_it_needs(name):
    service = ALL[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert bool(service.get("cap_add")) == (name == "init")
    assert (str(service["user"]).split(":")[0] == "0") == (name == "init")


@pytest.mark.parametrize("name", ALL)
def test_a_service_has_limits_and_bounded_logs(name):
    service = ALL[name]
    assert mebibytes(service) > 0
    assert service["pids_limit"] <= 400
    assert service["logging"]["driver"] == "json-file"
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}


@pytest.mark.parametrize("name", LASTING)
def test_a_lasting_service_has_a_health_check(name):
    check = LASTING[name]["healthcheck"]
    assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries"} <= check.keys()


def test_everything_but_the_steps_restarts():
    assert {name for name, service in SERVICES.items() if service["restart"] == "no"} == STEPS | {"tools"}


def test_every_service_waits_for_what_it_needs():
    for name, service in ALL.items():
        needs = service.get("depends_on", {})
        assert bool(needs) == (name != "init"), name
        for other, how in needs.items():
            expected = "service_completed_successfully" if other in STEPS else "service_healthy"
            assert how == {"condition": expected}, (name, other)


def test_memory_limits_sum_to_at_most_six_gib():
    # Steps that end before what needs them do not count.
    staying = [service for service in SERVICES.values() if "profiles" not in service and service.get("restart") != "no"]
    assert sum(map(mebibytes, staying)) <= 6 * 1024


def test_stores_have_time_to_stop():
    assert all(int(SERVICES[name]["stop_grace_period"].rstrip("s")) >= 60 for name in ("kafka", "postgres"))


def test_only_the_three_pages_are_published_and_only_on_loopback():
    published = {name: service["ports"] for name, service in ALL.items() if "ports" in service and "profiles" not in service}
    assert published == {name: [port] for name, port in UIS.items()}
    assert all(port.startswith("127.0.0.1:") for service in ALL.values() for port in service.get("ports", []))


def test_stores_are_on_internal_networks_alone():
    assert all(COMPOSE["networks"][name] == {"internal": True} for name in ("stores", "zookeeper"))
    outside = {name for name, service in ALL.items() if "outside" in service.get("networks", [])}
    assert outside == {*UIS, "kafka-host"}


def test_images_are_pinned_and_ours_carry_the_projects_version():
    version = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text())["project"]["version"]
    for name, service in ALL.items():
        repository, _, tag = service["image"].rpartition(":")
        assert re.match(r"\d", tag), (name, service["image"])
        assert ("build" in service) == repository.startswith("ecommerce-platform/"), name
        if "build" in service:
            assert tag == version
            assert repository == f"ecommerce-platform/{service['build']['target']}"


def test_settings_are_those_of_config_py():
    known = {PREFIX + field.name.upper() for field in fields(Settings)}
    named = {name for service in ALL.values() for name in environment(service) if name.startswith(PREFIX)}
    assert named == known
    text = (PROJECT_DIR / "docker-compose.yml").read_text() + (PROJECT_DIR / "docker-compose.cluster.yml").read_text()
    assert set(re.findall(r"\$\{(ECOMMERCE_\w+)", text)) <= known
    assert set(re.findall(r"(?<!\$)\$\{(\w+)", text)) == set(re.findall(r"\$\{(ECOMMERCE_\w+)", text))


def test_defaults_are_those_of_config_py():
    defaults = {PREFIX + field.name.upper(): str(field.default) for field in fields(Settings)}
    text = (PROJECT_DIR / "docker-compose.yml").read_text()
    within_the_limit = {"ECOMMERCE_SPARK_DRIVER_MEMORY", "ECOMMERCE_SPARK_NATIVE_MEMORY"}
    for name, default in re.findall(r"\$\{(ECOMMERCE_\w+):-([^}]*)\}", text):
        if name not in within_the_limit:
            assert default.lower() in (defaults[name].lower(), defaults[name].removesuffix(".0")), name


@pytest.mark.parametrize("name", ALL)
def test_other_variables_are_on_the_services_list(name):
    others = [variable for variable in environment(ALL[name]) if not variable.startswith(PREFIX)]
    assert all(re.fullmatch(THIRD_PARTY.get(name, "nothing"), variable) for variable in others), others


def test_no_secret_stands_in_the_file():
    for name, service in ALL.items():
        for variable, value in environment(service).items():
            if re.search(r"PASSWORD|SECRET|TOKEN|FERNET|SQL_ALCHEMY|JWT", variable) and variable != "ECOMMERCE_SECRETS_DIR":
                assert re.search(r"^(cat )?/run/secrets/\w+$|^/tmp/\w+\.json$", str(value)), (name, variable)


def test_a_container_sees_its_own_secrets_alone():
    handed = {name: [volume for volume in volume_names(service) if volume.startswith("secrets")] for name, service in ALL.items()}
    assert set(handed.pop("init")) == {"secrets", *(f"secrets-{name}" for name in READERS)}
    assert all(len(volumes) <= 1 and "secrets" not in volumes for volumes in handed.values())
    assert {volume for volumes in handed.values() for volume in volumes} == {f"secrets-{name}" for name in READERS}
    mounts = [mount for name, service in ALL.items() for mount in service.get("volumes", []) if name != "init" and "secrets" in str(mount)]
    assert all(mount.endswith(":/run/secrets:ro") for mount in mounts)


def test_our_programs_look_for_their_secrets_where_they_are_mounted():
    ours = {
        name for name, service in ALL.items() if "build" in service and any("secrets" in str(mount) for mount in service.get("volumes", []))
    }
    assert {*ADDED, "django", "spark"} <= ours
    for name in ours - {"init"}:
        assert environment(ALL[name])["ECOMMERCE_SECRETS_DIR"] == "/run/secrets", name


def test_every_volume_is_declared_and_used():
    assert {volume for service in ALL.values() for volume in volume_names(service)} == set(COMPOSE["volumes"])


def test_airflow_is_set_up_as_in_the_local_run(tmp_path):
    from ecommerce.local import airflow, secret_files

    settings = Settings(var_dir=tmp_path)
    secret_files.make(settings.secrets_dir)
    local = {name for name in airflow.environment(settings) if name.startswith("AIRFLOW__")}
    here = {name.removesuffix("_CMD") for name in environment(SERVICES["airflow-scheduler"]) if name.startswith("AIRFLOW__")}
    assert here == local


def test_the_files_hold_nothing_that_docker_compose_1_29_refuses():
    assert not {"name", "include", "version"} & (COMPOSE.keys() | CLUSTER.keys())

    def keys(value):
        if isinstance(value, dict):
            yield from value
            for inner in value.values():
                yield from keys(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from keys(inner)

    assert not KEYS_OF_V2_ALONE & {key for key in [*keys(COMPOSE), *keys(CLUSTER)] if isinstance(key, str)}


@pytest.mark.parametrize("overlay", [[], ["-f", "docker-compose.cluster.yml"]])
def test_docker_compose_reads_the_files(overlay):
    if not (program := stack.program()):
        pytest.skip("neither docker-compose nor docker compose is installed here")
    command = [*program, "-f", "docker-compose.yml", *overlay, "config", "--quiet"]
    result = subprocess.run(command, cwd=PROJECT_DIR, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
