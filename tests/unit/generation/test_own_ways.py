"""An account's own proxy is in the site that its session gives; a row of the table of sites has none."""

from __future__ import annotations

import re
from pathlib import Path

import jimeng_api.generation
from jimeng_api.accounts.session import Session
from jimeng_api.catalog.sites import HK, SITES
from jimeng_api.domain.secret import Secret

PROXY = Secret("socks5://10.0.0.1:1080")
FORGETFUL = re.compile(r"SITES\[\w*\.?session\.site\]")


def test_the_home_of_a_session_is_its_site_by_its_own_way() -> None:
    session = Session(site="hk", secret=Secret("s" * 32), account="a")
    assert session.home is HK
    home = session.by(PROXY).home
    assert (home.name, home.mweb_url, home.proxy) == (HK.name, HK.mweb_url, PROXY)
    assert home != HK
    assert SITES["hk"].proxy is None


def test_no_call_to_a_site_forgets_the_way_of_its_session() -> None:
    folder = Path(jimeng_api.generation.__path__[0])
    forgetful = [
        one.name for one in folder.glob("*.py") if FORGETFUL.search(one.read_text("utf-8"))
    ]
    assert forgetful == []
