import pytest

from ecommerce.config import ConfigError, load


def test_a_setting_comes_from_its_variable():
    assert load({"ECOMMERCE_REDIS_PORT": "7000", "ECOMMERCE_DEBUG": "true", "HOME": "/"}).redis_port == 7000


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("ECOMMERCE_REDIS_PROT", "7000", "ECOMMERCE_REDIS_PROT is not a setting"),
        ("ECOMMERCE_REDIS_PORT", "seven", "ECOMMERCE_REDIS_PORT='seven' is not a valid int"),
        ("ECOMMERCE_DEBUG", "maybe", "not a valid bool"),
    ],
)
def test_a_wrong_setting_is_a_loud_error(variable, value, message):
    with pytest.raises(ConfigError, match=message):
        load({variable: value})


def test_the_dashboards_address_follows_its_port():
    assert load({"ECOMMERCE_DASHBOARD_PORT": "9000"}).public_url == "http://localhost:9000"


def test_a_missing_secret_names_itself_and_the_remedy(tmp_path):
    with pytest.raises(ConfigError, match=r"secret redis_password is missing .*make up"):
        load({"ECOMMERCE_VAR_DIR": str(tmp_path)}).secret("redis_password")


def test_a_password_is_quoted_in_the_connection_uri(tmp_path):
    (tmp_path / "postgres_web_password").write_text("p@ss/word\n")
    assert "web:p%40ss%2Fword@" in load({"ECOMMERCE_SECRETS_DIR": str(tmp_path)}).postgres_dsn("web")
