"""Uploads: keys that are lent, the bytes and their checksum, and what goes wrong."""

import asyncio
import binascii
import hashlib
import json
import struct
from typing import Any

import pytest

from jimeng_api.simulator.sites import CN, SITES
from jimeng_api.simulator.tiles import UNKNOWN
from jimeng_api.simulator.world import World
from tests.simulator.caller import Answer, Sim
from tests.simulator.forms import blend_form
from tests.simulator.sender import REGIONS, Sender, error_of, picture

CHECK = "/mweb/v1/algo_proxy"
AUDIT = "/mweb/v1/imagex/submit_audit_job"
PROOF = "/mweb/v1/get_upload_image_proof"


@pytest.mark.parametrize("site", REGIONS)
async def test_a_picture_is_uploaded_in_four_steps_on_every_site(site: str) -> None:
    sim = Sim(site=site)
    sender = Sender(sim)
    keys = (await sender.token()).data
    assert keys["access_key_id"].startswith("AKTP")
    assert keys["session_token"].startswith("STS2")
    assert ("service_id" in keys) == (site == "cn")
    assert keys["upload_domain"] == "127.0.0.1:5199"
    body = picture(size=(300, 200))
    answer = await sender.apply(len(body))
    address = answer.json["Result"]["UploadAddress"]
    assert answer.json["ResponseMetadata"]["Region"] == REGIONS[site]
    assert address["UploadHosts"] == ["127.0.0.1:5199"]
    store = address["StoreInfos"][0]
    prefix, _, name = store["StoreUri"].partition("/")
    assert prefix == SITES[site].bucket
    assert len(name) == 32
    assert store["Auth"].startswith("SpaceKey/")
    blob = await sender.blob(address, body)
    assert blob.status == 200
    assert blob.json["code"] == 2000
    result = (await sender.commit(address["SessionKey"])).json["Result"]
    assert result["Results"] == [{"Uri": store["StoreUri"], "UriStatus": 2000}]
    plugin = result["PluginResult"][0]
    assert (plugin["ImageWidth"], plugin["ImageHeight"]) == (300, 200)
    assert (plugin["ImageFormat"], plugin["ImageSize"]) == ("png", len(body))
    assert plugin["ImageMd5"] == hashlib.md5(body).hexdigest()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
async def test_the_common_forms_of_pictures_are_known(form: str) -> None:
    sim = Sim()
    await Sender(sim).upload(picture(form=form))
    (row,) = (await sim.ledger())["uploads"]
    assert row["format"] == form.lower()
    assert (row["width"], row["height"]) == (64, 48)


@pytest.mark.parametrize("size", [(2, 2), (1200, 1000)])
async def test_a_picture_that_breaks_off_is_taken_with_the_size_it_says(
    size: tuple[int, int],
) -> None:
    sim = Sim()
    whole = picture(size=size)
    uri = await Sender(sim).upload(whole[: len(whole) * 2 // 3])
    assert sim.world.uploads.files[uri].photo.tile == UNKNOWN
    (row,) = (await sim.ledger())["uploads"]
    assert (row["width"], row["height"]) == size


async def test_a_picture_too_large_to_look_into_is_taken_all_the_same() -> None:
    sim = Sim()
    for side in (9_000, 10_000):
        header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        check = struct.pack(">I", binascii.crc32(b"IHDR" + header))
        body = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + header + check + picture()[33:]
        uri = await Sender(sim).upload(body)
        assert sim.world.uploads.files[uri].photo.tile == UNKNOWN


async def test_the_ledger_tells_who_uploaded_what() -> None:
    sim = Sim()
    uri = await Sender(sim).upload(b"hello world")
    (row,) = (await sim.ledger())["uploads"]
    assert row["uri"] == uri
    assert row["account"] == next(iter(sim.world.accounts))
    assert (row["bytes"], row["crc32"], row["format"]) == (11, "0d4a1185", "")
    counted = (await sim.control("GET", "/requests")).json
    assert counted["by_path"] == {
        "/mweb/v1/get_upload_token": 1,
        "/?Action=ApplyImageUpload": 1,
        "/upload/v1/…": 1,
        "/?Action=CommitImageUpload": 1,
    }
    assert set(counted["by_account"]) == {row["account"]}
    assert (await sim.ledger("?account=" + "e" * 32))["uploads"] == []


async def test_the_same_bytes_again_get_another_address_with_the_same_keys() -> None:
    sim = Sim()
    sender = Sender(sim)
    assert await sender.upload(picture()) != await sender.upload(picture())
    assert (await sim.control("GET", "/requests")).json["by_operation"]["upload_token"] == 1


async def test_a_signature_over_host_and_content_type_is_honoured() -> None:
    sim = Sim()
    sender = Sender(sim)
    body = picture()
    await sender.token()
    host = {"host": "127.0.0.1:5199"}
    answer = await sender.apply(len(body), more=host)
    address = answer.json["Result"]["UploadAddress"]
    await sender.blob(address, body)
    more = {**host, "content-type": "application/json"}
    assert (await sender.commit(address["SessionKey"], more=more)).status == 200
    elsewhere = await sender.apply(len(body), more={"host": "imagex.example"})
    assert elsewhere.status == 200, "the host that was sent is the one that counts"


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"region": "us-east-1"}, "SignatureDoesNotMatch"),
        ({"service": "vod"}, "SignatureDoesNotMatch"),
        ({"stamp": "20260101T0000Z"}, "SignatureDoesNotMatch"),
    ],
)
async def test_a_signature_for_another_place_does_not_match(how: dict[str, Any], code: str) -> None:
    sim = Sim()
    sender = Sender(sim)
    await sender.token()
    answer = await sender.apply(11, **how)
    assert (answer.status, error_of(answer)["Code"]) == (403, code)


