"""What is wrong with a field, in words that name the field and what it takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from jimeng_api.domain.errors import InvalidRequest, InvalidValue, MissingParameter


def refusal(
    problems: Iterable[Mapping[str, Any]], *, model: type[BaseModel] | None = None
) -> InvalidRequest:
    """The first problem that pydantic found, as an error. `model` lends the words of its field."""
    problem = next(iter(problems))
    names = [str(name) for name in problem["loc"] if name not in ("body", "query", "path")]
    param = names[0] if names else None
    if problem["type"] == "missing":
        return MissingParameter(f"{param} is missing.{_takes(model, param)}", param=param)
    what = str(problem["msg"]).removeprefix("Value error, ").rstrip(".")
    return InvalidValue(f"{param}: {what}.{_takes(model, param)}", param=param)


def _takes(model: type[BaseModel] | None, param: str | None) -> str:
    field = model.model_fields.get(param) if model and param else None
    return f" It takes: {field.description}" if field and field.description else ""
