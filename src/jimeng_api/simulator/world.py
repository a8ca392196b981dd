"""What the simulated upstream remembers: accounts, jobs, and the choices that rule them."""

import hashlib
import heapq
from dataclasses import replace

import msgspec

from jimeng_api.simulator.accounts import (
    REFUSED_PREFIXES,
    USUAL_CREDITS,
    Account,
    Rules,
    Session,
    uid_of,
)
from jimeng_api.simulator.asked import SEED_END, Asked, AskedFilm, Clip
from jimeng_api.simulator.clock import Chance, Clock, SystemClock
from jimeng_api.simulator.codes import Refusal, fail_fields
from jimeng_api.simulator.dial import Dial
from jimeng_api.simulator.envelope import LogIds
from jimeng_api.simulator.fault_queue import FaultQueue, Queued
from jimeng_api.simulator.film_models import FilmModel
from jimeng_api.simulator.film_terms import FilmTerms
from jimeng_api.simulator.ledger import Charge, Ledger
from jimeng_api.simulator.links import Links
from jimeng_api.simulator.menu import Menu
from jimeng_api.simulator.models import ImageModel
from jimeng_api.simulator.pictures import Order, Shows
from jimeng_api.simulator.purse import Purse
from jimeng_api.simulator.sites import Site
from jimeng_api.simulator.sources import (
    Source,
    source_of_film,
    source_of_picture,
    source_of_reel,
    source_of_sound,
    source_of_subject,
    source_of_upload,
)
from jimeng_api.simulator.switches import Switches
from jimeng_api.simulator.tasks import Film, Picture, Task
from jimeng_api.simulator.terms import check_model, image_terms, price_of, terms_of_film
from jimeng_api.simulator.timeline import FOR_EVER, Plan, View, first_view, view_of
from jimeng_api.simulator.uploads import Uploads

FIRST_HISTORY_ID = 13_500_000_000_001
ITEM_BASE = 7_600_000_000_000_000_000
FILM_QUEUE_SHARE, FILM_QUEUE_LENGTH = 0.15, 120
"""Part of the time of a film that goes by in the queue, and how many wait in it."""


