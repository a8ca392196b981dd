"""The control surface: what it tells, what it takes, and what it keeps to itself."""

import json
from pathlib import Path
from typing import Any

import pytest

from jimeng_api.simulator.fault_queue import BadFault
from jimeng_api.simulator.faults import FAULTS
from jimeng_api.simulator.serve import build_app, load_faults
from jimeng_api.simulator.switches import SWITCHES
from tests.simulator.caller import POLL, SESSION, USER_INFO, Sim, links_of
from tests.simulator.forms import FOUR, browser_form


async def test_the_ledger_tells_who_asked_for_what() -> None:
    sim = Sim()
    form = browser_form(prompt="two horses", model=FOUR, count=2)
    await sim.submit(form)
    ledger = await sim.ledger()
    row = ledger["submits"][0]
    assert row["submit_id"] == form["submit_id"]
    assert row["history_id"] == "13500000000001"
    assert (row["site"], row["region"], row["aid"]) == ("cn", "cn", 513695)
    assert (row["model_req_key"], row["kind"], row["prompt"]) == (FOUR, "image", "two horses")
    assert (row["gen_count"], row["width"], row["height"]) == (2, 2048, 2048)
    assert (row["resolution_type"], row["image_ratio"], row["seed"]) == ("2k", 1, 1357613421)
    assert (row["price"], row["double"], row["at"]) == (8, False, sim.clock.now())
    assert row["draft"] == json.loads(form["draft_content"])
    assert row["metrics_extra"] == form["metrics_extra"]
    assert ledger["charges"][0]["credits"] == 8
    assert ledger["uploads"] == []
    totals = ledger["totals"]
    assert (totals["submits"], totals["accepted"], totals["double"]) == (1, 1, 0)


async def test_sessions_are_never_shown_in_full() -> None:
    sim = Sim()
    await sim.accepted()
    shown = [
        (await sim.control("GET", path)).body.decode()
        for path in ("/", "/ledger", "/requests", "/requests?times=1", "/accounts", "/faults")
    ]
    shown.append(json.dumps(await sim.account(credits=5)))
    assert not any(SESSION in text for text in shown)
    assert (await sim.ledger())["submits"][0]["session"] == "0123…cdef"


async def test_the_ledger_can_be_filtered_and_shortened() -> None:
    sim = Sim()
    await sim.accepted()
    submit_id = await sim.accepted(session="f" * 32)
    uid = (await sim.ask(USER_INFO, session="f" * 32)).data["uid"]
    for query in (f"?submit_id={submit_id}", f"?account={uid}", f"?account={'f' * 32}"):
        ledger = await sim.ledger(query)
        assert [row["submit_id"] for row in ledger["submits"]] == [submit_id]
        assert len(ledger["charges"]) == 1
    assert "draft" not in (await sim.ledger("?brief=1"))["submits"][0]
    assert len((await sim.ledger("?account=ffff%E2%80%A6ffff"))["submits"]) == 1


async def test_the_ledger_counts_polls_looks_pictures_and_bytes() -> None:
    sim = Sim()
    ids = [await sim.accepted(browser_form(count=1)) for _ in range(3)]
    sim.clock.at += 100
    data = await sim.poll(*ids)
    picture = await sim.fetch(links_of(data[ids[0]])[0])
    ledger = await sim.ledger()
    uid = ledger["submits"][0]["account"]
    assert ledger["polls"] == {uid: 1}
    assert ledger["looks"] == {uid: 3}
    assert ledger["totals"]["pictures_served"] == 1
    assert ledger["totals"]["bytes_served"] == len(picture.body) == ledger["bytes"]["picture"]


async def test_the_ledger_tells_when_a_job_was_ready_and_when_that_was_seen() -> None:
    sim = Sim()
    await sim.time(seconds=10)
    submit_id = await sim.accepted()
    start = sim.clock.now()
    await sim.record(submit_id)
    sim.clock.at += 12
    await sim.record(submit_id)
    await sim.record(submit_id)
    row = (await sim.ledger())["submits"][0]
    assert (row["ready_at"], row["seen_at"], row["looks"]) == (start + 10, start + 12, 3)
    assert row["ending"] == 50


async def test_requests_are_counted_by_path_operation_and_account() -> None:
    sim = Sim()
    submit_id = await sim.accepted()
    await sim.poll(submit_id, "other")
    await sim.poll(submit_id)
    told = (await sim.control("GET", "/requests?times=1")).json
    assert told["by_path"][POLL] == 2
    assert told["by_operation"] == {"generate": 1, "poll": 2}
    assert list(told["by_account"].values()) == [{"generate": 1, "poll": 2}]
    assert told["total"] == 3
    assert [(seen["operation"], seen["ids"]) for seen in told["times"]] == [
        ("generate", 0),
        ("poll", 2),
        ("poll", 1),
    ]


async def test_the_overview_names_every_fault_and_switch() -> None:
    for path in ("", "/"):
        told = (await Sim().control("GET", path)).json
        assert set(told["faults"]) == set(FAULTS)
        assert all(each["meaning"] for each in told["faults"].values())
        assert set(told["switches"]) == set(SWITCHES)
        assert "POST /_sim/time" in told["routes"]


async def test_a_reset_forgets_everything() -> None:
    sim = Sim()
    submit_id = await sim.accepted()
    link = links_of(await sim.finished(submit_id))[0]
    await sim.fault("busy", times=-1)
    await sim.switch(numeric_ret=True)
    await sim.time(looks=5)
    answer = await sim.control("POST", "/reset", {"seed": 3, "speed": 50})
    assert answer.json["seed"] == 3
    assert answer.json["time"] == {"typical": True, "speed": 50.0}
    assert await sim.poll(submit_id) == {}
    assert (await sim.fetch(link)).status in (403, 404)
    assert (await sim.ledger())["totals"]["accepted"] == 0
    assert (await sim.control("GET", "/switches")).json["numeric_ret"] is False


