"""Every setting an operator can change, read once at start: `jimeng-api.toml`, then the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    SecretStr,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from typing_extensions import override

from jimeng_api.catalog.image_models import IMAGE_MODELS
from jimeng_api.catalog.lookup import DEFAULT_IMAGE_MODEL, DEFAULT_VIDEO_MODEL
from jimeng_api.catalog.sites import SITES
from jimeng_api.catalog.video_models import VIDEO_MODELS
from jimeng_api.domain.proxies import proxy_at
from jimeng_api.domain.secret import Secret
from jimeng_api.upstream.constants import Constants


def _default_data_dir() -> Path:
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "jimeng-api"


def _origin(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return url.rstrip("/")


def _image_model(name: str) -> str:
    if name not in IMAGE_MODELS:
        raise ValueError(f"must be one of {', '.join(IMAGE_MODELS)}")
    return name


def _video_model(name: str) -> str:
    if name not in VIDEO_MODELS:
        raise ValueError(f"must be one of {', '.join(VIDEO_MODELS)}")
    return name


def _listed(text: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    parts = text.split(",") if isinstance(text, str) else text
    return tuple(part.strip() for part in parts if part.strip())


def _waits(text: str | tuple[float, ...]) -> tuple[float, ...]:
    parts = text.split(",") if isinstance(text, str) else text
    return tuple(float(part) for part in parts)


def _unless_for_ever(value: object) -> object:
    return None if value == "none" else value


def _networks(text: str | tuple[str, ...]) -> tuple[str, ...]:
    for network in (listed := _listed(text)):
        ip_network(network, strict=False)
    return listed


def _host_ports(text: str | tuple[str, ...]) -> tuple[str, ...]:
    listed = _listed(text)
    for one in listed:
        parts = urlsplit(f"//{one}")
        if not (parts.hostname and parts.port and re.fullmatch(r"[\w.:\[\]-]+", one)):
            raise ValueError("must be host:port, or several with commas between them")
    return tuple(one.lower() for one in listed)


def _database_url(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(("sqlite:///", "postgresql://", "postgres://")):
        raise ValueError("must begin with sqlite:/// or postgresql://")
    return url


def _admin_key(key: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-+\--~]{20,200}", key.get_secret_value()):
        raise ValueError("must have 20 to 200 printable characters without spaces and commas")
    return key


def _proxies(given: str | Mapping[str, str | Secret]) -> dict[str, Secret]:
    """One address for each site. What is wrong is told without it, since it may hold a password."""
    if isinstance(given, str):
        pairs = [part.partition("=")[::2] for part in _listed(given)]
    else:
        pairs = [
            (site, proxy.reveal() if isinstance(proxy, Secret) else str(proxy))
            for site, proxy in given.items()
        ]
    found: dict[str, Secret] = {}
    for name, address in pairs:
        site = name.strip().lower()
        if site not in SITES:
            raise ValueError(f"must name sites, which are {', '.join(SITES)}")
        try:
            found[site] = proxy_at(address)
        except ValueError as error:
            raise ValueError(f"{error} for {site}") from None
    return found


Origin = Annotated[str, AfterValidator(_origin)]
Listed = Annotated[str | tuple[str, ...], NoDecode, AfterValidator(_listed)]
Networks = Annotated[str | tuple[str, ...], NoDecode, AfterValidator(_networks)]
HostPorts = Annotated[str | tuple[str, ...], NoDecode, AfterValidator(_host_ports)]
Waits = Annotated[tuple[float, ...], NoDecode, BeforeValidator(_waits)]
Proxies = Annotated[
    Mapping[str, Secret],
    NoDecode,
    PlainValidator(_proxies),
    PlainSerializer(lambda proxies: {site: str(proxy) for site, proxy in proxies.items()}),
]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]  # it may hold a password
AdminKey = Annotated[SecretStr, AfterValidator(_admin_key)]
Seconds = Annotated[float, Field(gt=0)]
AtOnce = Annotated[int, Field(ge=1)] | None
Hours = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Days = Annotated[
    Annotated[float, Field(gt=0, allow_inf_nan=False)] | None, BeforeValidator(_unless_for_ever)
]


class Settings(BaseSettings):
    """The environment's names are these with the prefix `JIMENG_API_`; it wins over the file.

    The file is `jimeng-api.toml` in the working directory, or what `JIMENG_API_CONFIG` names. What the
    upstream expects of its clients stands under `[upstream]`, in the environment as
    `JIMENG_API_UPSTREAM__NAME`.
    """

    model_config = SettingsConfigDict(
        env_prefix="JIMENG_API_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        validate_default=True,
        hide_input_in_errors=True,
    )

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(5100, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    data_dir: Path = Field(
        default_factory=_default_data_dir,
        description="Folder for database, key file and media where these are not set themselves.",
    )
    database_url: DatabaseUrl | None = Field(
        None,
        description="sqlite:///PATH, or postgresql://USER:PASSWORD@HOST:PORT/NAME for several gateways; "
        "SQLite in the data folder by default.",
    )
    media_url: str | None = Field(
        None, description="Where results are kept: a folder, or s3://, gs://, az:// with a prefix."
    )
    secret_key_file: Path | None = Field(
        None,
        description="The key that sessions are encrypted with; made (mode 0600) if it is missing.",
    )
    secret_key: SecretStr | None = Field(
        None,
        description="The key itself, in place of a file; from the environment, where no disk may hold it.",
    )
    admin_key: AdminKey | None = Field(
        None,
        description="What opens the admin routes, at least 20 characters; without it they are closed.",
    )
    public_url: Origin | None = Field(
        None, description="Where callers reach the gateway, when its own view of that is wrong."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least level logged."
    )
    log_format: Literal["text", "json"] = Field("text", description="For people or for machines.")

    default_image_model: Annotated[str, AfterValidator(_image_model)] = Field(
        DEFAULT_IMAGE_MODEL,
        description="The model behind OpenAI's names and behind requests that name none.",
    )
    default_video_model: Annotated[str, AfterValidator(_video_model)] = Field(
        DEFAULT_VIDEO_MODEL,
        description="The same for films: behind `sora-2` and behind requests that name none.",
    )
    default_n: Literal["one", "all"] | None = Field(
        None,
        description="Pictures for a request without `n`; unset: one for OpenAI's model names, else all made.",
    )
    response_format: Literal["url", "b64_json"] | None = Field(
        None,
        description="Form of results for a request that names none; unset: by the caller's dialect.",
    )
    list_openai_aliases: bool = Field(
        default=False, description="Show OpenAI's model names in the list of models."
    )
    chat_progress: bool = Field(
        default=False,
        description="Tell in streams of chats how far the job is, as `reasoning_content`.",
    )
    cors_origins: Listed = Field(
        "*", description="Web origins that may call: `*`, a list, or empty."
    )
    trusted_proxies: Networks = Field(
        "", description="Addresses whose X-Forwarded headers are believed."
    )
    max_body_bytes: int = Field(
        1024 * 1024, gt=0, description="Largest body of a request that takes no pictures."
    )
    receive_seconds: Seconds = Field(30, description="Time for a caller to send a whole request.")
    wait_seconds: Seconds = Field(1200, description="How long a blocking call waits for its job.")
    heartbeat_seconds: Seconds = Field(
        15, description="Pause between signs of life on an event stream."
    )
    job_seconds: Seconds = Field(1200, description="Age at which a picture job is given up.")
    film_seconds: Seconds = Field(
        10_800, description="Age at which a film job is given up: lines of an hour have been seen."
    )
    collect_late_hours: Hours = Field(
        24, description="How long the result of a job that was given up is still collected."
    )
    keep_jobs_days: Days = Field(
        30,
        description="How long a job is kept after its end; `none`: for ever. As long as its media.",
    )
    keep_media_days: Days = Field(
        30, description="How long results are kept, and links to them good; `none`: for ever."
    )
    keep_keys_hours: Hours = Field(
        24, description="How long an Idempotency-Key counts after the end of its job."
    )

    access_token_hours: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        24, description="How long an access token from `POST /token` is good, at most."
    )
    refresh_token_days: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        30, description="How long an access token may be renewed; so long its sessions are kept."
    )
    receive_daily_credits: bool = Field(
        default=False,
        description="Receive the daily free credits of the stored accounts, once a day for each.",
    )

    fetch_allow: HostPorts = Field(
        "",
        description="Places outside the public internet that callers' URLs may name: host:port, with commas.",
    )

    upstream_url: Origin | None = Field(
        None,
        description="One origin that stands in for every host of every site: simulator or test double.",
    )
    proxies: Proxies = Field(
        {},
        description="Proxies (http, https, socks5) by which sites and their results are reached: "
        "site=http://host:port.",
    )
    confirmation_seconds: Seconds = Field(
        180, description="How long the upstream is asked about a submission that it did not answer."
    )
    busy_seconds: Waits = Field(
        (10, 20, 40),
        description="Waits before each new try when an account is busy with what is not ours.",
    )
    images_at_once: AtOnce = Field(
        None,
        description="Most picture tasks an account runs at a time; unset: learned from its refusals.",
    )
    films_at_once: AtOnce = Field(
        None, description="Most film tasks an account runs at a time; unset: learned."
    )
    waiting_per_key: int = Field(
        5_000, ge=1, description="Most tasks of one key that wait for a free account."
    )
    waiting: int = Field(20_000, ge=1, description="Most tasks that wait for a free account.")
    catalogue_hours: Days = Field(
        24,
        description="How often a site is asked for its models and prices while it is used; `none`: never.",
    )
    poll_ids: int = Field(50, ge=1, description="Most jobs asked about in one call.")
    upstream: Constants = Field(
        Constants(),
        description="Versions, switches and hosts that change with the upstream's web page.",
    )

    @property
    def database(self) -> str:
        if self.database_url is None:
            return f"sqlite:///{self.data_dir / 'jimeng-api.db'}"
        return self.database_url.get_secret_value()

    @property
    def media(self) -> Path | str:
        if self.media_url is None:
            return self.data_dir / "media"
        return self.media_url if "://" in self.media_url else Path(self.media_url)

    @property
    def key_file(self) -> Path:
        return self.secret_key_file or self.data_dir / "secret.key"

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = Path(os.environ.get("JIMENG_API_CONFIG", "jimeng-api.toml"))
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, file)
