"""How a generation failed, as a value that is kept with its job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from jimeng_api.domain.errors import (
    Charge,
    GatewayError,
    InternalError,
    UpstreamCode,
    every_error,
)

UNKNOWN_CHARGE = Charge.UNKNOWN.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One error, written down. `error()` gives it back as the exception that callers are answered by."""

    code: str
    message: str
    charge: str
    param: str | None = None
    retry_after: float | None = None
    upstream_code: str = ""
    upstream_text: str = ""
    upstream_log_id: str = ""

    @classmethod
    def of(cls, error: GatewayError) -> Self:
        upstream = error.upstream or UpstreamCode()
        return cls(
            code=error.code,
            message=error.message,
            charge=error.charge.value,
            param=error.param,
            retry_after=error.retry_after,
            upstream_code=upstream.code,
            upstream_text=upstream.text,
            upstream_log_id=upstream.log_id,
        )

    def error(self) -> GatewayError:
        kind = _BY_CODE.get(self.code, InternalError)
        error = kind(self.message)
        error.param = self.param
        error.retry_after = self.retry_after
        if self.upstream_code or self.upstream_text or self.upstream_log_id:
            error.upstream = UpstreamCode(
                self.upstream_code, self.upstream_text, self.upstream_log_id
            )
        return error


_BY_CODE = {kind.code: kind for kind in reversed(every_error())}
