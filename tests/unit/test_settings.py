"""What an operator can set, where it is read, and what is said about values that cannot be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from jimeng_api.settings import Settings


@pytest.fixture(autouse=True)
def nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder, and none of the machine's own settings."""
    for name in [name for name in os.environ if name.startswith("JIMENG_API_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def test_without_anything_set_all_lies_in_the_data_folder(tmp_path: Path) -> None:
    found = Settings()
    folder = tmp_path / "data" / "jimeng-api"
    assert (found.host, found.port) == ("127.0.0.1", 5100)
    assert found.data_dir == folder
    assert found.database == f"sqlite:///{folder}/jimeng-api.db"
    assert found.media == folder / "media"
    assert found.key_file == folder / "secret.key"
    assert found.upstream_url is None


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PORT": "5999",
        "DATA_DIR": "/somewhere",
        "UPSTREAM_URL": "http://127.0.0.1:5199/",
        "CORS_ORIGINS": "https://a.example, https://b.example,",
        "TRUSTED_PROXIES": "10.0.0.0/8",
        "BUSY_SECONDS": "1, 2.5",
        "LIST_OPENAI_ALIASES": "true",
        "DEFAULT_N": "one",
        "UPSTREAM__APPVR": "9.9.9",
    }.items():
        monkeypatch.setenv(f"JIMENG_API_{name}", value)
    found = Settings()
    assert found.port == 5999
    assert found.data_dir == Path("/somewhere")
    assert found.upstream_url == "http://127.0.0.1:5199"
    assert found.cors_origins == ("https://a.example", "https://b.example")
    assert found.trusted_proxies == ("10.0.0.0/8",)
    assert list(found.busy_seconds) == [1, 2.5]
    assert found.list_openai_aliases is True
    assert found.default_n == "one"
    assert found.upstream.appvr == "9.9.9"


def test_the_file_is_read_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "jimeng-api.toml").write_text(
        'port = 5001\nhost = "0.0.0.0"\ncors_origins = ["https://a.example"]\n'
        '[upstream]\nda_version = "1.2.3"\n'
    )
    monkeypatch.setenv("JIMENG_API_PORT", "5002")
    found = Settings()
    assert (found.host, found.port) == ("0.0.0.0", 5002)
    assert found.cors_origins == ("https://a.example",)
    assert found.upstream.da_version == "1.2.3"


def test_a_file_elsewhere_is_read_when_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "jimeng-api.toml").write_text("port = 5001\n")
    (tmp_path / "other.toml").write_text("port = 5003\n")
    monkeypatch.setenv("JIMENG_API_CONFIG", str(tmp_path / "other.toml"))
    assert Settings().port == 5003


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:////data/a.db", "sqlite:////data/a.db"),
        ("sqlite:///a.db", "sqlite:///a.db"),
    ],
)
def test_a_database_is_named_as_people_write_it(url: str, expected: str) -> None:
    assert Settings(database_url=SecretStr(url)).database == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [("s3://bucket/prefix", "s3://bucket/prefix"), ("/var/media", Path("/var/media"))],
)
def test_media_lie_in_a_folder_or_a_bucket(url: str, expected: str | Path) -> None:
    assert Settings(media_url=url).media == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "five"),
        ("UPSTREAM_URL", "127.0.0.1:5199"),
        ("PUBLIC_URL", "ftp://example.org"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("DEFAULT_IMAGE_MODEL", "dall-e-3"),
        ("DEFAULT_N", "two"),
        ("RESPONSE_FORMAT", "png"),
        ("MAX_BODY_BYTES", "0"),
        ("JOB_SECONDS", "0"),
        ("WAIT_SECONDS", "-5"),
        ("CONFIRMATION_SECONDS", "soon"),
        ("POLL_IDS", "0"),
        ("BUSY_SECONDS", "often"),
        ("DATABASE_URL", "mysql://u@h/d"),
        ("TRUSTED_PROXIES", "proxy.example"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"JIMENG_API_{name}", value)
    with pytest.raises(Exception, match=f"(?i){name}"):
        Settings()


def test_a_wrong_value_in_the_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "jimeng-api.toml").write_text("poll_ids = 0\n")
    with pytest.raises(ValidationError, match="poll_ids"):
        Settings()


