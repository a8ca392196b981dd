"""Pictures that a film passes through or shows the subjects of. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from jimeng_api.domain.requests import VideoRequest
from jimeng_api.upstream.payloads.draft import Tree, Writer
from jimeng_api.upstream.payloads.omni import meta_list


def first_and_last(write: Writer, request: VideoRequest, uploads: Sequence[str]) -> Tree:
    """The picture that the film begins with, and the one that it ends with."""
    names = ("first_frame_image", "end_frame_image")
    return {
        name: write.uploaded(uri, of=one)
        for name, uri, one in zip(names, uploads, request.inputs, strict=False)
    }


def multi_frames(write: Writer, request: VideoRequest, uploads: Sequence[str]) -> list[Tree]:
    return [
        {
            **write.node(),
            "idx": index,
            "duration_ms": round(frame.seconds * 1000),
            "prompt": frame.prompt,
            "media_info": {
                **write.node(),
                "media_type": 1,
                "image_info": write.uploaded(uri, of=one),
            },
        }
        for index, (frame, uri, one) in enumerate(
            zip(request.frames, uploads, request.inputs, strict=True)
        )
    ]


def idip_frames(write: Writer, request: VideoRequest, uploads: Sequence[str]) -> Tree:
    """Pictures of subjects, and the prompt that says where which of them comes in."""

    def meant(index: int) -> Tree:
        return {"meta_type": "idip_frame", "frame_info": {**write.node(), "image_idx": index}}

    return {
        "idip_frames": [
            write.uploaded(uri, of=one) for uri, one in zip(uploads, request.inputs, strict=True)
        ],
        "idip_meta_list": meta_list(write, request, meant),
    }
