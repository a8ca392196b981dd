"""What tests do with films: download, open and look at them."""

import io
from dataclasses import dataclass
from typing import Any

import av
from PIL import Image

from tests.simulator.caller import Answer, Sim

Colour = tuple[int, int, int]
SMALL = 96
LOCAL_ITEMS = "/mweb/v1/get_local_item_list"


@dataclass
class Seen:
    """A film as a player sees it."""

    width: int
    height: int
    fps: float
    seconds: float
    codec: str
    pixels: str
    frames: list[Any]
    """Each made small, so that a film fits into memory."""
    sound: str

    def colour(self, number: int, x: float = 0.5, y: float = 0.5) -> Colour:
        """The colour of one place in one frame."""
        image = self.frames[number]
        found = image.getpixel((int(x * (SMALL - 1)), int(y * (SMALL - 1))))
        return (found[0], found[1], found[2])


def seen(body: bytes) -> Seen:
    """Open a film and decode all of it; anything wrong in it raises."""
    with av.open(io.BytesIO(body), "r") as container:
        stream = container.streams.video[0]
        stream.codec_context.options = {"err_detect": "explode"}
        frames = [_small(frame) for frame in container.decode(stream)]
        return Seen(
            stream.codec_context.width,
            stream.codec_context.height,
            float(stream.average_rate or 0),
            (container.duration or 0) / 1_000_000,
            stream.codec_context.name,
            str(stream.pix_fmt),
            frames,
            container.streams.audio[0].codec_context.name if container.streams.audio else "",
        )


def _small(frame: Any) -> Any:
    return frame.to_image(width=SMALL, height=SMALL)


def near(found: Colour, wanted: Colour) -> bool:
    return max(abs(a - b) for a, b in zip(found, wanted, strict=True)) < 48


def film_link(record: Any, name: str = "origin") -> str:
    link: str = record["item_list"][0]["video"]["transcoded_video"][name]["video_url"]
    return link


async def made(sim: Sim, form: dict[str, Any]) -> tuple[Any, Seen]:
    """The record of a film, and the film."""
    record = await sim.finished(await sim.accepted(form))
    assert record["status"] == 50, record
    return record, seen((await fetched(sim, record)).body)


async def fetched(sim: Sim, record: Any, name: str = "origin") -> Answer:
    answer = await sim.fetch(film_link(record, name))
    assert answer.status == 200, answer.body
    return answer


def a_film(
    colour: Colour = (255, 0, 0),
    *,
    size: tuple[int, int] = (320, 240),
    seconds: float = 2,
    fps: int = 24,
    form: str = "mp4",
) -> bytes:
    """A film of one colour, as a camera makes it."""
    target = io.BytesIO()
    with av.open(target, "w", format=form) as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        image = Image.new("RGB", size, colour)
        for _ in range(round(seconds * fps)):
            container.mux(stream.encode(av.VideoFrame.from_image(image)))  # type: ignore[no-untyped-call]
        container.mux(stream.encode(None))
    return target.getvalue()


def a_sound(seconds: float = 2, form: str = "wav") -> bytes:
    """Silence, as a WAV or MP3 file."""
    target = io.BytesIO()
    with av.open(target, "w", format=form) as container:
        rate, samples = 16_000, 576
        if form == "wav":
            stream = container.add_stream("pcm_s16le", rate=rate, layout="mono")
        else:
            stream = container.add_stream("libmp3lame", rate=rate, layout="mono")
        for _ in range(round(seconds * rate / samples)):
            kind = "s16" if form == "wav" else "s16p"
            frame = av.AudioFrame(format=kind, layout="mono", samples=samples)
            frame.sample_rate = rate
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target.getvalue()
