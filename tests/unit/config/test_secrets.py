"""Secrets come from the environment or from files that only their owner can read, and show nowhere."""

from pathlib import Path

import pytest

from config.errors import ConfigError
from config.load import load_profile
from config.secrets import api_keys
from config.settings import Settings

KEYS = {"BITMEX_API_KEY": "LAqUl", "BITMEX_API_SECRET": "chNOOS4K"}


def from_files(folder: Path, text: bytes = b"chNOOS4K\n", mode: int = 0o600) -> Settings:
    secret = folder / "secret"
    secret.write_bytes(text)
    secret.chmod(mode)
    source = load_profile("live").source.read_text()
    assert 'api_secret_env = "BITMEX_API_SECRET"' in source
    profile = folder / "mine.toml"
    profile.write_text(source.replace('api_secret_env = "BITMEX_API_SECRET"', 'api_secret_file = "secret"'))
    return load_profile(profile)


def test_from_the_environment() -> None:
    keys = api_keys(load_profile("live"), KEYS)
    assert keys.key.get_secret_value() == "LAqUl"
    assert keys.secret.get_secret_value() == "chNOOS4K"


def test_from_a_file_beside_the_profile(tmp_path: Path) -> None:
    keys = api_keys(from_files(tmp_path), KEYS)
    assert keys.secret.get_secret_value() == "chNOOS4K"


def test_every_missing_variable_is_named() -> None:
    settings = load_profile("live")
    with pytest.raises(ConfigError) as caught:
        api_keys(settings, {"BITMEX_API_SECRET": " "})
    assert str(caught.value).splitlines() == [
        f"{settings.source}: inverse.api_key_env: the environment variable BITMEX_API_KEY is not set, or empty",
        f"{settings.source}: inverse.api_secret_env: the environment variable BITMEX_API_SECRET is not set, "
        "or empty",
    ]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_others_can_open_is_refused(tmp_path: Path, mode: int) -> None:
    settings = from_files(tmp_path, mode=mode)
    with pytest.raises(ConfigError, match=r"is open to other users: chmod 600 .*secret$"):
        api_keys(settings, KEYS)


@pytest.mark.parametrize("text", [b"", b"\n", b"two words", b"line\nline", "ключ".encode(), b"a\x07b"])
def test_a_file_without_a_usable_secret_is_refused(tmp_path: Path, text: bytes) -> None:
    settings = from_files(tmp_path, text)
    with pytest.raises(ConfigError, match=r"inverse\.api_secret_file: holds no usable secret"):
        api_keys(settings, KEYS)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    settings = from_files(tmp_path, b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"secret is not text$"):
        api_keys(settings, KEYS)
    (tmp_path / "secret").unlink()
    with pytest.raises(ConfigError, match=r"cannot read .*secret: No such file or directory$"):
        api_keys(settings, KEYS)


def test_nothing_shows_a_secret() -> None:
    settings = load_profile("demo")
    keys = api_keys(settings, {})
    assert keys.secret.get_secret_value() == "sim-secret"
    for shown in (repr(settings), str(settings), repr(keys), str(settings.redacted())):
        assert "sim-secret" not in shown
        assert "sim-key" not in shown


def test_one_way_for_each_secret() -> None:
    with pytest.raises(
        ConfigError, match=r"give one of api_key_env and api_key_file, not api_key_env and api_key_"
    ):
        load_profile("live", {"inverse.api_key_file": "/run/secrets/key"})


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        load_profile("demo", {"inverse.base_url": "http://me:hunter2@127.0.0.1:8461"})
    assert (
        str(caught.value) == "override: inverse.base_url: must be https://HOST[:PORT] or http://HOST[:PORT]"
    )
