"""Settings: what is wrong stops the start with one clear line that repeats no secret."""

from pathlib import Path

import pytest

from testamur.config import BadSetting, read_settings


def test_the_defaults_are_sqlite_in_the_data_folder(tmp_path):
    settings = read_settings({"TESTAMUR_DATA_DIR": str(tmp_path), "PATH": "/bin"})
    assert settings.database_url == f"sqlite:///{tmp_path / 'testamur.db'}"
    assert settings.base_url == "http://127.0.0.1:8000"
    assert read_settings({}).data_dir == Path("data").absolute()


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("database_url", "postgres://u:p@h/n", "postgresql+psycopg://u:p@h/n"),
        ("database_url", "postgresql://h/n", "postgresql+psycopg://h/n"),
        ("base_url", "https://credentials.example.org/", "https://credentials.example.org"),
        ("base_url", "https://xn--d-uga0v8h.example:8443/awards", "https://xn--d-uga0v8h.example:8443/awards"),
        ("rate_limit", "off", None),
        ("rate_limit", "100/second", "100/second"),
        ("log_format", "JSON", "json"),
        ("rendering_queue", "5", 5),
    ],
)
def test_a_setting_is_read_from_the_environment_and_from_a_file(name, text, expected, tmp_path):
    variable = f"TESTAMUR_{name.upper()}"
    assert getattr(read_settings({variable: text}), name) == expected
    (tmp_path / "secret").write_text(text + "\n", encoding="utf-8")
    assert getattr(read_settings({f"{variable}_FILE": str(tmp_path / "secret")}), name) == expected


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (
            {"TESTAMUR_DATABSE_URL": "x"},
            "TESTAMUR_DATABSE_URL is not a setting of Testamur; did you mean TESTAMUR_DATABASE_URL?",
        ),
        ({"TESTAMUR_X": "x"}, "the settings are TESTAMUR_DATA_DIR"),
        ({"TESTAMUR_DATABASE_URL": "mysql://u:hunter2@h/n"}, "must start with sqlite:/// or postgresql://"),
        ({"TESTAMUR_BASE_URL": "example.org"}, "TESTAMUR_BASE_URL cannot be used"),
        ({"TESTAMUR_BASE_URL": "https://u:hunter2@example.org"}, "no user"),
        ({"TESTAMUR_BASE_URL": "http://[::1]:8000"}, "no IPv6"),
        ({"TESTAMUR_BASE_URL": "https://łódź.example"}, "letters beyond ASCII as xn--"),
        ({"TESTAMUR_BASE_URL": "https://example.org/?a=b"}, "TESTAMUR_BASE_URL cannot be used"),
        ({"TESTAMUR_RATE_LIMIT": "fast"}, "such as 100/second"),
        ({"TESTAMUR_RATE_LIMIT": "0/second"}, "such as 100/second"),
        ({"TESTAMUR_LOG_FORMAT": "xml"}, "must be one of auto, json, text"),
        ({"TESTAMUR_RENDERING_PROCESSES": "0"}, "must be a whole number from 1 to 256"),
        ({"TESTAMUR_RENDERING_MEMORY": "1 GiB"}, "must be a whole number from 128"),
        ({"TESTAMUR_BASE_URL": " "}, "TESTAMUR_BASE_URL is empty"),
        ({"TESTAMUR_RATE_LIMIT_FILE": "/no/such/file"}, "/no/such/file"),
        ({"TESTAMUR_RATE_LIMIT_FILE": "/x", "TESTAMUR_RATE_LIMIT": "off"}, "both set"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(environment, message):
    with pytest.raises(BadSetting) as caught:
        read_settings(environment)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)