async def test_keys_that_are_not_these_are_refused() -> None:
    sim = Sim()
    sender = Sender(sim)
    await sender.token()
    good = dict(sender.keys)
    for wrong, code in (
        ({"secret_access_key": "x"}, "SignatureDoesNotMatch"),
        ({"access_key_id": "AKTPx"}, "InvalidAuthorization"),
        ({"session_token": "STS2x"}, "InvalidAuthorization"),
        ({"service_id": "other"}, "InvalidParameter"),
    ):
        sender.keys = good | wrong
        assert error_of(await sender.apply(11))["Code"] == code
    await sender.token(scene=1)
    assert error_of(await sender.apply(11))["Code"] == "InvalidAuthorization"
    bare = await sim.raw("GET", "/?Action=ApplyImageUpload&FileSize=11")
    assert error_of(bare)["CodeN"] == 100024
    await sim.switch(imagex_error_status=200)
    assert (await sender.apply(11)).status == 200


async def test_a_session_that_is_dead_gets_no_keys() -> None:
    sim = Sim()
    await sim.account(dead=True)
    assert (await Sender(sim).token()).ret == "1015"
    assert (await Sender(sim, session="e" * 32).ask("/mweb/v1/get_upload_token", {})).ret == "1000"


async def test_keys_end_after_an_hour_or_when_a_test_says_so() -> None:
    sim = Sim()
    sender = Sender(sim)
    keys = (await sender.token()).data
    assert keys["expired_time"] - keys["current_time"] == 3600
    sim.clock.at += 3599
    address = await sender.place(11)
    sim.clock.at += 1
    assert error_of(await sender.apply(11))["Code"] == "InvalidAuthorization"
    await sender.blob(address, b"hello world")
    assert error_of(await sender.commit(address["SessionKey"]))["CodeN"] == 100024
    await sim.switch(upload_token_seconds=60)
    await sender.token()
    sim.clock.at += 61
    assert (await sender.apply(11)).status == 403
    await sim.fault("short_token")
    await sender.token()
    assert (await sender.apply(11)).status == 403
    await sender.token()
    assert (await sender.apply(11)).status == 200


# ------------------------------------------------------------------- the bytes


async def test_a_checksum_is_compared_as_a_number() -> None:
    sim = Sim()
    sender = Sender(sim)
    for crc, status in (
        ("a6216d9", 200), ("0A6216D9", 200), ("a6216da", 400), ("x", 400), ("é", 400), ("", 400)
    ):  # fmt: skip
        address = await sender.place(2)
        answer = await sender.blob(address, b"33", {"content-crc32": crc})
        assert answer.status == status, crc
        assert (answer.json["code"] == 2000) == (status == 200)


async def test_a_file_of_another_size_than_announced_is_refused() -> None:
    sim = Sim()
    sender = Sender(sim)
    for body in (b"hello", b"hello world, and more"):
        address = await sender.place(11)
        assert (await sender.blob(address, body)).status == 400
        (failed,) = (await sender.commit(address["SessionKey"])).json["Result"]["Results"]
        assert failed["UriStatus"] == 2001
    await sender.token()
    for size in (0, -1, 10**9, "many", "²"):
        assert error_of(await sender.apply(0, query={"FileSize": size}))["CodeN"] == 100004


async def test_bytes_need_the_word_that_came_with_the_place() -> None:
    sim = Sim()
    sender = Sender(sim)
    address = await sender.place(11)
    assert (await sender.blob(address, b"hello world", {"authorization": "x"})).status == 403
    address["StoreInfos"][0]["StoreUri"] = "tos-cn-i-tb4s082cfz/unknown"
    assert (await sender.blob(address, b"hello world")).status == 404


