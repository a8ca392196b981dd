"""How many tasks a number of pictures takes, and how many each is asked for. Pure."""

from __future__ import annotations

from jimeng_api.catalog.image_models import ImageModel
from jimeng_api.domain.errors import InvalidValue


def batches(model: ImageModel, n: int | None) -> tuple[int | None, ...]:
    """One number per task; None leaves it to the model, which then makes its `count_default`.

    The tasks together make at least `n` pictures, and more where the model has no smaller number to offer.
    """
    if n is None:
        return (None,)
    if n < 1:
        raise InvalidValue(f"n must be at least 1, not {n}", param="n")
    if model.count_options is None:
        return (None,) * -(-n // model.count_default)
    tasks: list[int | None] = []
    rest = n
    while rest > 0:
        enough = [option for option in model.count_options if option >= rest]
        tasks.append(min(enough) if enough else max(model.count_options))
        rest -= tasks[-1] or 0
    return tuple(tasks)
