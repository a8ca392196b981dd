"""Result files: what is drawn, how long links live, and how downloads go wrong."""

import io
import zlib
from typing import Any

import pytest
from PIL import Image

from jimeng_api.simulator import sizes
from jimeng_api.simulator.pictures import Gallery, Order, draw
from tests.simulator.caller import Sim, links_of
from tests.simulator.forms import browser_form

BY_URI = "/mweb/v1/get_image_by_uri"


async def finished_link(sim: Sim) -> str:
    return links_of(await sim.finished(await sim.accepted(browser_form(count=1))))[0]


async def test_a_result_is_a_png_of_the_promised_size() -> None:
    sim = Sim()
    form = browser_form(prompt="a lake 湖", width=1664, height=2496, ratio=6, count=2)
    for link in links_of(await sim.finished(await sim.accepted(form))):
        answer = await sim.fetch(link)
        assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
        with Image.open(io.BytesIO(answer.body)) as picture:
            picture.load()
            assert (picture.format, picture.size) == ("PNG", (1664, 2496))
            assert picture.info["Software"] == "SIMULATED"
            assert picture.info["Description"] == "a lake 湖"
    assert (await sim.ledger())["totals"]["pictures_served"] == 2


async def test_links_are_on_the_host_that_was_asked() -> None:
    sim = Sim()
    submit_id = await sim.accepted()
    sim.clock.at += 100
    data = await sim.poll(submit_id, headers={"host": "sim.example:81"})
    assert links_of(data[submit_id])[0].startswith("http://sim.example:81/tos-cn-i-tb4s082cfz/")


async def test_a_link_ends_after_some_weeks_and_a_cover_after_an_hour() -> None:
    sim = Sim()
    submit_id = await sim.accepted()
    record = await sim.finished(submit_id)
    link, cover = links_of(record)[0], record["item_list"][0]["common_attr"]["cover_url"]
    small = await sim.fetch(cover)
    assert (small.status, small.headers["content-type"]) == (200, "image/jpeg")
    with Image.open(io.BytesIO(small.body)) as picture:
        assert max(picture.size) == 200
    sim.clock.at += 2 * 3600
    assert (await sim.fetch(cover)).status == 403
    sim.clock.at += 25 * 86_400
    assert (await sim.fetch(link)).status == 200
    sim.clock.at += 2 * 86_400
    assert (await sim.fetch(link)).status == 403
    fresh = links_of(await sim.record(submit_id))[0]
    assert fresh != link
    assert (await sim.fetch(fresh)).status == 200


async def test_the_life_of_links_is_a_switch() -> None:
    sim = Sim()
    await sim.switch(link_seconds=30)
    link = await finished_link(sim)
    assert (await sim.fetch(link)).status == 200
    sim.clock.at += 31
    assert (await sim.fetch(link)).status == 403


async def test_a_link_that_was_tampered_with_is_refused() -> None:
    sim = Sim()
    link = await finished_link(sim)
    assert (await sim.fetch(link.replace("x-expires=1", "x-expires=2"))).status == 403
    assert (await sim.fetch(link.replace("x-signature=", "x-signature=A"))).status == 403
    assert (await sim.fetch(link.split("?")[0])).status == 403
    assert (await sim.fetch("/tos-cn-i-tb4s082cfz/nothing")).status == 404


async def test_fresh_links_come_by_uri_in_the_plural_form_only() -> None:
    sim = Sim()
    record = await sim.finished(await sim.accepted())
    uri = record["item_list"][0]["common_attr"]["cover_uri"]
    data = (await sim.ask(BY_URI, {"uris": [uri, "tos-cn-i-x/unknown"]})).data
    assert set(data["uri2image"]) == {uri}
    assert (await sim.fetch(data["uri2image"][uri]["image_url"])).status == 200
    assert (await sim.ask(BY_URI, {"uri": uri})).ret == "1000"
    other = await sim.ask(BY_URI, {"uris": [uri]}, session="e" * 32)
    assert other.data["uri2image"] == {}


async def test_a_part_of_a_file_can_be_asked_for() -> None:
    sim = Sim()
    link = await finished_link(sim)
    whole = (await sim.fetch(link)).body
    part = await sim.fetch(link, {"range": "bytes=100-199"})
    assert (part.status, part.body) == (206, whole[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole)}"
    assert (await sim.fetch(link, {"range": "bytes=100-"})).body == whole[100:]
    assert (await sim.fetch(link, {"range": f"bytes={len(whole)}-"})).status == 416
    assert (await sim.fetch(link, {"range": "items=1"})).status == 200