async def test_bytes_may_be_sent_again_before_the_commit() -> None:
    sim = Sim()
    sender = Sender(sim)
    address = await sender.place(11)
    await sim.fault("html_502", on="blob")
    assert (await sender.blob(address, b"hello world")).status == 502
    assert (await sender.blob(address, b"hello world")).status == 200
    result = (await sender.commit(address["SessionKey"])).json["Result"]
    assert result["Results"][0]["UriStatus"] == 2000


async def test_a_session_key_is_known_once_and_to_its_account_only() -> None:
    sim = Sim()
    sender = Sender(sim)
    address = await sender.place(11)
    await sender.blob(address, b"hello world")
    other = Sender(sim, session="e" * 32)
    await other.token()
    assert error_of(await other.commit(address["SessionKey"]))["CodeN"] == 30406
    assert (await sender.commit(address["SessionKey"])).status == 200
    assert error_of(await sender.commit(address["SessionKey"]))["CodeN"] == 30406
    assert error_of(await sender.commit("no such"))["CodeN"] == 30406
    assert error_of(await sender.commit(None))["CodeN"] == 30406


@pytest.mark.parametrize("form", ["single", "inner"])
async def test_the_host_for_the_bytes_may_be_named_in_other_places(form: str) -> None:
    sim = Sim()
    await sim.switch(upload_hosts=form)
    sender = Sender(sim)
    await sender.token()
    result = (await sender.apply(11)).json["Result"]
    if form == "inner":
        assert result["UploadAddress"] is None
        address = result["InnerUploadAddress"]["UploadNodes"][0]
    else:
        address = result["UploadAddress"]
    assert address["UploadHost"] == "127.0.0.1:5199"
    assert "UploadHosts" not in address
    assert (await sender.blob(address, b"hello world")).status == 200
    assert (await sender.commit(address["SessionKey"])).status == 200


# ------------------------------------------------------------------- the rest


async def test_the_content_check_and_the_audit_take_ones_own_pictures() -> None:
    sim = Sim()
    uri = await Sender(sim).upload(picture())

    async def check(uri: str, **options: Any) -> Answer:
        return await sim.ask(
            CHECK, {"scene": "image_face_ip", "file_list": [{"file_uri": uri}]}, **options
        )

    assert (await check(uri)).ret == "0"
    assert (await check("tos-cn-i-x/unknown")).ret == "1000"
    assert (await check(uri, session="e" * 32)).ret == "1000"
    assert (await sim.ask(AUDIT, {"uri_list": [uri]})).ret == "0"
    assert (await sim.ask(AUDIT, {"uri_list": ["x"]})).ret == "1000"
    await sim.fault("content_risk")
    refused = await check(uri)
    assert (refused.ret, refused.json["errmsg"]) == ("2003", "risk not pass")
    await sim.fault("html_502", on="algo_proxy")
    assert (await check(uri)).status == 502


async def test_the_older_way_takes_a_form_with_the_file() -> None:
    sim = Sim()
    body = picture((0, 0, 255))
    order = {"scene": "aigc_image", "file_name": "a.png", "file_size": len(body)}
    proof = (await sim.ask(PROOF, order)).data["proof_info"]
    query = "&".join(f"{name}={value}" for name, value in proof["query_params"].items())
    form = (
        b'--line\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
        b'--line\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
        b"Content-Type: image/png\r\n\r\n" + body + b"\r\n--line--\r\n"
    )
    headers = {"content-type": "multipart/form-data; boundary=line", **proof["headers"]}
    lower = {name.lower(): value for name, value in headers.items()}
    denied = await sim.raw("POST", "/?" + query, form, lower | {"authorization": "x"})
    assert denied.status == 403
    assert (await sim.raw("POST", "/?" + query, form, lower)).status == 200
    (row,) = (await sim.ledger())["uploads"]
    assert (row["uri"], row["bytes"]) == (proof["image_uri"], len(body))
    assert (await sim.submit(blend_form(proof["image_uri"]))).ret == "0"


# ---------------------------------------------------------------------- faults


@pytest.mark.parametrize(
    ("fault", "number", "code"),
    [
        ("imagex_authorization", 100024, "InvalidAuthorization"),
        ("imagex_signature", 100010, "SignatureDoesNotMatch"),
        ("imagex_forbidden", 100013, "AccessDenied"),
    ],
)
@pytest.mark.parametrize("on", ["apply_upload", "commit_upload"])
async def test_the_control_host_may_refuse(fault: str, number: int, code: str, on: str) -> None:
    sim = Sim()
    sender = Sender(sim)
    await sender.token()
    await sim.fault(fault, on=on, account=sim.session)
    if on == "apply_upload":
        answer = await sender.apply(11)
    else:
        address = await sender.place(11)
        await sender.blob(address, b"hello world")
        answer = await sender.commit(address["SessionKey"])
    assert answer.status == 403
    assert (error_of(answer)["CodeN"], error_of(answer)["Code"]) == (number, code)
    assert (await sim.ledger())["uploads"] == []
    assert await sender.upload(b"hello world")


