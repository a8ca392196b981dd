"""Errors as values: each has a code of its own, and comes back from its written form."""

from __future__ import annotations

import re

import pytest

from jimeng_api.domain import errors
from jimeng_api.domain.errors import Charge, GatewayError, UpstreamCode, every_error
from jimeng_api.domain.failure import Failure

KINDS = every_error()


def made(kind: type[GatewayError]) -> GatewayError:
    error = kind("What happened.")
    error.param = "n"
    error.retry_after = 2.5
    error.upstream = UpstreamCode("1006", "积分不足", "2026")
    return error


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_comes_back_from_its_written_form(kind: type[GatewayError]) -> None:
    back = Failure.of(made(kind)).error()
    assert type(back) is kind or kind is errors.InternalError  # whose code is also the root's
    assert (back.message, back.param, back.retry_after) == ("What happened.", "n", 2.5)
    assert back.upstream == UpstreamCode("1006", "积分不足", "2026")


def test_codes_are_unique_and_spelt_alike() -> None:
    codes = [kind.code for kind in KINDS if kind is not GatewayError]
    assert len(set(codes)) == len(codes)
    for code in codes:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", code)


def test_the_tree_in_the_docstring_is_the_tree_in_the_code() -> None:
    told = re.findall(r"^ *([A-Z][A-Za-z]+)(?: {2,}.*)?$", errors.__doc__ or "", re.MULTILINE)
    assert set(told) == {kind.__name__ for kind in KINDS}


def test_a_code_that_nobody_knows_any_more_is_still_an_error() -> None:
    failure = Failure(code="from_the_future", message="Something.", charge="unknown")
    assert isinstance(failure.error(), errors.InternalError)
    assert failure.error().message == "Something."


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_was_refused_before_the_upstream_took_it_is_said_to_cost(
    kind: type[GatewayError],
) -> None:
    before = (errors.InvalidRequest, errors.InvalidKey, errors.AccountUnusable, errors.UpstreamTrouble,
              errors.GatewayBusy, errors.RequestTimedOut)  # fmt: skip
    if issubclass(kind, before):
        assert kind.charge is Charge.NONE
    in_doubt = (errors.SubmissionUncertain, errors.SubmissionUnconfirmed, errors.GenerationFailed)
    if issubclass(kind, in_doubt):
        assert kind.charge is not Charge.NONE
