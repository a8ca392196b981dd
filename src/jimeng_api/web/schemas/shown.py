"""Bodies that only the OpenAPI document describes.

Routes name them, and `web/document.py` puts them in when somebody asks for the document: to have FastAPI
build them all would cost every start a tenth of a second.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

PLACE = "#/components/schemas/"


class Shown(BaseModel):
    """A body that is answered as ready bytes, and not through its class."""

    model_config = ConfigDict(defer_build=True)


def named(model: type[BaseModel]) -> dict[str, str]:
    """The schema of this model, by name."""
    return {"$ref": f"{PLACE}{model.__name__}"}
