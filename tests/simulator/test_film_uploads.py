"""Uploads of films and sounds: at once or in parts, what is measured, and what goes wrong."""

import binascii
import hashlib
import json
from typing import Any

import pytest

from jimeng_api.simulator.reels import LARGEST
from tests.simulator.caller import Sim
from tests.simulator.film_forms import material, omni_form
from tests.simulator.film_sender import FilmSender, uploaded_films
from tests.simulator.films import a_film, a_sound
from tests.simulator.sender import REGIONS, Sender, error_of


@pytest.mark.parametrize("site", REGIONS)
async def test_a_film_is_uploaded_in_four_steps_and_measured(site: str) -> None:
    sim = Sim(site=site)
    sender = FilmSender(sim)
    keys = (await sender.vod_token()).data
    assert keys["space_name"] == "dreamina"
    assert keys["upload_domain"] == "127.0.0.1:5199"
    assert "service_id" not in keys
    body = a_film(size=(320, 180), seconds=2)
    answer = await sender.vod_apply(len(body))
    assert answer.json["ResponseMetadata"]["Service"] == "vod"
    assert answer.json["ResponseMetadata"]["Region"] == REGIONS[site]
    assert answer.json["Result"]["UploadAddress"] is None
    (node,) = answer.json["Result"]["InnerUploadAddress"]["UploadNodes"]
    assert node["Vid"].startswith("v0")
    assert node["UploadHost"] == "127.0.0.1:5199"
    blob = await sender.blob(node, body)
    assert blob.json["code"] == 2000
    assert blob.json["data"]["crc32"] == f"{binascii.crc32(body):08x}"
    commit = await sender.vod_commit(node["SessionKey"])
    (result,) = commit.json["Result"]["Results"]
    assert result["Vid"] == node["Vid"]
    about = result["VideoMeta"]
    assert (about["Width"], about["Height"], about["Duration"]) == (320, 180, 2.0)
    assert (about["Format"], about["Codec"], about["Size"]) == ("MP4", "h264", len(body))
    assert about["Md5"] == hashlib.md5(body).hexdigest()
    assert about["Uri"] == node["StoreInfos"][0]["StoreUri"]
    assert about["Bitrate"] == round(len(body) * 8 / 2)


@pytest.mark.parametrize(
    ("form", "codec"), [("wav", "pcm_s16le"), ("mp3", "mp3float"), ("mp4", "h264"), ("mov", "h264")]
)
async def test_the_ledger_tells_films_from_sounds(form: str, codec: str) -> None:
    sim = Sim()
    sound = form in ("wav", "mp3")
    body = a_sound(3, form) if sound else a_film(seconds=3, form=form)
    about = await FilmSender(sim).upload_film(body)
    assert about["VideoMeta"]["Codec"] == codec
    (row,) = (await sim.ledger())["uploads"]
    assert (row["kind"], row["vid"]) == ("sound" if sound else "film", about["Vid"])
    assert abs(row["seconds"] - 3) < 0.1
    assert row["format"] == ("mp4" if form == "mov" else form)
    assert (row["width"] > 0) is not sound


async def test_bytes_that_are_no_film_are_taken_but_cannot_be_used() -> None:
    sim = Sim()
    (vid,) = await uploaded_films(sim, b"hello world")
    (row,) = (await sim.ledger())["uploads"]
    assert (row["kind"], row["format"], row["crc32"]) == ("", "", "0d4a1185")
    assert (await sim.submit(omni_form(material("video", vid)))).ret == "1000"


@pytest.mark.parametrize("size", [1000, 4096, 10**9])
async def test_a_film_may_come_in_parts(size: int) -> None:
    sim = Sim()
    body = a_film()
    about = await FilmSender(sim).upload_film(body, parts_of=size)
    assert about["VideoMeta"]["Md5"] == hashlib.md5(body).hexdigest()
    assert about["VideoMeta"]["Duration"] == 2.0


async def test_parts_may_come_in_any_order_and_again() -> None:
    sim = Sim()
    sender = FilmSender(sim)
    body = a_film()
    node = await sender.node(len(body))
    upload_id = await sender.begin(node)
    half = len(body) // 2
    for number, part in ((2, body[half:]), (1, b"rubbish"), (1, body[:half])):
        assert (await sender.part(node, upload_id, number, part)).json["code"] == 2000
    crcs = [binascii.crc32(part) for part in (body[:half], body[half:])]
    named = f"1:{crcs[0]:08x},2:{crcs[1]:x}"
    assert (await sender.join(node, upload_id, named)).json["code"] == 2000
    commit = await sender.vod_commit(node["SessionKey"])
    assert commit.json["Result"]["Results"][0]["VideoMeta"]["Size"] == len(body)