@pytest.mark.parametrize(
    ("fault", "host"),
    [
        ("foreign_upload_host", "upload.elsewhere.example"),
        ("private_upload_host", "169.254.169.254"),
    ],
)
async def test_one_answer_may_name_a_host_that_must_not_be_sent_to(fault: str, host: str) -> None:
    sim = Sim()
    sender = Sender(sim)
    await sim.fault(fault)
    assert (await sender.place(11))["UploadHosts"] == [host]
    assert (await sender.place(11))["UploadHosts"] == ["127.0.0.1:5199"]


@pytest.mark.parametrize(
    ("fault", "status", "kept"),
    [
        ("blob_no_content", 204, False),
        ("blob_refused", 403, False),
        ("crc_mismatch", 400, False),
        ("crc_differs", 200, True),
        ("html_502", 502, False),
        ("accepted_then_reset", None, True),
        ("reset", None, False),
        ("reset_amid_upload", None, False),
    ],
)
async def test_the_bytes_may_be_spoilt_on_their_way(
    fault: str, status: int | None, kept: bool
) -> None:
    sim = Sim()
    sender = Sender(sim)
    address = await sender.place(11)
    await sim.fault(fault, on="blob")
    if status is None:
        with pytest.raises(ConnectionResetError):
            await sender.blob(address, b"hello world")
    else:
        answer = await sender.blob(address, b"hello world")
        assert answer.status == status
        if fault == "crc_differs":
            assert answer.json["data"]["crc32"] != "0d4a1185"
    (result,) = (await sender.commit(address["SessionKey"])).json["Result"]["Results"]
    assert result["UriStatus"] == (2000 if kept else 2001)
    assert (await sim.control("GET", "/faults")).json["unspent"] == 0


async def test_a_commit_may_fail_in_its_own_ways() -> None:
    sim = Sim()
    sender = Sender(sim)

    async def committed(fault: str) -> Answer:
        address = await sender.place(11)
        await sender.blob(address, b"hello world")
        await sim.fault(fault)
        return await sender.commit(address["SessionKey"])

    assert error_of(await committed("session_key_unknown"))["CodeN"] == 30406
    assert (await committed("results_empty")).json["Result"]["Results"] == []
    failed = (await committed("commit_failed")).json["Result"]["Results"]
    assert failed[0]["UriStatus"] == 2001
    assert (await sim.ledger())["uploads"] == []
    assert (await sim.submit(blend_form(failed[0]["Uri"]))).ret == "1000"


async def test_a_commit_may_take_effect_though_its_answer_is_lost() -> None:
    sim = Sim()
    sender = Sender(sim)
    address = await sender.place(11)
    await sender.blob(address, b"hello world")
    await sim.fault("accepted_then_reset", on="commit_upload")
    with pytest.raises(ConnectionResetError):
        await sender.commit(address["SessionKey"])
    assert len((await sim.ledger())["uploads"]) == 1
    assert error_of(await sender.commit(address["SessionKey"]))["CodeN"] == 30406
    assert await sender.upload(b"hello world") != address["StoreInfos"][0]["StoreUri"]


async def test_answers_of_the_upload_hosts_may_be_no_json() -> None:
    sim = Sim()
    sender = Sender(sim)
    await sender.token()
    await sim.fault("truncated_json", on="apply_upload")
    with pytest.raises(json.JSONDecodeError):
        _ = (await sender.apply(11)).json
    await sim.fault("busy", on="upload_token")
    assert (await sender.ask("/mweb/v1/get_upload_token", {"scene": 2})).ret == "1014"


async def test_uploads_side_by_side_leave_nothing_but_small_copies() -> None:
    sim = Sim()
    body = picture(size=(2000, 1500), form="BMP")
    assert len(body) > 8 * 2**20

    async def one() -> str:
        return await Sender(sim).upload(body)

    uris = await asyncio.gather(*(one() for _ in range(10)))
    assert len(set(uris)) == 10
    for uri in uris:
        photo = sim.world.uploads.files[uri].photo
        assert max(photo.tile.width, photo.tile.height) == 64
        assert len(photo.tile.cells) <= 64 * 64
    assert not sim.world.uploads.slots


def test_names_are_the_same_for_the_same_seed_and_differ_otherwise() -> None:
    def first_key(seed: int) -> str:
        world = World(seed=seed)
        session = world.session("a" * 32)
        assert session is not None
        return world.uploads.lend(session, CN, "imagex", 0.0).secret

    assert first_key(1) == first_key(1) != first_key(2)
