"""Films from pictures, films and sounds, and work on finished films."""

import json
from typing import Any

import pytest

from jimeng_api.simulator.accounts import USUAL_CREDITS
from jimeng_api.simulator.pictures import input_places
from tests.simulator.caller import Sim
from tests.simulator.film_forms import (
    FAST,
    MINI,
    PRO,
    SAMPLE,
    TWO_FIVE,
    edit_form,
    film_form,
    frames_form,
    many_frames_form,
    material,
    omni_form,
    subjects_form,
    work_form,
)
from tests.simulator.film_sender import uploaded_films
from tests.simulator.films import Seen, a_film, a_sound, made, near
from tests.simulator.sender import picture, uploaded

RED, GREEN, BLUE, YELLOW = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)
COLOURS = [RED, GREEN, BLUE, YELLOW]


def tiles(film: Seen, count: int, frame: int = 0) -> list[Any]:
    """The colours in the middle of the places where inputs show."""
    return [
        film.colour(
            frame,
            (place.left + place.side / 2) / film.width,
            (place.top + place.side / 2) / film.height,
        )
        for place in input_places(film.width, film.height, count)
    ]


async def ledger_row(sim: Sim) -> Any:
    return (await sim.ledger())["submits"][-1]


@pytest.mark.parametrize("bare", [False, True])
async def test_an_omni_film_shows_what_went_in(bare: bool) -> None:
    sim = Sim()
    uris = await uploaded(sim, picture(RED), picture(GREEN))
    vids = await uploaded_films(sim, a_film(BLUE), a_sound())
    form = omni_form(
        material("image", uris[0]),
        material("image", uris[1]),
        material("video", vids[0]),
        material("audio", vids[1]),
        bare=bare,
    )
    record, film = await made(sim, form)
    shown = tiles(film, 4)
    assert all(near(one, other) for one, other in zip(shown, [RED, GREEN, BLUE], strict=False))
    assert film.sound == "aac"
    assert record["history_group_key"] == "moves like this"
    row = await ledger_row(sim)
    assert (row["film"]["mode"], row["inputs"]) == ("omni", [*uris, *vids])
    assert [each["kind"] for each in row["film"]["inputs"]] == ["picture"] * 2 + ["film", "sound"]
    assert row["remarks"] == []


@pytest.mark.parametrize(
    ("named", "benefit"),
    [
        (("image", "audio"), None),
        ((), None),
        (("image", "video"), "dreamina_seedance_20_fast_with_video"),
        (("video",), "dreamina_video_seedance_20_video_add"),
    ],
)
async def test_films_may_be_missing_among_the_pieces_of_the_prompt(
    named: tuple[str, ...], benefit: str | None
) -> None:
    sim = Sim()
    (uri,) = await uploaded(sim, picture(RED))
    (vid,) = await uploaded_films(sim, a_film(BLUE))
    form = omni_form(
        material("image", uri), material("video", vid), model=FAST, named=named, benefit=benefit
    )
    assert (await sim.submit(form)).ret == "0"


async def test_a_film_that_goes_in_is_paid_for_too() -> None:
    sim = Sim()
    (vid,) = await uploaded_films(sim, a_film(seconds=3))
    await sim.accepted(omni_form(material("video", vid), seconds=5))
    assert await sim.balance() == USUAL_CREDITS - 6 * (5 + 3)


async def test_a_sound_may_come_the_way_pictures_go() -> None:
    sim = Sim()
    uris = await uploaded(sim, picture(RED), a_sound())
    audio = {"material_type": "audio", "audio_info": {"audio_uri": uris[1], "uri": uris[1]}}
    _, film = await made(sim, omni_form(material("image", uris[0]), audio))
    assert film.sound == "aac"


async def test_a_saved_subject_may_go_in() -> None:
    sim = Sim()
    subject = {"material_type": "subject", "subject_data": {"subject_id": "77", "uid": "1"}}
    assert (await sim.submit(omni_form(subject))).ret == "0"
    assert (await ledger_row(sim))["inputs"] == ["77"]
    nameless = {"material_type": "subject", "subject_data": {}}
    assert (await sim.submit(omni_form(nameless))).ret == "1000"


async def test_what_goes_in_must_be_there_and_ones_own() -> None:
    sim = Sim()
    (uri,) = await uploaded(sim, picture(RED))
    film, sound = await uploaded_films(sim, a_film(), a_sound())
    wrong = [
        frames_form("tos-cn-i-x/unknown"),
        frames_form(uri, "tos-cn-i-x/unknown"),
        omni_form(material("video", "v0unknown")),
        omni_form(material("audio", film)),
        omni_form(material("video", sound)),
        omni_form(material("image", film)),
        omni_form(material("text", uri)),
    ]
    for form in wrong:
        assert (await sim.submit(form)).ret == "1000"
    assert (await sim.submit(frames_form(uri), session="e" * 32)).ret == "1000"
    assert (await sim.ledger())["totals"]["accepted"] == 0


