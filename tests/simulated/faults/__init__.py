"""What can go wrong between the gateway and the upstream, a row each, and what must come of it.

Not here, because nothing of it exists yet: 41 the balance and 42 the daily credits. What only sockets show
is tested with sockets (`tests/unit/test_transport*.py`, `test_sent_or_not.py`): 44, a kept connection that
closes while it is written to, 43, networks that swallow packets, and of 1 to 4 how names, connections,
proxies and the waiting for a free connection fail. What trouble of many at once leads to is in
`test_outages.py`.
"""

from tests.simulated.faults.films import FILMS
from tests.simulated.faults.pictures import PICTURES
from tests.simulated.faults.row import QUICK, Row

LEFT_OUT = {
    "commerce_login_error": "no call below /commerce is made for a generation",
    "response_only": "no call below /commerce is made for a generation",
    "late_charge_row": "the history of credits is not read",
}

__all__ = ["FILMS", "LEFT_OUT", "PICTURES", "QUICK", "Row"]
