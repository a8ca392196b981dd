from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from jimeng_api.domain.progress import Item, Stage
from jimeng_api.polling.rules import Finish, Patience, Sight, judge
from jimeng_api.upstream.replies.answers import Reply
from jimeng_api.upstream.replies.items import local_items
from tests.unit.upstream.replies.samples import look

ID = "7700000000000000001"
LINK = "https://v3-artist.vlabvod.com/synthetic/video.mp4?expires=1792592000"
DOWNLOAD = "https://v9-dreamnia.jimeng.com/synthetic/best.mp4?a=1&b=2"
COVER = "https://p26-sign.douyinpic.com/synthetic"


def rendition(width: int, url: str = LINK) -> dict[str, Any]:
    return {"width": width, "height": width * 9 // 16, "video_url": url, "format": "mp4", "fps": 24}


def film(**video: Any) -> dict[str, Any]:
    return {
        "common_attr": {
            "id": ID,
            "local_item_id": ID,
            "effect_type": 53,
            "cover_url": "https://p3-dreamina-sign.byteimg.com/small",
        },
        "author": None,
        "video": {
            "video_id": "v02870g10004synthetic0001",
            "duration": 5,
            "duration_ms": 4097,
            "origin_video": None,
            "transcoded_video": {"origin": rendition(1280)},
            "cover_url": COVER,
            "has_audio": True,
            **video,
        },
        "extra": {"template_type": "video"},
    }


def seen(**video: Any) -> Item:
    (item,) = look(item_list=[film(**video)]).items
    return item


def test_a_film_and_what_is_said_of_it() -> None:
    assert seen() == Item(
        kind="film",
        id=ID,
        url=LINK,
        width=1280,
        height=720,
        format="mp4",
        seconds=4.097,
        cover_url=COVER,
        has_audio=True,
        vid="v02870g10004synthetic0001",
    )


@pytest.mark.parametrize(
    ("renditions", "width"),
    [
        ({"360p": rendition(640), "origin": rendition(1280), "1080p": rendition(1920)}, 1280),
        ({"360p": rendition(640), "720p": rendition(1280)}, 1280),
        ({"origin": rendition(1280, ""), "360p": rendition(640)}, 640),
        ({"origin": None, "x": 3, "480p": rendition(854)}, 854),
    ],
)
def test_the_original_is_best_and_else_the_widest(renditions: dict[str, Any], width: int) -> None:
    assert seen(transcoded_video=renditions).width == width


@pytest.mark.parametrize(
    "video",
    [
        {"transcoded_video": None, "origin_video": rendition(1280)},
        {"transcoded_video": [], "play_url": LINK},
        {"transcoded_video": {}, "play_url": "", "download_url": LINK},
        {"transcoded_video": {"origin": {}}, "url": LINK},
    ],
)
def test_a_link_may_stand_elsewhere(video: dict[str, Any]) -> None:
    assert seen(**video).url == LINK


def test_the_asian_sites_have_renditions_beside_the_film() -> None:
    entry = film(transcoded_video=None)
    entry["common_attr"]["transcoded_video"] = {"origin": rendition(1280)}
    (item,) = look(item_list=[entry]).items
    assert (item.url, item.width) == (LINK, 1280)


def test_a_cover_is_no_film() -> None:
    entry = film(transcoded_video=None)
    assert look(item_list=[entry]).items == ()
    entry["video"] = "unreadable"
    assert look(item_list=[entry]).items == ()


@pytest.mark.parametrize(
    ("video", "seconds"),
    [
        ({"duration_ms": 0}, 5.0),
        ({"duration_ms": "4097"}, 4.097),
        ({"duration_ms": None, "duration": "x"}, 0.0),
    ],
)
def test_how_long_it_is(video: dict[str, Any], seconds: float) -> None:
    assert seen(**video).seconds == seconds


def test_a_finished_film_ends_the_waiting_though_nothing_is_counted() -> None:
    progress = look(status=50, item_list=[film()], total_image_count=0, finished_image_count=0)
    assert progress.stage is Stage.DONE
    sight = Sight(progress=progress, age=100, budget=3600, confirmed=True)
    assert judge(sight, Patience()) == Finish(progress)
    running = look(status=45, item_list=[], total_image_count=0, finished_image_count=0)
    assert judge(Sight(progress=running, age=100, budget=3600, confirmed=True), Patience()) is None


def best(definition: str, width: int, url: str, **more: Any) -> dict[str, Any]:
    return {
        "definition": definition,
        "vwidth": width,
        "vheight": width * 9 // 16,
        "main_url": base64.b64encode(url.encode()).decode(),
        **more,
    }


def listed(model: Any, **video: Any) -> dict[str, Item]:
    entry = film(video_model=model, **video)
    return local_items(Reply(data=json.dumps({"item_list": [entry]}).encode()))


@pytest.mark.parametrize(
    "renditions",
    [
        {"video_1": best("360p", 640, LINK), "video_2": best("origin", 1280, DOWNLOAD)},
        {"video_1": best("360p", 640, LINK), "video_2": best("720p", 1280, DOWNLOAD)},
        {"video_1": best("origin", 1280, DOWNLOAD), "video_2": best("1080p", 1920, LINK)},
        {
            "video_1": {
                **best("origin", 1280, ""),
                "backup_url_1": best("", 0, DOWNLOAD)["main_url"],
            }
        },
        {"video_1": {**best("origin", 1280, ""), "main_url": DOWNLOAD}},
        {"video_1": best("origin", 1280, DOWNLOAD.replace("&", "\\u0026"))},
        {"video_1": best("origin", 1280, DOWNLOAD), "video_2": None, "video_3": {"main_url": "%%"}},
        {
            "video_1": {
                "definition": "origin",
                "vwidth": 1280,
                "main_url": base64.urlsafe_b64encode(DOWNLOAD.encode()).decode().rstrip("="),
            }
        },
    ],
)
def test_a_download_is_the_best_of_the_links_in_base64(renditions: dict[str, Any]) -> None:
    model = {"video_list": renditions}
    for written in (json.dumps(model), model):
        item = listed(written)[ID]
        assert (item.url, item.width, item.kind) == (DOWNLOAD, 1280, "film")


@pytest.mark.parametrize("model", [None, "", "{", "[]", '{"video_list": 3}', 7])
def test_without_downloads_the_link_of_a_look_stays(model: Any) -> None:
    assert listed(model)[ID].url == LINK


def test_either_name_of_the_list_is_read() -> None:
    data = json.dumps({"local_item_list": [film()]}).encode()
    assert local_items(Reply(data=data))[ID].url == LINK
    assert local_items(Reply(data=b"[]")) == {}
