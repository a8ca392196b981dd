"""From a request for a response to its job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request

from jimeng_api.accounts.session import Caller
from jimeng_api.domain.errors import MissingParameter
from jimeng_api.web.chores import chore_answer, chore_in
from jimeng_api.web.conversation import Said, turn_of
from jimeng_api.web.conversing import Made, order_turn, parameters
from jimeng_api.web.parts import parts_of
from jimeng_api.web.response_input import conversation_in
from jimeng_api.web.schemas.responses.bodies import ResponseBody, model_in, tool_in
from jimeng_api.web.schemas.responses.remarks import Remarks, kept_metadata, kept_tool

NAME = "responses"

# These mean something else here than at the routes for pictures.
_NOT_THEIRS = ("background", "model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request for a response, understood: either its job, or words that answer it at once."""

    remarks: Remarks
    made: Made | None = None
    words: str = ""


async def asked_for(
    request: Request, caller: Caller, body: ResponseBody, fields: Mapping[str, Any]
) -> Asked:
    """What came with the request is let go of here: the wait for the job may be long."""
    tool = tool_in(body.tools)
    default = parts_of(request).options.default_image_model
    model = model_in(body.model, tool, default=default)
    remarks = Remarks(
        model=body.model or model or default,
        tool=kept_tool(tool.fields) if tool else None,
        previous=body.previous_response_id,
        metadata=kept_metadata(body.metadata),
        background=body.background,
        store=body.store,
    )
    said = await conversation_in(request, caller, body.input, body.previous_response_id)
    if chore := _chore(fields, said):
        return Asked(remarks=replace(remarks, store=False), words=chore)

    turn = turn_of(said, param="input")
    if tool and tool.action == "generate":
        turn = replace(turn, before=())
    if tool and tool.action == "edit" and not (turn.files or turn.before):
        raise MissingParameter(
            "input holds no picture, and there is none before it: action edit changes one.",
            param="input",
        )
    theirs = {name: value for name, value in fields.items() if name not in _NOT_THEIRS}
    wished = {**theirs, **(tool.fields if tool else {}), "model": model}
    made = await order_turn(
        request,
        caller,
        turn,
        {**parameters(wished, turn), "partial_images": remarks.partial_images},
        name=NAME,
        param="input",
        fields=fields,
        remarks=remarks.encoded(),
    )
    return Asked(remarks=remarks, made=made)


def _chore(fields: Mapping[str, Any], said: Sequence[Said]) -> str | None:
    """What a client asks on the side; its task may stand in the instructions as well."""
    instructions = fields.get("instructions")
    if isinstance(instructions, str):
        said = (Said(role="system", text=instructions), *said)
    found = chore_in(said)
    return chore_answer(found, said) if found else None
