"""Pictures, films and sounds that a prompt refers to. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from jimeng_api.domain.inputs import Input, Material
from jimeng_api.domain.requests import Piece, VideoRequest
from jimeng_api.upstream.payloads.draft import Tree, Writer

# What the page's reports call them.
CODES: Final[Mapping[Material, int]] = MappingProxyType({"image": 1, "video": 2, "audio": 3})


def unified_edit(write: Writer, request: VideoRequest, uploads: Sequence[str]) -> Tree:
    materials = [one.kind for one in request.inputs]

    def meant(index: int) -> Tree:
        return {
            "meta_type": materials[index],
            "material_ref": {**write.node(), "material_idx": index},
        }

    tree: Tree = {
        **write.node(),
        "material_list": [
            _material(write, one, name) for one, name in zip(request.inputs, uploads, strict=True)
        ],
        "meta_list": meta_list(write, request, meant),
    }
    if request.mode == "edit":
        end = request.edit_to or request.inputs[0].seconds
        tree["edit_input"] = {
            "enable": True,
            "edit_from_material_idx": 0,
            "start_timestamp_ms": round(request.edit_from * 1000),
            "end_timestamp_ms": round(end * 1000),
        }
    return tree


def meta_list(write: Writer, request: VideoRequest, meant: Callable[[int], Tree]) -> list[Tree]:
    """The prompt in pieces; one that names none of the inputs is preceded by all of them."""
    pieces = request.pieces
    if all(piece.input is None for piece in pieces):
        named = tuple(Piece(input=index) for index in range(len(request.inputs)))
        pieces = (*named, *(pieces or (Piece(text=request.prompt),)))
    return [
        {**write.node(), "meta_type": "text", "text": piece.text}
        if piece.input is None
        else {**write.node(), "text": "", **meant(piece.input)}
        for piece in pieces
        if piece.input is not None or piece.text
    ]


def _material(write: Writer, one: Input, name: str) -> Tree:
    kind = one.kind
    tree = {**write.node(), "material_type": kind}
    if kind == "image":
        picture = write.uploaded(name, of=one)
        return {**tree, "image_info": {**picture, "aigc_image": write.node()}}
    info: Tree = {
        **write.node(kind),
        "source_from": "upload",
        "name": "",
        "vid": name,
        "duration": round(one.seconds * 1000),
    }
    if kind == "video":
        info |= {
            "fps": round(one.fps),
            "width": one.width,
            "height": one.height,
            "cover_image_url": "",
        }
    return {**tree, f"{kind}_info": info}