async def test_parts_that_do_not_fit_together_are_refused() -> None:
    sim = Sim()
    sender = FilmSender(sim)
    node = await sender.node(6)
    assert (await sender.part(node, "unknown", 1, b"abc")).status == 404
    upload_id = await sender.begin(node)
    wrong = await sender.part(node, upload_id, 1, b"abc", **{"content-crc32": "00000000"})
    assert (wrong.status, wrong.json["code"]) == (400, 4001)
    assert (await sender.part(node, upload_id, 1, b"abc")).status == 200
    crc = f"{binascii.crc32(b'abc'):08x}"
    for named in ("", "1:00000000", f"1:{crc},2:{crc}", f"2:{crc}", "nonsense"):
        assert (await sender.join(node, upload_id, named)).json["code"] == 4001
    assert (await sender.join(node, upload_id, f"1:{crc}")).json["code"] == 4000
    assert (await sender.join(node, "unknown", f"1:{crc}")).status == 404
    odd = await sender.phase(node, {"phase": "pause"})
    assert odd.status == 400
    assert (await sender.vod_commit(node["SessionKey"])).json["Result"]["Results"] == []


async def test_a_part_may_be_lost_though_it_was_said_to_have_come() -> None:
    sim = Sim()
    sender = FilmSender(sim)
    body = a_film()
    node = await sender.node(len(body))
    await sim.fault("chunk_lost", after=2)
    assert (await sender.send_in_parts(node, body, 2000)).json["code"] == 4001
    assert (await sender.send_in_parts(node, body, 2000)).json["code"] == 2000


async def test_an_edge_without_parts_answers_204_and_the_whole_may_be_sent() -> None:
    sim = Sim()
    sender = FilmSender(sim)
    body = a_film()
    node = await sender.node(len(body))
    await sim.fault("blob_no_content")
    answer = await sender.phase(node, {"uploadmode": "part", "phase": "init"})
    assert (answer.status, answer.body) == (204, b"")
    assert (await sender.blob(node, body)).json["code"] == 2000


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"service": "imagex"}, "SignatureDoesNotMatch"),
        ({"region": "eu-west-1"}, "SignatureDoesNotMatch"),
        ({"query": {"SpaceName": "elsewhere"}}, "InvalidParameter"),
    ],
)
async def test_a_place_needs_the_right_signature_and_space(how: dict[str, Any], code: str) -> None:
    sender = FilmSender(Sim())
    await sender.vod_token()
    answer = await sender.vod_apply(100, **how)
    assert (answer.status, error_of(answer)["Code"]) == (403, code)


async def test_keys_for_pictures_open_no_place_for_films_and_the_reverse() -> None:
    sim = Sim()
    sender = FilmSender(sim)
    await sender.token(2)
    assert error_of(await sender.vod_apply(100))["CodeN"] == 100024
    await sender.vod_token()
    answer = await sender.apply(100, query={"ServiceId": "tb4s082cfz"}, service="vod")
    assert error_of(answer)["CodeN"] == 100024


async def test_keys_that_have_expired_are_refused() -> None:
    sim = Sim()
    sender = FilmSender(sim)
    await sender.vod_token()
    sim.clock.at += 3601
    assert error_of(await sender.vod_apply(100))["CodeN"] == 100024


@pytest.mark.parametrize("size", [0, -1, "x", LARGEST + 1])
async def test_a_file_that_is_too_large_gets_no_place(size: Any) -> None:
    sender = FilmSender(Sim())
    await sender.vod_token()
    assert error_of(await sender.vod_apply(size))["Code"] == "InvalidParameter"


async def test_the_bytes_must_be_those_that_were_announced() -> None:
    sender = FilmSender(Sim())
    node = await sender.node(5)
    assert (await sender.blob(node, b"four")).json["code"] == 4000
    assert (await sender.blob(node, b"sixsix")).json["code"] == 4000
    assert (await sender.blob(node, b"fiver", {"content-crc32": "1"})).json["code"] == 4001
    assert (await sender.blob(node, b"fiver", {"authorization": "x"})).status == 403
    assert (await sender.blob(node, b"fiver")).json["code"] == 2000


