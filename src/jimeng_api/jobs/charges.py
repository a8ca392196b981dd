"""What submissions cost: reserved when they are promised, settled from the upstream's own book."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, select, update

from jimeng_api.database.database import Database
from jimeng_api.jobs.job import State
from jimeng_api.jobs.tables import jobs, submissions


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsettled:
    """A submission that has ended and was sent, and of which nobody knows yet what it cost.

    `ended_at` is when its job ended; times are unix seconds.
    """

    job_id: str
    number: int
    submit_id: str
    account: str
    delivered: bool
    price: int | None
    sent_at: float
    ended_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What a submission cost; None where nobody will ever know."""

    job_id: str
    number: int
    submit_id: str
    charged: int | None


class Charges:
    """The credit columns of the submissions.

    Only what has ended for good is settled: nobody moves that any more, so nothing written here is lost.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def unsettled(self, accounts: Collection[str]) -> Mapping[str, Sequence[Unsettled]]:
        """What is to be settled on these accounts, oldest first."""
        query = (
            select(submissions, jobs.c.finished_at)
            .join_from(submissions, jobs)
            .where(
                submissions.c.unsettled,
                ~submissions.c.open,
                submissions.c.sent_at.is_not(None),
                submissions.c.account == bindparam("account"),
            )
            .order_by(submissions.c.sent_at)
            .limit(_MOST)
        )

        def work(connection: Connection) -> dict[str, list[Unsettled]]:
            found: dict[str, list[Unsettled]] = defaultdict(list)
            for account in accounts:
                for row in connection.execute(query, {"account": account}).mappings():
                    found[account].append(
                        Unsettled(
                            job_id=row["job_id"],
                            number=row["number"],
                            submit_id=row["submit_id"],
                            account=account,
                            delivered=row["state"] == State.COMPLETED.value,
                            price=row["price"],
                            sent_at=row["sent_at"],
                            ended_at=row["finished_at"] or row["sent_at"],
                        )
                    )
            return found

        return await self._database.read(work)

    async def settle(self, settled: Iterable[Settled]) -> None:
        """Write down what these cost; a submission that has another id by now is left alone."""
        rows = [
            {
                "of_job": one.job_id,
                "of_number": one.number,
                "of_id": one.submit_id,
                "cost": one.charged,
            }
            for one in settled
        ]
        if rows:
            await self._database.write(lambda connection: connection.execute(_SETTLE, rows))

    async def give_up(self, *, before: float) -> int:
        """Settle as unknown what was sent before (unix seconds) and has ended; how many."""
        query = (
            update(submissions)
            .where(submissions.c.unsettled, ~submissions.c.open, submissions.c.sent_at < before)
            .values(unsettled=False)
        )
        return await self._database.write(lambda connection: connection.execute(query).rowcount)

    async def spent(self, owner: str, *, since: float) -> int:
        """How many credits an owner's jobs since then (unix seconds) cost, or may cost."""
        cost = func.coalesce(submissions.c.charged, submissions.c.price, 0)
        counts = submissions.c.open | submissions.c.sent_at.is_not(None)
        query = (
            select(func.coalesce(func.sum(cost), 0))
            .join_from(jobs, submissions)
            .where(jobs.c.owner == owner, jobs.c.created_at >= since, counts)
        )
        return await self._database.read(
            lambda connection: int(connection.execute(query).scalar_one())
        )


_MOST = 1000  # of an account at a time: the rest is settled the next time
_SETTLE = (
    update(submissions)
    .where(
        submissions.c.job_id == bindparam("of_job"),
        submissions.c.number == bindparam("of_number"),
        submissions.c.submit_id == bindparam("of_id"),
        submissions.c.unsettled,
        ~submissions.c.open,
    )
    .values(charged=bindparam("cost"), unsettled=False)
)
