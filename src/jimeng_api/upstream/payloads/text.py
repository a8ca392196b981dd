"""The draft of pictures from words. Pure."""

from __future__ import annotations

from jimeng_api.catalog.sizes import SizeChoice
from jimeng_api.domain.requests import ImageRequest
from jimeng_api.upstream.payloads.draft import Tree, Writer


def text_draft(write: Writer, request: ImageRequest, key: str, size: SizeChoice) -> Tree:
    draft, generate = write.draft("generate")
    core = generate["core_param"] = write.core_param(request, key, size, request.prompt)
    if request.intelligent_ratio:
        core["intelligent_ratio"] = True
        del core["image_ratio"]  # the upstream chooses
    core["generate_type"] = 0
    write.set_count(draft, request)
    return draft
