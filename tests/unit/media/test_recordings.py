from __future__ import annotations

import io
import struct
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import pytest
from av.audio.stream import AudioStream
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from jimeng_api.media.anatomy import NotTaken
from jimeng_api.media.recordings import (
    MOST_FILM_BYTES,
    MOST_SOUND_BYTES,
    Recording,
    examine,
    recording_of,
)
from tests.unit.media.pictures import picture

FRAGMENTED = "frag_keyframe+empty_moov"


def film(
    *,
    form: str = "mp4",
    size: tuple[int, int] = (64, 48),
    seconds: float = 2,
    fps: int = 24,
    sound: bool = False,
    flags: str = "",
) -> bytes:
    with TemporaryDirectory() as folder:
        target = Path(folder) / "film"  # to put its contents first, it is read again
        options = {"movflags": flags} if flags else {}
        with av.open(str(target), "w", format=form, options=options) as container:
            stream = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast"})
            stream.width, stream.height = size
            stream.pix_fmt = "yuv420p"
            beside = container.add_stream("aac", rate=16_000, layout="mono") if sound else None
            image = Image.new("RGB", size, (200, 30, 30))
            for _ in range(round(seconds * fps)):
                container.mux(stream.encode(av.VideoFrame.from_image(image)))  # type: ignore[no-untyped-call]
            container.mux(stream.encode(None))
            if isinstance(beside, AudioStream):
                for _ in range(round(seconds * 16_000 / 1024)):
                    container.mux(beside.encode(silence("fltp", 16_000, 1024)))
                container.mux(beside.encode(None))
        return target.read_bytes()


def silence(form: str, rate: int, samples: int) -> av.AudioFrame:
    frame = av.AudioFrame(format=form, layout="mono", samples=samples)
    frame.sample_rate = rate
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    return frame


def sound(
    form: str = "wav", *, seconds: float = 2, rate: int = 16_000, codec: str = "", **options: str
) -> bytes:
    codec = codec or {"wav": "pcm_s16le", "mp3": "libmp3lame"}[form]
    target = io.BytesIO()
    with av.open(target, "w", format=form, options=options) as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        assert isinstance(stream, AudioStream)
        for _ in range(round(seconds * rate / 576)):
            kind = "s16" if codec == "pcm_s16le" else "s16p"
            container.mux(stream.encode(silence(kind, rate, 576)))
        container.mux(stream.encode(None))
    return target.getvalue()


def taken(body: bytes) -> Recording:
    return examine(io.BytesIO(body))


@pytest.mark.parametrize("form", ["mp4", "mov"])
@pytest.mark.parametrize("flags", ["", "faststart", FRAGMENTED])
@pytest.mark.parametrize("fps", [24, 60])
@pytest.mark.parametrize("with_sound", [False, True])
def test_a_film_is_what_a_player_says_it_is(
    form: str, flags: str, fps: int, with_sound: bool
) -> None:
    body = film(form=form, fps=fps, sound=with_sound, flags=flags)
    found = taken(body)
    assert found.content_type == {"mp4": "video/mp4", "mov": "video/quicktime"}[form]
    assert (found.width, found.height) == (64, 48)
    assert abs(found.fps - fps) < 0.1
    with av.open(io.BytesIO(body), "r") as container:
        said = (container.duration or 0) / 1e6
    assert abs(said - 2) < 0.2
    assert abs(found.seconds - said) < 0.1


@pytest.mark.parametrize("form", ["wav", "mp3"])
@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_a_sound_is_as_long_as_a_player_says(form: str, rate: int) -> None:
    body = sound(form, rate=rate, seconds=3)
    found = taken(body)
    assert found.content_type == {"wav": "audio/wav", "mp3": "audio/mpeg"}[form]
    assert (found.width, found.height, found.fps) == (0, 0, 0)
    assert abs(found.seconds - 3) < 0.2


def test_tags_around_a_sound_do_no_harm() -> None:
    body = sound("mp3", id3v2_version="0", write_xing="0")
    assert body[:1] == b"\xff"
    tag = b"ID3\x04\0\0" + bytes([0, 0, 2, 0]) + bytes(256)
    plain = taken(body).seconds
    assert taken(tag + bytes(30) + body + b"TAG" + bytes(125)).seconds == plain


def boxes(body: bytes) -> list[tuple[int, int, bytes]]:
    found, at = [], 0
    while at < len(body):
        length, name = struct.unpack_from(">I4s", body, at)
        found.append((at, length, name))
        at += length
    return found


def changed(body: bytes, name: bytes, offset: int, value: bytes) -> bytes:
    """With other bytes that far behind a box's name."""
    contents = 0 if name == b"mdat" else max(body.find(b"moov"), 0)
    at = body.index(name, contents) + 4 + offset
    return body[:at] + value + body[at + len(value) :]


def test_a_film_that_was_held_upright_is_meant_to_be_seen_so() -> None:
    upright = struct.pack(">iiiii", 0, 0x10000, 0, -0x10000, 0)
    found = taken(changed(film(), b"tkhd", 40, upright))
    assert (found.width, found.height) == (48, 64)