async def test_the_same_seed_and_requests_give_the_same_results() -> None:
    told = []
    for seed in (4, 4, 5):
        sim = Sim(seed=seed)
        await sim.fault("fewer_items", items=2, times=-1, probability=0.5)
        forms = [browser_form(submit_id=f"00000000-{number}") for number in range(8)]
        for form in forms:
            await sim.submit(form)
        sim.clock.at += 500
        data = await sim.poll(*(form["submit_id"] for form in forms))
        links = [links_of(record) for record in data.values()]
        rows = [(row["ready_at"], row["pictures"]) for row in (await sim.ledger())["submits"]]
        told.append((links, rows))
    assert told[0] == told[1] != told[2]


async def test_accounts_are_set_and_listed() -> None:
    sim = Sim()
    told = await sim.account(site="sg", credits={"gift": 5, "purchase": 7}, images_at_once=2)
    assert told["site"] == "sg"
    assert told["credits"] == {"purchase": 7, "vip": 0, "gift": 5}
    assert told["rules"]["images_at_once"] == 2
    assert (await sim.account(images_at_once=None))["rules"]["images_at_once"] is None
    listed = (await sim.control("GET", "/accounts")).json["accounts"]
    assert [each["account"] for each in listed] == [told["account"]]
    assert listed[0]["sessions"] == [{"session": "0123…cdef", "dead": False}]


async def test_defaults_for_accounts_that_open_later_can_be_set() -> None:
    sim = Sim()
    order = {"session": "*", "credits": 7, "images_at_once": 1}
    assert (await sim.control("POST", "/accounts", order)).status == 200
    assert await sim.balance() == 7
    rules = (await sim.control("GET", "/accounts")).json["accounts"][0]["rules"]
    assert rules["images_at_once"] == 1


async def test_several_accounts_can_be_set_at_once() -> None:
    sim = Sim()
    orders = [{"session": "one-session", "dead": True}, {"session": "two-session"}]
    answer = await sim.control("POST", "/accounts", orders)
    assert [each["dead"] for each in answer.json] == [True, False]
    assert (await sim.ask(USER_INFO, session="one-session")).ret == "1015"


@pytest.mark.parametrize(
    ("path", "order"),
    [
        ("/accounts", {"credits": 5}),
        ("/accounts", {"session": "abc", "colour": "red"}),
        ("/accounts", {"session": "abc", "site": "mars"}),
        ("/accounts", {"session": "abc", "credits": {"gold": 1}}),
        ("/accounts", [7]),
        ("/time", {}),
        ("/time", {"seconds": [9, 1]}),
        ("/time", {"seconds": "long"}),
        ("/time", {"looks": 0}),
        ("/time", {"speed": 0}),
        ("/time", {"hours": 1}),
        ("/switches", {"no_such": True}),
        ("/switches", {"strict_sign": "yes"}),
        ("/switches", {"compress": "zip"}),
        ("/switches", [1]),
        ("/faults", "stuck"),
    ],
)
async def test_orders_that_cannot_be_meant_are_refused(path: str, order: Any) -> None:
    answer = await Sim().control("POST", path, order)
    assert answer.status == 400
    assert answer.json["error"]


async def test_switches_are_set_together_or_not_at_all() -> None:
    sim = Sim()
    wrong = {"numeric_ret": True, "compress": "zip"}
    assert (await sim.control("POST", "/switches", wrong)).status == 400
    assert (await sim.control("GET", "/switches")).json["numeric_ret"] is False
    await sim.switch(strict=True)
    told = (await sim.control("GET", "/switches")).json
    assert all(told[name] for name in ("strict_sign", "strict_version", "strict_draft"))


async def test_the_dial_can_be_read() -> None:
    sim = Sim(speed=20)
    assert (await sim.control("GET", "/time")).json["speed"] == 20
    for order in ({"seconds": 10.0}, {"seconds": [5.0, 25.0]}, {"looks": 3}, {"at_once": True}):
        await sim.time(**order)
        told = (await sim.control("GET", "/time")).json
        assert told.items() >= order.items()
    await sim.time(speed=10)
    assert (await sim.control("GET", "/time")).json["typical"] is True


async def test_a_control_body_that_is_no_json_is_refused() -> None:
    assert (await Sim().raw("POST", "/_sim/faults", b"{")).status == 400
    assert (await Sim().raw("POST", "/_sim/time", b"{")).status == 400
    assert (await Sim().raw("GET", "/_sim/nothing")).status == 404


def test_faults_can_be_read_from_json_and_toml(tmp_path: Path) -> None:
    orders = [{"on": "generate", "fault": "stuck", "status": 45, "items": 2}]
    as_list, as_table = tmp_path / "a.json", tmp_path / "b.json"
    as_list.write_text(json.dumps(orders))
    as_table.write_text(json.dumps({"faults": orders}))
    toml = tmp_path / "c.toml"
    toml.write_text('[[faults]]\non = "generate"\nfault = "stuck"\nstatus = 45\nitems = 2\n')
    for path in (as_list, as_table, toml):
        assert load_faults(path) == orders
    assert build_app(faults=load_faults(toml)) is not None
    wrong = tmp_path / "d.json"
    wrong.write_text("[1]")
    with pytest.raises(BadFault):
        load_faults(wrong)
    with pytest.raises(BadFault):
        build_app(faults=[{"fault": "no_such"}])