async def test_pieces_of_the_prompt_must_name_what_is_there() -> None:
    sim = Sim()
    (uri,) = await uploaded(sim, picture(RED))
    form = omni_form(material("image", uri))
    for index in (1, -1, None):
        tree = json.loads(form["draft_content"])
        node = tree["component_list"][0]["abilities"]["gen_video"]["text_to_video_params"]
        unified = node["video_gen_inputs"][0]["unified_edit_input"]
        unified["meta_list"][0]["material_ref"]["material_idx"] = index
        assert (await sim.submit({**form, "draft_content": json.dumps(tree)})).ret == "1000"


async def test_only_so_much_goes_in() -> None:
    sim = Sim()
    uris = await uploaded(sim, *[picture(RED)] * 10)
    forms = [material("image", uri) for uri in uris]
    assert (await sim.submit(omni_form(*forms))).ret == "1000"
    assert (await sim.submit(omni_form(*forms[:9]))).ret == "0"
    assert (await sim.submit(omni_form(*forms, model=TWO_FIVE))).ret == "0"
    vids = await uploaded_films(sim, *[a_film(size=(32, 32), seconds=0.5)] * 4)
    films = [material("video", vid) for vid in vids]
    assert (await sim.submit(omni_form(*films))).ret == "1000"
    assert (await sim.submit(omni_form(*films[:3]))).ret == "0"


async def test_pictures_follow_each_other_for_as_long_as_each_says() -> None:
    sim = Sim()
    uris = await uploaded(sim, *(picture(colour, size=(640, 360)) for colour in COLOURS[:3]))
    _, film = await made(sim, many_frames_form((uris[0], 1), (uris[1], 3), (uris[2], 2)))
    assert len(film.frames) == 6 * 24 + 1
    for second, colour in (
        (0, RED),
        (0.9, RED),
        (1.1, GREEN),
        (3.9, GREEN),
        (4.1, BLUE),
        (6, BLUE),
    ):
        assert near(film.colour(round(second * 24)), colour), second
    row = await ledger_row(sim)
    assert (row["film"]["mode"], row["inputs"]) == ("multi_frame", uris)
    assert [each["seconds"] for each in row["film"]["inputs"]] == [1, 3, 2]
    assert row["prompt"] == "part 0 / part 1 / part 2"
    assert row["price"] == 36
    assert row["remarks"] == []


async def test_subjects_are_seen_in_the_film() -> None:
    sim = Sim()
    uris = await uploaded(sim, picture(RED), picture(BLUE))
    _, film = await made(sim, subjects_form(*uris))
    shown = tiles(film, 2, -1)
    assert near(shown[0], RED)
    assert near(shown[1], BLUE)
    row = await ledger_row(sim)
    assert (row["film"]["mode"], row["prompt"]) == ("subject_ref", " in a park")


async def test_a_made_picture_and_a_made_film_may_go_in() -> None:
    sim = Sim()
    record, _ = await made(sim, film_form(seconds=4))
    item = record["item_list"][0]
    cover, vid = item["common_attr"]["cover_uri"], item["video"]["video_id"]
    assert (await sim.submit(frames_form(cover))).ret == "0"
    assert (await sim.submit(omni_form(material("video", vid)))).ret == "0"
    assert (await sim.submit(omni_form(material("video", vid)), session="e" * 32)).ret == "1000"


async def test_an_edit_is_as_long_as_what_is_edited_and_keeps_the_ratio() -> None:
    sim = Sim()
    (vid,) = await uploaded_films(sim, a_film(GREEN, size=(360, 640), seconds=6))
    form = edit_form(material("video", vid), end=5000)
    _, film = await made(sim, form)
    assert (film.width, film.height, len(film.frames)) == (720, 1280, 121)
    assert near(tiles(film, 1)[0], GREEN)
    row = await ledger_row(sim)
    assert (row["film"]["mode"], row["price"]) == ("edit", 100)
    (uri,) = await uploaded(sim, picture(RED))
    upside = edit_form(material("image", uri), material("video", vid))
    assert (await sim.submit(upside)).ret == "1000"
    assert (await sim.submit(edit_form(material("video", vid), start=5000))).ret == "1001"


# --------------------------------------------------- work on a finished film


async def finished(sim: Sim, **how: Any) -> tuple[Any, Any, str]:
    record, _ = await made(sim, film_form(seconds=4, **how))
    item = record["item_list"][0]
    return item["common_attr"]["id"], record["history_record_id"], item["video"]["video_id"]