FILM = film(sound=True)
FRAGMENTS = film(flags=FRAGMENTED)
WAV, MP3 = sound("wav"), sound("mp3")
HUGE = struct.pack(">I", 2**32 - 1)


def matroska() -> bytes:
    target = io.BytesIO()
    with av.open(target, "w", format="matroska") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height = 64, 48
        stream.pix_fmt = "yuv420p"
        container.mux(stream.encode(None))
    return target.getvalue()


def nested(depth: int) -> bytes:
    body = b""
    for _ in range(depth):
        body = struct.pack(">I4s", len(body) + 8, b"moov") + body
    return body


HOSTILE = {
    "nothing": b"",
    "one byte": b"\0",
    "a page": b"<!DOCTYPE html><html><body>film.mp4</body></html>",
    "a playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\nfile:///etc/passwd\n",
    "a concat list": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "a picture": picture(),
    "matroska": matroska(),
    "a moving picture": b"GIF89a" + bytes(40),
    "avi": b"RIFF" + struct.pack("<I", 100) + b"AVI " + bytes(92),
    "ogg": b"OggS" + bytes(60),
    "a head alone": FILM[:32],
    "nothing but its type": FILM[: boxes(FILM)[0][1]],
    "half a film": FILM[: len(FILM) // 2],
    "all but a byte": FILM[:-1],
    "contents without a film": b"".join(
        FILM[at : at + n] for at, n, name in boxes(FILM) if name != b"mdat"
    ),
    "a film without contents": b"".join(
        FILM[at : at + n] for at, n, name in boxes(FILM) if name != b"moov"
    ),
    "only a sound in it": changed(FILM, b"vide", -4, b"soun"),
    "no seconds": changed(changed(FILM, b"mvhd", 12, bytes(4)), b"mdhd", 12, bytes(4)),
    "no length": changed(FILM, b"mvhd", 16, bytes(4)),
    "centuries": changed(FILM, b"mvhd", 16, b"\x7f\xff\xff\xff"),
    "no width": changed(FILM, b"avc1", 24, bytes(2)),
    "very many pixels": changed(FILM, b"avc1", 24, b"\xff\xff\xff\xff"),
    "samples as many as there can be": changed(FILM, b"stsz", 8, HUGE),
    "in another file": changed(FILM, b"url ", 0, bytes(4)),
    "many other files": changed(FILM, b"dref", 4, HUGE),
    "a box without an end": changed(FILM, b"mdat", -8, HUGE),
    "a box that is too short": changed(FILM, b"mdat", -8, struct.pack(">I", 4)),
    "a long box that is too short": struct.pack(">I4sQ", 1, b"ftyp", 3) + FILM,
    "boxes in boxes": nested(5000),
    "a hundred thousand boxes": struct.pack(">I4s", 8, b"free") * 100_000,
    "samples without end": changed(FRAGMENTS, b"trun", 4, HUGE),
    "half of its fragments": FRAGMENTS[: len(FRAGMENTS) // 2],
    "half a wav": WAV[: len(WAV) // 2],
    "a wav head": WAV[:20],
    "a wav of no speed": changed(WAV, b"fmt ", 12, bytes(4)),
    "a wav of another": b"RIFF" + struct.pack("<I", 4) + b"WAVE",
    "a tag alone": b"ID3\x04\0\0\0\0\0\0",
    "a tag that never ends": b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(100),
    "one frame": MP3[:600][-40:],
    "rubbish behind a tag": b"ID3\x04\0\0\0\0\0\0" + b"rubbish" * 100,
    "mostly rubbish": sound("mp3", id3v2_version="0")[:2000] + b"rubbish" * 1000,
    "a large film": FILM[:32] + bytes(MOST_FILM_BYTES),
    "a large sound": WAV + bytes(MOST_SOUND_BYTES),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_film_and_no_sound_is_refused_at_once(name: str) -> None:
    began = time.perf_counter()
    with pytest.raises(NotTaken) as caught:
        taken(HOSTILE[name])
    assert time.perf_counter() - began < 2
    assert str(caught.value).split()[0] in ("is", "has", "does")


@pytest.mark.parametrize(
    "whole", [FILM, FRAGMENTS, WAV, MP3], ids=["film", "fragments", "wav", "mp3"]
)
@given(data=st.data())
@settings(max_examples=60, deadline=2000)
def test_whatever_becomes_of_a_file_it_is_measured_or_refused(whole: bytes, data: Any) -> None:
    body = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 6))):
        if body:
            body[data.draw(st.integers(0, min(len(body), 3000) - 1))] = data.draw(
                st.integers(0, 255)
            )
    try:
        found = taken(bytes(body))
    except NotTaken:
        return
    assert 0 < found.seconds < 24 * 3600
    assert found.content_type.partition("/")[0] in ("video", "audio")


async def test_a_file_on_the_disk_is_read_elsewhere_than_in_the_event_loop(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"  # names say nothing
    path.write_bytes(FILM)
    assert await recording_of(path) == await recording_of(FILM) == taken(FILM)
