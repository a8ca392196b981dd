import pytest

from jimeng_api.catalog.sites import CN, HK, JP, SG, SITES, US, Site, site_of_prefix, split_token


def test_there_are_five_sites_and_each_is_found_under_its_name() -> None:
    assert list(SITES) == ["cn", "us", "hk", "jp", "sg"]
    assert all(site.name == name for name, site in SITES.items())


@pytest.mark.parametrize(
    ("prefix", "site"), [("", CN), ("us-", US), ("hk-", HK), ("jp-", JP), ("sg-", SG), ("US-", US)]
)
def test_a_prefix_names_a_site(prefix: str, site: Site) -> None:
    assert site_of_prefix(prefix) is site


def test_a_prefix_of_no_site_is_none() -> None:
    assert site_of_prefix("de-") is None


@pytest.mark.parametrize(
    ("token", "site", "session"),
    [
        ("us-abc", US, "abc"),
        ("SG-abc", SG, "abc"),
        ("abc", CN, "abc"),
        ("abcdef", CN, "abcdef"),
        ("", CN, ""),
    ],
)
def test_a_session_is_told_apart_from_its_prefix(token: str, site: Site, session: str) -> None:
    assert split_token(token) == (site, session)


def test_only_the_chinese_site_is_told_the_web_id() -> None:
    assert [site.name for site in SITES.values() if site.sends_web_id] == ["cn"]


def test_every_address_is_an_https_origin() -> None:
    for site in SITES.values():
        for url in (site.page_origin, site.mweb_url, site.commerce_url, site.imagex_url):
            assert url.startswith("https://")
            assert url.count("/") == 2


def test_the_asian_sites_differ_only_in_what_they_call_themselves() -> None:
    assert len({(s.mweb_url, s.commerce_url, s.imagex_url, s.app_id) for s in (HK, JP, SG)}) == 1
    assert [s.region for s in (HK, JP, SG)] == ["HK", "JP", "SG"]


def test_results_are_taken_only_from_the_sites_own_hosts() -> None:
    assert CN.serves_results_from("p3-dreamina-sign.byteimg.com")
    assert CN.serves_results_from("P26-Dreamina-Sign.ByteImg.com.")
    assert CN.serves_results_from("v3-artist.vlabvod.com")
    assert SG.serves_results_from("p16-dreamina-sign-sg.ibyteimg.com")
    assert not CN.serves_results_from("evilbyteimg.com")
    assert not CN.serves_results_from("byteimg.com.evil.example")
    assert not SG.serves_results_from("127.0.0.1")
    assert not CN.serves_results_from("")


def test_the_bytes_of_uploads_go_only_to_the_sites_own_hosts() -> None:
    for site in SITES.values():
        assert site.serves_uploads_to("tos-d-x-lq.bytedancevod.com")
        assert site.serves_uploads_to("tos-hl-x.snssdk.com")
        assert not site.serves_uploads_to("bytedancevod.com.elsewhere.example")
        assert not site.serves_uploads_to("notsnssdk.com")
        assert not site.serves_uploads_to("169.254.169.254")
        assert site.serves_uploads_to("tos-my216-share.vodupload.com") is (site.name != "cn")


def test_only_the_chinese_site_has_uploads_looked_at() -> None:
    assert [site.name for site in SITES.values() if site.checks_uploads] == ["cn"]