async def test_a_session_key_is_known_once_to_its_account_and_of_its_kind() -> None:
    sim = Sim()
    sender, other = FilmSender(sim), FilmSender(sim, session="e" * 32)
    body = a_film()
    node = await sender.node(len(body))
    await sender.blob(node, body)
    await other.vod_token()
    assert error_of(await other.vod_commit(node["SessionKey"]))["CodeN"] == 30406
    pictures = Sender(sim)
    await pictures.token()
    assert error_of(await pictures.commit(node["SessionKey"]))["CodeN"] == 30406
    assert (await sender.vod_commit(node["SessionKey"])).json["Result"]["Results"]
    assert error_of(await sender.vod_commit(node["SessionKey"]))["CodeN"] == 30406


async def test_the_same_film_twice_has_two_names_and_only_its_owner_may_use_it() -> None:
    sim = Sim()
    body = a_film()
    first, second = await uploaded_films(sim, body, body)
    assert first != second
    form = omni_form(material("video", first))
    assert (await sim.submit(form, session="e" * 32)).ret == "1000"
    assert (await sim.submit(form)).ret == "0"


async def test_what_is_declared_done_may_lack_a_length() -> None:
    sim = Sim()
    body = a_film()
    sender = FilmSender(sim)
    await sim.fault("no_duration")
    assert "Duration" not in (await sender.upload_film(body))["VideoMeta"]
    await sim.fault("no_duration", value=0)
    assert (await sender.upload_film(body))["VideoMeta"]["Duration"] == 0
    assert (await sender.upload_film(body))["VideoMeta"]["Duration"] == 2.0
    assert [row["seconds"] for row in (await sim.ledger())["uploads"]] == [2.0] * 3


async def test_the_upload_hosts_refuse_films_as_faults_say() -> None:
    sim = Sim()
    sender = FilmSender(sim)
    body = a_film()
    await sender.vod_token()
    await sim.fault("imagex_forbidden", on="apply_vod")
    assert error_of(await sender.vod_apply(1))["Code"] == "AccessDenied"
    await sim.fault("foreign_upload_host", on="apply_vod")
    assert (await sender.node(1))["UploadHost"] == "upload.elsewhere.example"
    node = await sender.node(len(body))
    await sim.fault("blob_refused")
    assert (await sender.blob(node, body)).status == 403
    await sim.fault("crc_mismatch")
    assert (await sender.blob(node, body)).json["code"] == 4001
    await sim.fault("crc_differs")
    answer = await sender.blob(node, body)
    assert answer.json["data"]["crc32"] != f"{binascii.crc32(body):08x}"
    await sim.fault("session_key_unknown", on="commit_vod")
    assert error_of(await sender.vod_commit(node["SessionKey"]))["CodeN"] == 30406
    await sim.fault("results_empty", on="commit_vod")
    assert (await sender.vod_commit(node["SessionKey"])).json["Result"]["Results"] == []


async def test_calls_are_counted_by_account_and_kind() -> None:
    sim = Sim()
    await FilmSender(sim).upload_film(a_film(), parts_of=4000)
    counted = (await sim.control("GET", "/requests")).json
    assert counted["by_path"]["/?Action=ApplyUploadInner"] == 1
    assert counted["by_path"]["/?Action=CommitUploadInner"] == 1
    assert counted["by_path"]["/upload/v1/…"] >= 3
    assert len(counted["by_account"]) == 1


async def test_a_body_that_is_no_json_is_refused_as_a_whole() -> None:
    sim = Sim()
    sender = FilmSender(sim)
    node = await sender.node(3)
    assert json.dumps(node["SessionKey"])
    assert error_of(await sender.vod_commit(None))["CodeN"] == 30406


async def test_parts_may_not_be_more_than_was_announced() -> None:
    sender = FilmSender(Sim())
    node = await sender.node(6)
    upload_id = await sender.begin(node)
    assert (await sender.part(node, upload_id, 1, b"abcd")).status == 200
    assert (await sender.part(node, upload_id, 2, b"efg")).json["code"] == 4000
    assert (await sender.part(node, upload_id, 2, b"ef")).status == 200