class World:
    def __init__(
        self,
        *,
        seed: int = 0,
        speed: float = 1.0,
        credits: int = USUAL_CREDITS,  # noqa: A002 - the word of the trade
        clock: Clock | None = None,
    ) -> None:
        self.clock: Clock = SystemClock() if clock is None else clock
        self._usual_credits = credits
        self.switches = Switches()
        self.start_over(seed, speed)

    def start_over(self, seed: int, speed: float) -> None:
        """Forget everything."""
        self.seed = seed
        self.chance = Chance(seed)
        self.faults = FaultQueue(self.chance)
        self.dial = Dial(speed=speed)
        self.links = Links(seed)
        self.uploads = Uploads(seed)
        self.ledger = Ledger()
        self.logids = LogIds(seed)
        self.menu = Menu()
        self.usual_rules = Rules()
        self.usual_credits = self._usual_credits
        self.switches.reset()
        self.accounts: dict[str, Account] = {}
        self.sessions: dict[str, Session] = {}
        self.tasks: dict[str, Task] = {}
        self.pictures: dict[str, Picture] = {}
        self.items: dict[str, Picture] = {}
        self.films: dict[str, Film] = {}
        """By what they are called."""
        self.film_items: dict[str, Film] = {}
        self._endings: list[tuple[float, str]] = []

    # ------------------------------------------------------------- sessions

    def open_account(self, uid: str, site: Site | None) -> Account:
        account = self.accounts.get(uid)
        if account is None:
            account = Account(
                uid,
                site,
                replace(self.usual_rules),
                purse=Purse(self.usual_credits),
                opening=self.usual_credits,
            )
            self.accounts[uid] = account
        return account

    def session(self, secret: str) -> Session | None:
        """The session of this id, opened on first use; None if it can never be one."""
        if not secret or secret.startswith(REFUSED_PREFIXES):
            return self.sessions.get(secret)
        session = self.sessions.get(secret)
        if session is None:
            session = Session(secret, self.open_account(uid_of(secret), None))
            self.sessions[secret] = session
        return session

    # ------------------------------------------------------------ accepting

    def accept(self, asked: Asked, session: Session, site: Site, logid: str) -> tuple[Task, View]:
        """Take a job on and charge for it, or raise `Refusal` and leave nothing behind."""
        now, account = self.clock.now(), session.account
        self.settle(now)
        account.lapse(now)
        wish = asked.film
        if wish is None:
            sources = self._sources(asked, account, now)
            check_model(asked, site, sources, self.menu)
        else:
            sources = self._film_sources(wish, account, now)
        if self.switches["strict_draft"]:
            _check_strictly(asked)
        earlier = account.by_submit_id.get(asked.submit_id)
        if earlier is not None and self.switches["same_submit_id"] == "same":
            task = self.tasks[earlier]
            return task, first_view(task.plan)
        if earlier is not None and self.switches["same_submit_id"] == "refuse":
            raise Refusal("1000", data=fail_fields("1000", "submit_id was used before"))
        if wish is None:
            terms = image_terms(
                asked, sources, account, site, self.menu, self.switches, self.chance
            )
        else:
            terms = terms_of_film(
                asked, wish, sources, account, site, self.menu, self.switches, self.chance
            )
        account.check_limits(now, film=wish is not None)
        if terms.price > account.balance:
            raise Refusal("1006", data=fail_fields("1006"))

        faults = self.faults.take_all("job", "generate", account.uid, session.secret)
        for fault in faults:
            if fault.fault.name == "other_count" and isinstance(terms.model, ImageModel):
                count = int(fault["count"])
                price = price_of(account, terms.model, terms.resolution, count)
                terms = replace(terms, count=count, price=min(price, account.balance))
        plan = Plan(count=terms.count, run_seconds=0.0, grows=terms.series)
        self._set_time(plan, terms.model)
        for fault in faults:
            if fault.fault.shape is not None:
                fault.fault.shape(plan, fault.settings)
        if wish is not None:
            plan.wait_first(FILM_QUEUE_SHARE, FILM_QUEUE_LENGTH)
        asked = terms.asked
        draft = _normalised(asked, terms.count)
        seed = terms.seed
        if seed is None:
            seed = self.chance.whole("seeds", SEED_END)
        task = Task(
            history_id=str(FIRST_HISTORY_ID + len(self.tasks)),
            account=account,
            session=session.secret,
            site=site,
            asked=asked,
            model=terms.model,
            width=terms.width,
            height=terms.height,
            ratio_code=terms.ratio_code,
            resolution=terms.resolution,
            seed=seed,
            price=terms.price,
            double=earlier is not None,
            accepted_at=now,
            plan=plan,
            generate_id=logid,
            draft=msgspec.Raw(draft),
            draft_text=msgspec.json.encode(draft.decode()),
            forecast=max(1, round(plan.run_seconds)),
            remarks=asked.remarks,
            shows=terms.shows,
            origin_history_id=terms.origin_history_id,
        )
        if terms.film is not None:
            self._add_film(task, terms.film)
        self._keep(task, faults)
        return task, first_view(plan)

    def _keep(self, task: Task, faults: list[Queued]) -> None:
        account, now, submit_id = task.account, task.accepted_at, task.asked.submit_id
        row_lag = account.rules.row_lag
        for fault in faults:
            if fault.fault.name == "session_dies":
                self.sessions[task.session].dead = True
            elif fault.fault.name == "late_charge_row":
                row_lag = float(fault["seconds"])
        account.spend(task.price, now, submit_id, film=task.film is not None, row_lag=row_lag)
        account.jobs_today(now)
        account.today += 1
        account.jobs.append(task.history_id)
        account.by_submit_id[submit_id] = task.history_id
        account.running(film=task.film is not None).add(task.history_id)
        self.tasks[task.history_id] = task
        if task.film is None:
            self._add_pictures(task)
        wait = task.plan.wait_seconds
        if wait != float("inf"):
            heapq.heappush(self._endings, (now + wait, task.history_id))
        self.ledger.accepted += 1
        self.ledger.double += task.double
        self.ledger.charges.append(Charge(account.uid, submit_id, task.history_id, task.price, now))

    def _add_pictures(self, task: Task) -> None:
        number = int(task.history_id)
        for index in range(task.plan.made or task.plan.stuck_items):
            name = hashlib.blake2b(
                f"{self.seed} {number} {index}".encode(), digest_size=16
            ).hexdigest()
            picture = Picture(
                uri=f"{task.site.bucket}/{name}",
                item_id=str(ITEM_BASE + (number - FIRST_HISTORY_ID) * 100 + index + 1),
                order=Order(
                    "png",
                    task.asked.prompt,
                    task.seed,
                    index,
                    task.width,
                    task.height,
                    task.shows,
                ),
                task=task,
            )
            task.pictures.append(picture)
            self.pictures[picture.uri] = picture
            self.items[picture.item_id] = picture

    def _add_film(self, task: Task, terms: FilmTerms) -> None:
        """The film that comes out, and the picture that stands for it in lists."""
        number = int(task.history_id)
        name, called = (
            hashlib.blake2b(f"{self.seed} {number} {what}".encode(), digest_size=size).hexdigest()
            for what, size in (("cover", 16), ("film", 15))
        )
        item_id = str(ITEM_BASE + (number - FIRST_HISTORY_ID) * 100 + 1)
        order, look = terms.order, terms.order.scenes[0].look
        cover = (
            look._replace(width=order.width, height=order.height)
            if isinstance(look, Order)
            else Order("png", "", task.seed, 0, order.width, order.height, Shows(source=look))
        )
        picture = Picture(f"{task.site.bucket}/{name}", item_id, cover, task)
        film = Film(f"v0{called}", item_id, order, terms.ratio, picture, task)
        task.film = self.films[film.vid] = self.film_items[item_id] = film
        self.pictures[picture.uri] = picture

    def _film_sources(self, wish: AskedFilm, account: Account, now: float) -> list[Source]:
        """What goes into a film, all of it this account's own."""
        found = [self._clip_source(clip, account, now) for clip in wish.clips]
        if wish.item_id is not None:
            film = self.film_items.get(wish.item_id)
            if film is not None and wish.history_id not in (None, film.task.history_id):
                film = None
            found.insert(0, self._made_film(film, account, now))
        sources = [each for each in found if each is not None]
        if len(sources) < len(found):
            raise Refusal("1000", data=fail_fields("1000", "an input is not known"))
        return sources

    def _clip_source(self, clip: Clip, account: Account, now: float) -> Source | None:
        if clip.kind == "subject":
            return source_of_subject()
        if clip.kind == "picture":
            return self.source(account, clip.name, now)
        upload = self.uploads.film_of(account, clip.name)
        if upload is not None:
            return source_of_reel(upload.reel) if upload.reel.kind == clip.kind else None
        if clip.kind == "sound":
            # Some clients send their sounds the way pictures go.
            blob = self.uploads.file_of(account, clip.name)
            return None if blob is None else source_of_sound(blob)
        return self._made_film(self.films.get(clip.name), account, now)

    def _made_film(self, film: Film | None, account: Account, now: float) -> Source | None:
        """A film that was made here, if it is the account's own and there by now."""
        if film is None or film.task.account is not account:
            return None
        return source_of_film(film) if self.view(film.task, now).shown else None

    def _sources(self, asked: Asked, account: Account, now: float) -> list[Source]:
        """The pictures that go in, all of them this account's own."""
        found = [self.source(account, uri, now) for uri in asked.inputs]
        finishing = asked.finishing
        if finishing is not None and finishing.item_id is not None:
            picture = self.items.get(finishing.item_id)
            if picture is not None and finishing.history_id not in (None, picture.task.history_id):
                picture = None
            found.insert(0, self._made(picture, account, now))
        sources = [each for each in found if each is not None]
        if len(sources) < len(found):
            raise Refusal("1000", data=fail_fields("1000", "an input picture is not known"))
        return sources

    def source(self, account: Account, uri: str, now: float) -> Source | None:
        """The account's own picture at this address, uploaded or made here."""
        upload = self.uploads.file_of(account, uri)
        if upload is not None:
            return source_of_upload(upload)
        return self._made(self.pictures.get(uri), account, now)

    def _made(self, picture: Picture | None, account: Account, now: float) -> Source | None:
        """A picture that was made here, if it is the account's own and there by now."""
        if picture is None or picture.task.account is not account:
            return None
        view = self.view(picture.task, now)
        return source_of_picture(picture) if picture.order.number < view.shown else None

    def _set_time(self, plan: Plan, model: ImageModel | FilmModel) -> None:
        dial = self.dial
        if dial.mode == "looks":
            plan.looks = dial.looks
        elif dial.mode == "seconds":
            plan.run_seconds = self.chance.between("durations", dial.low, dial.high)
        elif dial.mode == "typical":
            plan.run_seconds = self.chance.between("durations", *model.seconds) / dial.speed

    # -------------------------------------------------------------- looking

    def task_for(self, account: Account, asked_id: str) -> Task | None:
        """The account's own job of this history id or submit id."""
        task = self.tasks.get(asked_id)
        if task is None:
            history_id = account.by_submit_id.get(asked_id)
            return None if history_id is None else self.tasks[history_id]
        return task if task.account is account else None

    def look(self, task: Task, now: float) -> View | None:
        """What a poll sees of a job; None while it is not listed. Counts as a look."""
        task.looks += 1
        plan = task.plan
        if plan.hidden_looks == FOR_EVER or task.looks <= plan.hidden_looks:
            return None
        if now < task.accepted_at + plan.hidden_seconds:
            return None
        view = self.view(task, now)
        if view.ended:
            task.late_looks += 1
            if view.final and task.seen_at is None:
                task.seen_at = now
        return view

    def view(self, task: Task, now: float) -> View:
        """What a job looks like, without this being a look."""
        view = view_of(
            task.plan,
            accepted_at=task.accepted_at,
            now=now,
            looks=task.looks,
            late_looks=task.late_looks,
            ended_at=task.ended_at,
        )
        if view.ended and task.ended_at is None:
            wait = task.plan.wait_seconds
            self._end(task, now if wait == float("inf") else task.accepted_at + wait)
        return view

    def settle(self, now: float) -> None:
        """Let all jobs end that are over by now, seen or not."""
        endings = self._endings
        while endings and endings[0][0] <= now:
            at, history_id = heapq.heappop(endings)
            task = self.tasks[history_id]
            if task.ended_at is None:
                self._end(task, at)

    def _end(self, task: Task, at: float) -> None:
        task.ended_at = at
        account = task.account
        account.running(film=task.film is not None).discard(task.history_id)
        if self.switches["refund_on_failure"] and not task.plan.made and task.price:
            account.pay_back(task.price, at, task.asked.submit_id)
            self.ledger.refunds.append(
                Charge(account.uid, task.asked.submit_id, task.history_id, task.price, at)
            )


def _check_strictly(asked: Asked) -> None:
    if any(remark.startswith("gen_option inside") for remark in asked.remarks):
        raise Refusal("3018", data=fail_fields("3018"))
    if asked.film is not None and asked.remarks:
        raise Refusal("1000", data=fail_fields("1000", asked.remarks[0]))
    if (asked.finishing or asked.film) is None and asked.root_model != asked.model_key:
        raise Refusal("1000", data=fail_fields("1000", "root_model is not the model"))


def _normalised(asked: Asked, count: int) -> bytes:
    """The draft as the server keeps it: with the count that it really makes."""
    node = asked.count_node
    if node is not None and asked.count is not None:
        node["gen_count"] = count
    return msgspec.json.encode(asked.tree)
