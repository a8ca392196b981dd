"""Cases that schemathesis draws from our own OpenAPI document, and what must hold for every answer."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.answer import Answer
from tests.fuzz.world import SELF, World, bearer, error_shape

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ROUND = 40
"""Cases of one route before the next has its turn."""
_IDS = re.compile(rb"\b(job|video|resp|file|key)([_-][0-9a-f]{8,})")
_MEDIA = re.compile(rb"/media/([0-9a-f]{32})")
_KIND = {"job": "job_id", "video": "video_id", "resp": "response_id"}
_KIND |= {"file": "file_id", "key": "key_id"}
Operation = Any  # schemathesis names no type for one of an OpenAPI document
AnyCase = Case[Any]


@dataclass(frozen=True)
class Finding:
    """One thing that did not hold, with one request at which it did not."""

    route: str
    rule: str
    says: str
    request: str


@dataclass
class Run:
    """What a run met. `findings` are told apart by route, rule and the beginning of what they say."""

    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    findings: dict[tuple[str, str, str], Finding] = field(default_factory=dict)
    submitted: int = 0
    routes: set[str] = field(default_factory=set)

    def tell(self, finding: Finding) -> None:
        self.findings.setdefault((finding.route, finding.rule, finding.says[:60]), finding)


class Fuzzing:
    """Goes round the routes until the cases are full. The same seed meets the same answers."""

    def __init__(self, world: World, number: int) -> None:
        self._world = world
        self._seed = number
        self._document = world.call("GET", "/openapi.json").json
        schema = schemathesis.openapi.from_dict(self._document)
        self._operations: list[Operation] = [
            found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)
        ]
        promised = sum(map(len, self._document["paths"].values()))
        assert len(self._operations) == promised, "schemathesis understands all of it"
        self._known: dict[str, list[str]] = defaultdict(list)
        self._known["model_id"] = ["jimeng-4.5", "jimeng", "dall-e-3", "sora-2"]
        self.run = Run()

    def go(self, cases: int, *, a_round: int = ROUND) -> Run:
        number, wide = 0, [*self._operations]
        while self.run.cases < cases and wide:
            for operation in [*wide]:
                before = self.run.cases
                share = min(a_round, cases - before)
                if share:
                    self._round(operation, number, share)
                if self.run.cases - before < share:
                    wide.remove(operation)  # there are no others of this one
            number += 1
        return self.run

    def _round(self, operation: Operation, number: int, share: int) -> None:
        mode = GenerationMode.NEGATIVE if number % 3 == 2 else GenerationMode.POSITIVE
        if mode is GenerationMode.NEGATIVE and not (operation.body or operation.path_parameters):
            mode = GenerationMode.POSITIVE
        cases = _cases(operation, mode, self._some_ids(operation))

        @seed(self._seed * 1000 + number)
        @settings(
            max_examples=share,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases)
        def each(case: AnyCase) -> None:
            self._try(case)

        try:
            each()
        except Unsatisfiable:  # about any request is allowed here
            if mode is GenerationMode.POSITIVE:
                raise
            self._round(operation, number + 1, share)

    def _some_ids(self, operation: Operation) -> list[dict[str, str]]:
        """Path parameters that lead to something."""
        names = [parameter.name for parameter in operation.path_parameters]
        if len(names) != 1:
            return []
        return [{names[0]: known} for known in self._known[names[0]][-8:]]

    # ----------------------------------------------------------------- one case

    def _try(self, case: AnyCase) -> None:
        run = self.run
        route = f"{case.operation.method.upper()} {case.operation.path}"
        sent = _prepared(case)
        before = self._world.accepted()
        headers = {name.lower(): str(value) for name, value in sent.headers.items()}
        body = _bytes(sent.body)
        target = str(sent.url).removeprefix(SELF)
        answer = self._world.call(str(sent.method), target, headers, body)
        submitted = self._world.accepted() - before
        run.cases += 1
        run.statuses[answer.status] += 1
        run.submitted += submitted
        run.routes.add(route)
        self._learn(answer)
        for rule, says in _broken(case, sent, answer, submitted):
            shown = f"{sent.method} {target[:200]} {body[:600]!r}"
            run.tell(Finding(route, rule, says, shown))

    def _learn(self, answer: Answer) -> None:
        """Ids that later requests can name."""
        if answer.status != 200:
            return
        for kind, rest in _IDS.findall(answer.body[:20_000]):
            known = self._known[_KIND[kind.decode()]]
            name = (kind + rest).decode()
            if name not in known:
                known.append(name)
        self._known["media_id"] += [one.decode() for one in _MEDIA.findall(answer.body[:20_000])]


def _cases(
    operation: Operation, mode: GenerationMode, known: Sequence[Mapping[str, str]]
) -> st.SearchStrategy[AnyCase]:
    """Cases of this mode, some of them close to what a caller would really send."""
    examples = [
        media["example"]
        for media in operation.definition.raw.get("requestBody", {}).get("content", {}).values()
        if isinstance(media.get("example"), dict)
    ]

    @st.composite
    def drawn(draw: Callable[..., Any]) -> AnyCase:
        case: AnyCase = draw(operation.as_strategy(generation_mode=mode))
        if known and draw(st.integers(0, 3)):
            case.path_parameters = draw(st.sampled_from([*known]))
        if examples and isinstance(case.body, dict) and draw(st.integers(0, 2)):
            example = draw(st.sampled_from(examples))
            names = sorted(case.body, key=str)
            kept = draw(st.lists(st.sampled_from(names), max_size=3)) if names else []
            case.body = {**example, **{name: case.body[name] for name in kept}}
        return case

    return drawn()


def _prepared(case: AnyCase) -> requests.PreparedRequest:
    kwargs = case.as_transport_kwargs(base_url=SELF)
    kwargs["headers"] = {
        **{
            name: value
            for name, value in kwargs["headers"].items()
            if name.lower() != "authorization"
        },
        **bearer(case.operation.path),
    }
    return requests.Request(**kwargs).prepare()


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body or b"")


# ---------------------------------------------------------------- rules ----


def _broken(
    case: AnyCase, sent: requests.PreparedRequest, answer: Answer, submitted: int
) -> Iterator[tuple[str, str]]:
    """(Rule, what is wrong) of an answer."""
    if answer.status >= 500:
        yield "no 5xx", f"{answer.status} {answer.body[:300]!r}"
    if answer.status >= 400:
        if (wrong := error_shape(answer)) is not None:
            yield "errors have OpenAI's shape", f"{answer.status} {wrong}"
        if submitted and "x-job-id" not in answer.headers:
            yield "a refusal submits nothing", f"{answer.status}, {submitted} submitted"
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        yield from _broken_events(answer)
    try:
        case.validate_response(_response(sent, answer), checks=CHECKS)
    except FailureGroup as group:
        for failure in group.exceptions:
            yield "the document is kept to", _first_lines(f"{answer.status} {failure}")


def _broken_events(answer: Answer) -> Iterator[tuple[str, str]]:
    for line in answer.body.decode().split("\n"):
        data = line.removeprefix("data: ")
        if data == line or data == "[DONE]":
            continue
        try:
            event = json.loads(data)
        except ValueError:
            yield "events are JSON", data[:200]
            continue
        told = isinstance(event, dict) and "object" not in event and event.get("error") is not None
        wrong = error_shape(Answer(200, {}, data.encode())) if told else None
        if wrong is not None:
            yield "errors in streams have OpenAI's shape", wrong


def _response(sent: requests.PreparedRequest, answer: Answer) -> Response:
    return Response(
        status_code=answer.status,
        headers={name: [value] for name, value in answer.headers.items()},
        content=answer.body,
        request=sent,
        elapsed=0.0,
        verify=False,
    )


def _first_lines(text: str) -> str:
    return "\n".join(text.strip().split("\n")[:12])[:900]