def test_every_setting_says_what_it_does() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


def test_each_site_may_have_a_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "jimeng-api.toml").write_text('[proxies]\nus = "http://10.0.0.1:3128"\n')
    found = Settings()
    assert {site: proxy.reveal() for site, proxy in found.proxies.items()} == {
        "us": "http://10.0.0.1:3128"
    }
    monkeypatch.setenv("JIMENG_API_PROXIES", "us=http://me:p%2Cw@h.example:1, HK=http://[::1]:2/")
    found = Settings()
    assert {site: proxy.reveal() for site, proxy in found.proxies.items()} == {
        "us": "http://me:p%2Cw@h.example:1",
        "hk": "http://[::1]:2",
    }
    assert "p%2Cw" not in f"{found!r} {found} {found.proxies} {found.model_dump_json()}"


@pytest.mark.parametrize(
    "value",
    [
        "http://u:planted@h:1",
        "mars=http://u:planted@h:1",
        "us=u:planted@h:1",
        "us=http://u:planted@h",
        "us=http://u:planted@:1",
        "us=http://u:planted@h:99999",
        "us=http://u:planted@h:1/path",
        "us=socks4://u:planted@h:1",
        "us=socks5h://u:planted@h:1",
    ],
)
def test_a_proxy_that_cannot_be_is_refused_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("JIMENG_API_PROXIES", value)
    with pytest.raises(ValidationError, match="proxies") as caught:
        Settings()
    told = [str(caught.value), repr(caught.value), *(one["msg"] for one in caught.value.errors())]
    assert "planted" not in " ".join(told)
    monkeypatch.delenv("JIMENG_API_PROXIES")
    site, _, address = value.rpartition("=")
    (tmp_path / "jimeng-api.toml").write_text(f'[proxies]\n{site or "none"} = "{address}"\n')
    with pytest.raises(ValidationError, match="proxies") as caught:
        Settings()
    assert "planted" not in str(caught.value)


def test_what_is_kept_has_its_days_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (Settings().keep_jobs_days, Settings().keep_media_days) == (30, 30)
    (tmp_path / "jimeng-api.toml").write_text('keep_jobs_days = "none"\nkeep_media_days = 0.5\n')
    monkeypatch.setenv("JIMENG_API_KEEP_KEYS_HOURS", "0")
    found = Settings()
    assert (found.keep_jobs_days, found.keep_media_days, found.keep_keys_hours) == (None, 0.5, 0)
    monkeypatch.setenv("JIMENG_API_KEEP_MEDIA_DAYS", "none")
    assert Settings().keep_media_days is None


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "never", ""])
def test_days_that_are_none_at_all_are_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("JIMENG_API_KEEP_MEDIA_DAYS", value)
    with pytest.raises(ValidationError, match="keep_media_days"):
        Settings()


def test_places_that_callers_urls_may_name_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().fetch_allow == ()
    monkeypatch.setenv("JIMENG_API_FETCH_ALLOW", "Files.LAN:9000, 10.0.0.5:80,[fd00::5]:8080,")
    assert Settings().fetch_allow == ("files.lan:9000", "10.0.0.5:80", "[fd00::5]:8080")


@pytest.mark.parametrize(
    "value",
    ["files.lan", "files.lan:", ":9000", "http://files.lan:9000", "files.lan:9000/a", "u@files.lan:9000",
     "files.lan:x", "files.lan:0", "files.lan:70000", "10.0.0.0/8", "fd00::5:8080", "a:1;b:2", "a b:80"],
)  # fmt: skip
def test_what_is_no_host_with_a_port_is_refused(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIMENG_API_FETCH_ALLOW", value)
    with pytest.raises(ValidationError):
        Settings()
