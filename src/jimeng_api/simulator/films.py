"""The result films: true MP4 files, encoded when they are asked for, at very little cost.

A scene stands still, so one second of it is encoded and the packets of that second are written
again and again: each such second begins with a key frame and leans on nothing before it. So the
cost hardly depends on the length.
"""

import io
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

import av
from av.video.frame import PictureType
from PIL import Image

from jimeng_api.simulator.pictures import Order, enlarged
from jimeng_api.simulator.tiles import Tile

FPS = 24

_SECOND = 24  # frames between key frames
_SAMPLES = 1024  # in one packet of AAC
_RATE = 44_100
_LEAD = 6  # packets of sound until silence has settled
_X264 = {
    "preset": "ultrafast",
    "tune": "zerolatency",
    "crf": "30",
    "forced-idr": "1",
    "g": "1000",
    "x264-params": "threads=1:scenecut=0",
}


class Scene(NamedTuple):
    """Something that is seen for so many frames."""

    look: Order | Tile
    frames: int


class FilmOrder(NamedTuple):
    """What is to be filmed."""

    scenes: tuple[Scene, ...]
    width: int
    height: int
    fps: int = FPS
    sound: bool = False

    @property
    def frames(self) -> int:
        return sum(scene.frames for scene in self.scenes)

    @property
    def seconds(self) -> float:
        return self.frames / self.fps


def film(order: FilmOrder) -> bytes:
    """The film as an MP4 file; the same bytes for the same order, always."""
    target = io.BytesIO()
    # The format is named and the flag set, so that nothing of the machine gets into the file.
    with av.open(target, "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        pictures = container.add_stream("libx264", rate=order.fps, options=dict(_X264))
        pictures.width, pictures.height = order.width, order.height
        pictures.pix_fmt = "yuv420p"
        sound = container.add_stream("aac", rate=_RATE, layout="mono") if order.sound else None
        at = 0
        for scene in order.scenes:
            image = enlarged(scene.look, order.width, order.height)
            second = list(_encoded(pictures, image, min(scene.frames, _SECOND + 1)))
            for number in _order_of(scene.frames):
                packet = av.Packet(second[number])
                packet.stream, packet.time_base = pictures, Fraction(1, order.fps)
                packet.pts = packet.dts = at
                packet.duration = 1
                packet.is_keyframe = number == 0
                container.mux(packet)
                at += 1
        if sound is not None:
            quiet = _silence(sound)
            for count in range(int(order.seconds * _RATE / _SAMPLES)):
                packet = av.Packet(quiet)
                packet.stream, packet.time_base = sound, Fraction(1, _RATE)
                packet.pts = packet.dts = count * _SAMPLES
                packet.duration = _SAMPLES
                packet.is_keyframe = True
                container.mux(packet)
    return target.getvalue()


def _order_of(frames: int) -> Iterator[int]:
    """Which frame of the second comes at each place; no second has one frame alone."""
    whole, rest = divmod(frames, _SECOND)
    for number in range(whole):
        last = number == whole - 1 and rest == 1
        yield from range(_SECOND + last)
    if rest > 1 or not whole:
        yield from range(rest)


def _encoded(stream: av.VideoStream, image: Image.Image, frames: int) -> Iterator[bytes]:
    frame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
    frame = frame.reformat(format="yuv420p")
    for number in range(frames):
        frame.pts = None
        frame.pict_type = PictureType.I if number == 0 else PictureType.NONE
        for packet in stream.encode(frame):
            yield bytes(packet)


def _silence(stream: av.AudioStream) -> bytes:
    quiet = b""
    for _ in range(_LEAD):
        frame = av.AudioFrame(format="fltp", layout="mono", samples=_SAMPLES)
        frame.sample_rate = _RATE
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        for packet in stream.encode(frame):
            quiet = bytes(packet)
    return quiet
