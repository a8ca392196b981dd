"""Stored accounts: one for each session and user, sealed, found again, forgotten."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from jimeng_api.accounts.session import Session
from jimeng_api.accounts.vault import Vault
from jimeng_api.domain.credits import Credits
from jimeng_api.domain.errors import (
    InvalidValue,
    NotFound,
    RegionRefused,
    RiskControl,
    SessionExpired,
    UpstreamCode,
)
from jimeng_api.domain.failure import Failure
from jimeng_api.domain.secret import Secret
from tests.unit.accounts.conftest import Stores

ONE, TWO, THREE = (letter * 32 for letter in "abc")
PROXY = Secret("socks5://operator:planted-password@10.0.0.1:1080")


def session(vault: Vault, text_: str, site: str = "cn", proxy: Secret | None = None) -> Session:
    return vault.session(site, Secret(text_), proxy)


async def test_an_account_is_found_again_by_name_and_by_id(stores: Stores) -> None:
    made, new = await stores.accounts.add(
        session(stores.vault, ONE, "us", PROXY), name="studio", user="u"
    )
    assert new
    for name in ("studio", made.id):
        found = await stores.accounts.find(name)
        assert found == made
        assert found.session.secret.reveal() == ONE
        assert found.session.home.proxy == PROXY
    with pytest.raises(NotFound):
        await stores.accounts.find("another")


async def test_nothing_secret_stands_in_the_rows_or_in_what_is_printed(stores: Stores) -> None:
    made, _ = await stores.accounts.add(session(stores.vault, ONE, "us", PROXY))
    rows = await stores.database.read(
        lambda connection: str(connection.execute(text("SELECT * FROM accounts")).all())
    )
    for shown in (rows, repr(made)):
        assert ONE not in shown
        assert "planted-password" not in shown


async def test_names_are_given_where_there_are_none_and_are_each_ones_own(stores: Stores) -> None:
    names = []
    for text_, site in ((ONE, "cn"), (TWO, "cn"), (THREE, "us")):
        made, _ = await stores.accounts.add(session(stores.vault, text_, site))
        names.append(made.name)
    assert names == ["cn-1", "cn-2", "us-1"]
    with pytest.raises(InvalidValue):
        await stores.accounts.change("cn-2", new_name="cn-1")
    await stores.accounts.change("cn-2", new_name="cn-2")


async def test_the_same_session_twice_is_one_account(stores: Stores) -> None:
    first, _ = await stores.accounts.add(session(stores.vault, ONE, proxy=PROXY), name="a")
    again, new = await stores.accounts.add(session(stores.vault, ONE), name="b")
    assert (again.id, again.name, new) == (first.id, "b", False)
    assert again.session.proxy == PROXY
    other, new = await stores.accounts.add(session(stores.vault, ONE, "us"))
    assert new
    assert [one.id for one in await stores.accounts.all()] == [first.id, other.id]


async def test_a_new_session_of_the_same_user_renews_the_account(stores: Stores) -> None:
    first, _ = await stores.accounts.add(session(stores.vault, ONE), user="somebody")
    await stores.accounts.change(first.id, limits={"films_at_once": 2})
    await stores.accounts.note_trouble(first.session.account, Failure.of(SessionExpired("dead")))
    again, new = await stores.accounts.add(session(stores.vault, TWO), user="somebody")
    assert (again.id, new, again.films_at_once, again.trouble) == (first.id, False, 2, None)
    elsewhere, new = await stores.accounts.add(session(stores.vault, THREE, "us"), user="somebody")
    assert new  # ids of users say something on their own site only
    assert elsewhere.id != first.id


async def test_what_the_operator_decides_can_be_changed(stores: Stores) -> None:
    made, _ = await stores.accounts.add(session(stores.vault, ONE))
    limits = {"images_at_once": 3, "films_at_once": 1}
    changed = await stores.accounts.change(made.id, new_name="x", proxy=PROXY, limits=limits)
    assert (changed.name, changed.session.proxy) == ("x", PROXY)
    assert (changed.images_at_once, changed.films_at_once) == (3, 1)
    changed = await stores.accounts.change("x", proxy=None, limits={"images_at_once": None})
    assert changed.session.proxy is None
    assert (changed.images_at_once, changed.films_at_once) == (None, 1)
    assert await stores.accounts.find("x") == changed


async def test_keys_get_the_accounts_that_can_be_used(stores: Stores) -> None:
    ids, names = [], []
    for text_, site in ((ONE, "cn"), (TWO, "us"), (THREE, "cn")):
        made, _ = await stores.accounts.add(session(stores.vault, text_, site))
        ids.append(made.id)
        names.append(made.session.account)

    async def usable(sites: list[str] | None = None, ids: list[str] | None = None) -> list[str]:
        return [one.account for one in await stores.accounts.sessions(sites=sites, ids=ids)]

    assert await usable() == names
    assert await usable(["us"]) == [names[1]]
    assert await usable(["us"], [ids[0]]) == []
    await stores.accounts.note_trouble(names[0], Failure.of(SessionExpired("dead")))
    barred = RiskControl("barred", upstream=UpstreamCode("1018"))
    await stores.accounts.note_trouble(names[1], Failure.of(barred))
    assert await usable() == [names[2]]
    # These pass by themselves.
    await stores.accounts.note_trouble(names[2], Failure.of(RegionRefused("not from here")))
    assert await usable() == [names[2]]
    await stores.accounts.note_well(names[1])
    assert await usable() == names[1:]


async def test_what_is_known_of_an_account_is_kept(stores: Stores) -> None:
    made, _ = await stores.accounts.add(session(stores.vault, ONE))
    now = stores.accounts._clock.now()
    assert made.standing(now) == "unchecked"
    name = made.session.account
    await stores.accounts.note_check(
        name, trouble=None, user="u", membership="standard", credits_=Credits(gift=66)
    )
    found = await stores.accounts.find(made.id)
    assert (found.standing(now), found.user, found.membership) == ("ready", "u", "standard")
    assert found.credits == Credits(gift=66)
    rest = RiskControl("resting", upstream=UpstreamCode("1019"))
    await stores.accounts.note_trouble(name, Failure.of(rest), resting_until=now + 1800)
    found = await stores.accounts.find(made.id)
    assert (found.standing(now), found.standing(now + 1801)) == ("resting", "ready")
    await stores.accounts.note_check(name, trouble=None)
    found = await stores.accounts.find(made.id)
    assert found.standing(now) == "resting"  # a look does not tell why it is stopped
    assert found.trouble is not None
    await stores.accounts.note_check(name, trouble=Failure.of(SessionExpired("dead")))
    found = await stores.accounts.find(made.id)
    assert found.standing(now) == "expired"
    assert (found.user, found.membership, found.credits) == ("u", "standard", Credits(gift=66))


async def test_a_days_credits_are_taken_by_one(stores: Stores) -> None:
    made, _ = await stores.accounts.add(session(stores.vault, ONE))
    name = made.session.account
    taken = [await stores.accounts.take_day(name, "20454") for _ in range(3)]
    assert taken == [True, False, False]
    assert await stores.accounts.take_day(name, "20455")
    await stores.accounts.give_day_back(name)
    assert await stores.accounts.take_day(name, "20455")


async def test_an_account_that_is_removed_is_gone(stores: Stores) -> None:
    made, _ = await stores.accounts.add(session(stores.vault, ONE))
    assert (await stores.accounts.remove(made.name)).id == made.id
    assert await stores.accounts.all() == []
    with pytest.raises(NotFound):
        await stores.accounts.remove(made.name)
    await stores.accounts.note_well(made.session.account)  # of no account it says nothing
