"""How long the state machines look: quickly in every run of the tests, for hours where somebody asks for it.

`MACHINES=20 pytest tests/machines` looks at twenty times as many examples, each twice as long.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

TIMES = float(os.environ.get("MACHINES", "1"))


def run(machine: type[RuleBasedStateMachine], *, examples: int, steps: int) -> None:
    """Look for an order of events that breaks an invariant of the machine."""
    longer = 2 if TIMES > 1 else 1
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=max(1, int(examples * TIMES)),
            stateful_step_count=steps * longer,
            deadline=None,
            # The same examples every time, so that a change is not blamed for what chance has found; whoever
            # asks for more wants others.
            derandomize=TIMES <= 1,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=tuple(phase for phase in Phase if phase is not Phase.explain),
            print_blob=True,
        ),
    )