def interpolation(target: int = 60, **how: Any) -> Any:
    block = {"target_fps": target, "origin_fps": 24, "duration_ms": 4042}
    return work_form("insert_frame", block, benefit="video_frame_interpolation", **how)


async def test_interpolation_makes_more_frames_of_the_same_length() -> None:
    sim = Sim()
    item, history, vid = await finished(sim)
    record, film = await made(sim, interpolation(item=item, history=history, vid=vid))
    assert (film.fps, len(film.frames)) == (60, round(97 * 2.5))
    assert abs(film.seconds - 97 / 24) < 0.02
    assert record["origin_history_record_id"] == history
    row = await ledger_row(sim)
    assert (row["film"]["mode"], row["film"]["item_id"]) == ("insert_frame", item)
    assert (row["prompt"], row["model_req_key"]) == (
        "a paper boat on a pond",
        "video_frame_interpolation",
    )


async def test_interpolation_takes_an_uploaded_film_and_a_draft_with_its_parent() -> None:
    sim = Sim()
    (vid,) = await uploaded_films(sim, a_film(YELLOW, size=(640, 480)))
    form = interpolation(30, vid=vid)
    tree = json.loads(form["draft_content"])
    parent = {"type": "video_base_component", "id": "parent", "generate_type": "gen_video"}
    tree["component_list"][0]["parent_id"] = "parent"
    tree["component_list"].insert(0, parent)
    _, film = await made(sim, {**form, "draft_content": json.dumps(tree)})
    assert (film.fps, film.width, film.height) == (30, 640, 480)
    assert near(film.colour(0), YELLOW)


async def test_upscaling_makes_the_same_film_larger() -> None:
    sim = Sim()
    item, history, vid = await finished(sim)
    block = {"target_width": 1920, "target_height": 1080, "origin_width": 1280}
    form = work_form(
        "super_resolution", block, benefit="video_upscale", item=item, history=history, vid=vid
    )
    _, film = await made(sim, form)
    assert (film.width, film.height, len(film.frames)) == (1920, 1080, 97)
    block["target_width"] = 9000
    form = work_form("super_resolution", block, benefit="video_upscale", vid=vid)
    assert (await sim.submit(form)).ret == "1001"


def promotion(item: Any, history: Any, resolution: str = "1080p") -> Any:
    benefit = f"seedance_25_{resolution}_output"
    return work_form(
        "generate_from_draft",
        {},
        benefit=benefit,
        item=item,
        history=history,
        resolution=resolution,
    )


async def test_a_sample_becomes_a_film_at_a_higher_resolution() -> None:
    sim = Sim()
    item, history, _ = await finished(sim, model=SAMPLE, resolution="480p", ratio="9:16")
    record, film = await made(sim, promotion(item, history))
    assert (film.width, film.height, len(film.frames)) == (1080, 1920, 97)
    assert record["model_info"]["model_req_key"] == TWO_FIVE
    assert (await ledger_row(sim))["price"] == 160
    assert (await sim.submit(promotion(item, history, "480p"))).ret in ("1001", "5001")


async def test_only_ones_own_samples_that_are_done_can_be_promoted() -> None:
    sim = Sim()
    item, history, _ = await finished(sim, model=MINI)
    assert (await sim.submit(promotion(item, history))).ret == "1000"
    item, history, _ = await finished(sim, model=SAMPLE, resolution="480p")
    assert (await sim.submit(promotion(item, history), session="e" * 32)).ret == "1000"
    assert (await sim.submit(promotion(item, "13500000000999"))).ret == "1000"
    assert (await sim.submit(promotion(item, history))).ret == "0"
    nothing = work_form("insert_frame", {"target_fps": 60}, benefit="video_frame_interpolation")
    assert (await sim.submit(nothing)).ret == "1000"
    await sim.time(seconds=100)
    running = await sim.accepted(film_form(model=PRO))
    (row,) = [row for row in (await sim.ledger())["submits"] if row["submit_id"] == running]
    early = interpolation(item=row["film"]["made_item_id"], history=row["history_id"])
    assert (await sim.submit(early)).ret == "1000"


async def test_no_film_becomes_longer_than_anybody_would_wait_for() -> None:
    sim = Sim()
    (uri,) = await uploaded(sim, picture(RED, size=(640, 360)))
    _, film = await made(sim, many_frames_form((uri, 1_000_000), (uri, 1)))
    assert len(film.frames) == 9 * 24 + 1
    (vid,) = await uploaded_films(sim, a_film(GREEN, size=(32, 32), seconds=61))
    _, film = await made(sim, edit_form(material("video", vid), end=60_000))
    assert len(film.frames) == 30 * 24 + 1
    _, film = await made(sim, interpolation(24, vid=vid))
    assert len(film.frames) == 60 * 24
