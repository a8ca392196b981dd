"""The five sites, a row each: where they live and what they expect of a client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from jimeng_api.domain.secret import Secret

SiteName = Literal["cn", "us", "hk", "jp", "sg"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One site of the upstream.

    `region`, `lan` and `loc` are the values of the query parameter and the headers of these names.
    `result_hosts`, `upload_hosts` and `vod_hosts` are domains: where the upstream names a host for a result,
    for the bytes of an upload, or for giving places to films in place of `vod_url`, it must be one of them or
    a name below it. The token of an upload says the ImageX service in its field `service_id_field`,
    `imagex_service_id` is for when it does not. `checks_uploads` says that the page has the content of an
    upload looked at before it is used. `proxy` is for an account that reaches the site by a way of its own.
    """

    name: SiteName
    product: Literal["Jimeng", "Dreamina"]
    token_prefix: str
    page_origin: str
    mweb_url: str
    commerce_url: str
    imagex_url: str
    imagex_service_id: str
    service_id_field: Literal["service_id", "space_name"]
    vod_url: str | None
    vod_hosts: tuple[str, ...]
    aws_region: str
    app_id: int
    region: str
    lan: str
    loc: str
    store_region: str
    result_hosts: tuple[str, ...]
    upload_hosts: tuple[str, ...]
    checks_uploads: bool = False
    sends_web_id: bool = False
    time_zone: str = "Asia/Shanghai"
    utc_offset_hours: int = 8
    proxy: Secret | None = None

    def serves_results_from(self, host: str) -> bool:
        """Whether a result of this site may be fetched from the host."""
        return is_below(host, self.result_hosts)

    def serves_uploads_to(self, host: str) -> bool:
        """Whether the bytes of an upload to this site may be sent to the host."""
        return is_below(host, self.upload_hosts)


def is_below(host: str, domains: Iterable[str]) -> bool:
    """Whether a host is one of the domains or a name below one."""
    name = host.lower().rstrip(".")
    return any(name == domain or name.endswith(f".{domain}") for domain in domains)


# The sites outside China name no CDN of their own for films, only the companies' domains.
_DREAMINA_RESULTS = (
    "ibyteimg.com",
    "capcut.com",
    "capcutapi.com",
    "capcutapi.us",
    "byteoversea.com",
)
_UPLOADS = ("bytedancevod.com", "snssdk.com")
_DREAMINA_UPLOADS = ("vodupload.com", *_UPLOADS)  # seen on sg only; not known of us
# The first is where a sister product uploads films; nobody has seen this one do it.
_DREAMINA_VOD = ("bytevcloudapi.com", "bytedanceapi.com", "capcutapi.com", "capcutapi.us")

CN = Site(
    name="cn",
    product="Jimeng",
    token_prefix="",
    page_origin="https://jimeng.jianying.com",
    mweb_url="https://jimeng.jianying.com",
    commerce_url="https://jimeng.jianying.com",
    imagex_url="https://imagex.bytedanceapi.com",
    imagex_service_id="tb4s082cfz",
    service_id_field="service_id",
    vod_url="https://vod.bytedanceapi.com",
    vod_hosts=("bytedanceapi.com",),
    aws_region="cn-north-1",
    app_id=513695,
    region="cn",
    lan="zh-Hans",
    loc="cn",
    store_region="cn-gd",
    # Pictures; films while polling; films for download; covers of films.
    result_hosts=("byteimg.com", "vlabvod.com", "jimeng.com", "douyinpic.com"),
    upload_hosts=_UPLOADS,
    checks_uploads=True,
    sends_web_id=True,
)

US = Site(
    name="us",
    product="Dreamina",
    token_prefix="us-",  # noqa: S106 - public, no password
    page_origin="https://dreamina.capcut.com",
    mweb_url="https://dreamina-api.us.capcut.com",
    commerce_url="https://commerce.us.capcut.com",
    imagex_url="https://imagex16-normal-us-ttp.capcutapi.us",
    imagex_service_id="wopfjsm1ax",
    service_id_field="space_name",
    vod_url=None,  # not known
    vod_hosts=_DREAMINA_VOD,
    aws_region="us-east-1",
    app_id=513641,
    region="US",
    lan="en",
    loc="us",
    store_region="us",
    result_hosts=_DREAMINA_RESULTS,
    upload_hosts=_DREAMINA_UPLOADS,
    # The site's own zone is not known; this is what clients send.
)

HK = Site(
    name="hk",
    product="Dreamina",
    token_prefix="hk-",  # noqa: S106 - public, no password
    page_origin="https://dreamina.capcut.com",
    mweb_url="https://mweb-api-sg.capcut.com",
    commerce_url="https://commerce-api-sg.capcut.com",
    imagex_url="https://imagex-normal-sg.capcutapi.com",
    imagex_service_id="wopfjsm1ax",
    service_id_field="space_name",
    vod_url=None,
    vod_hosts=_DREAMINA_VOD,
    aws_region="ap-southeast-1",
    app_id=513641,
    region="HK",
    lan="en",
    loc="hk",
    store_region="hk",
    result_hosts=_DREAMINA_RESULTS,
    upload_hosts=_DREAMINA_UPLOADS,
)

JP = Site(
    name="jp",
    product="Dreamina",
    token_prefix="jp-",  # noqa: S106 - public, no password
    page_origin="https://dreamina.capcut.com",
    mweb_url="https://mweb-api-sg.capcut.com",
    commerce_url="https://commerce-api-sg.capcut.com",
    imagex_url="https://imagex-normal-sg.capcutapi.com",
    imagex_service_id="wopfjsm1ax",
    service_id_field="space_name",
    vod_url=None,
    vod_hosts=_DREAMINA_VOD,
    aws_region="ap-southeast-1",
    app_id=513641,
    region="JP",
    lan="ja",
    loc="jp",
    store_region="hk",  # the three Asian sites share one store
    result_hosts=_DREAMINA_RESULTS,
    upload_hosts=_DREAMINA_UPLOADS,
)

SG = Site(
    name="sg",
    product="Dreamina",
    token_prefix="sg-",  # noqa: S106 - public, no password
    page_origin="https://dreamina.capcut.com",
    mweb_url="https://mweb-api-sg.capcut.com",
    commerce_url="https://commerce-api-sg.capcut.com",
    imagex_url="https://imagex-normal-sg.capcutapi.com",
    imagex_service_id="wopfjsm1ax",
    service_id_field="space_name",
    vod_url=None,
    vod_hosts=_DREAMINA_VOD,
    aws_region="ap-southeast-1",
    app_id=513641,
    region="SG",
    lan="en",
    loc="sg",
    store_region="hk",
    result_hosts=_DREAMINA_RESULTS,
    upload_hosts=_DREAMINA_UPLOADS,
)

SITES: Mapping[str, Site] = MappingProxyType({s.name: s for s in (CN, US, HK, JP, SG)})


def site_of_prefix(prefix: str) -> Site | None:
    """The site whose sessions begin with the prefix ("us-"); no prefix means CN."""
    for site in SITES.values():
        if site.token_prefix == prefix.lower():
            return site
    return None


def split_token(token: str) -> tuple[Site, str]:
    """A session as callers write it ("us-abc") as its site and the session itself."""
    site = site_of_prefix(token[:3])
    return (CN, token) if site is None or not token else (site, token[3:])