@pytest.mark.parametrize(
    ("fault", "start"),
    [
        ("foreign_links", "https://files.elsewhere.example/tos-"),
        ("private_links", "https://169.254.169.254/tos-"),
        ("plain_http_links", "http://p26-dreamina-sign.byteimg.com/tos-"),
        ("odd_scheme_links", "file:///tos-"),
    ],
)
async def test_one_answer_may_hold_links_that_must_not_be_followed(fault: str, start: str) -> None:
    sim = Sim()
    submit_id = await sim.accepted()
    await sim.fault(fault, on="poll")
    assert links_of(await sim.finished(submit_id))[0].startswith(start)
    assert links_of(await sim.record(submit_id))[0].startswith("http://127.0.0.1:5199/tos-")


async def test_one_answer_may_hold_expired_links_and_the_next_fresh_ones() -> None:
    sim = Sim()
    submit_id = await sim.accepted()
    await sim.fault("expired_links", on="poll")
    assert (await sim.fetch(links_of(await sim.finished(submit_id))[0])).status == 403
    assert (await sim.fetch(links_of(await sim.record(submit_id))[0])).status == 200


async def test_a_download_may_be_spoilt() -> None:
    sim = Sim()
    link = await finished_link(sim)
    good = (await sim.fetch(link)).body

    async def spoilt(fault: str, **settings: Any) -> Any:
        await sim.fault(fault, **settings)
        return await sim.fetch(link)

    assert (await spoilt("link_refused")).status == 403
    page = await spoilt("html_picture")
    assert page.headers["content-type"].startswith("text/html")
    assert (await spoilt("empty_picture")).body == b""
    wrong = await spoilt("wrong_magic")
    assert wrong.headers["content-type"] == "image/png"
    assert not wrong.body.startswith(b"\x89PNG")
    assert len(wrong.body) == len(good)
    short = await spoilt("short_picture")
    assert short.body == good[: len(good) // 2]
    webp = await spoilt("webp_as_png")
    assert webp.headers["content-type"] == "image/png"
    assert webp.body[8:12] == b"WEBP"
    endless = await spoilt("endless_picture", megabytes=3)
    assert len(endless.body) == 3 * 2**20
    slow = await spoilt("slow_picture", pieces=4, seconds=2.0)
    assert slow.body == good
    assert sim.clock.slept == [2.0] * 4
    assert (await sim.fetch(link)).body == good


@pytest.mark.parametrize("fault", ["cut_picture", "wrong_length"])
async def test_a_download_may_end_early(fault: str) -> None:
    sim = Sim()
    link = await finished_link(sim)
    await sim.fault(fault)
    with pytest.raises(ConnectionResetError):
        await sim.fetch(link)


async def test_a_download_fault_may_be_for_one_account_only() -> None:
    sim = Sim()
    link = await finished_link(sim)
    await sim.fault("link_refused", account="somebody-else")
    assert (await sim.fetch(link)).status == 200
    await sim.fault("link_refused", account=sim.session)
    assert (await sim.fetch(link)).status == 403


@pytest.mark.parametrize("size", [*sizes.ONE_K.values(), *sizes.FOUR_K.values(), (16, 16), (9, 40)])
def test_any_size_can_be_drawn_and_opened(size: tuple[int, int]) -> None:
    drawn = draw(Order("png", "any size", 7, 0, *size))
    assert len(drawn) < 60_000
    with Image.open(io.BytesIO(drawn)) as picture:
        picture.load()
        assert picture.size == size


def draw_plain(prompt: str, seed: int, number: int, width: int, height: int) -> bytes:
    return draw(Order("png", prompt, seed, number, width, height))


def test_a_drawing_depends_on_prompt_seed_and_index_alone() -> None:
    first = draw_plain("two horses", 1, 0, 640, 640)
    assert first == draw_plain("two horses", 1, 0, 640, 640)
    others = [
        draw_plain("two horses", 2, 0, 640, 640),
        draw_plain("two horses", 1, 1, 640, 640),
        draw_plain("a house", 1, 0, 640, 640),
    ]
    pixels = {zlib.crc32(Image.open(io.BytesIO(each)).convert("RGB").tobytes()) for each in others}
    assert len(pixels) == 3


@pytest.mark.parametrize("prompt", ["猫在月亮上", "😀 emoji \ud83d half", "", "a\x00b", "x" * 5000])
def test_a_prompt_the_font_cannot_write_is_drawn_all_the_same(prompt: str) -> None:
    with Image.open(io.BytesIO(draw_plain(prompt, 1, 0, 512, 512))) as picture:
        picture.load()
    assert draw(Order("webp", prompt, 1, 0, 64, 64))[8:12] == b"WEBP"


def test_the_gallery_keeps_only_so_much() -> None:
    gallery = Gallery(kept_bytes=10_000)
    first = Order("png", "a", 1, 0, 512, 512)
    gallery.keep(first, draw(first))
    assert gallery.kept(first) == draw(first)
    others = [first._replace(seed=seed) for seed in range(2, 20)]
    for order in others:
        gallery.keep(order, draw(order))
    assert gallery.kept(first) is None
    assert gallery.kept(others[-1]) is not None
