"""Handing recordings of a station out: asking, what became of it, taking it back, and the archive. Thin."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Annotated, Final
from urllib.parse import quote, unquote

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse

from central.accounts.errors import BadAccount
from central.accounts.permissions import Permission
from central.accounts.sessions import SignedInUser
from central.approvals import requests
from central.clock import office_now
from central.db.database import Database
from central.db.polling import RecordingLedger, Station
from central.ledger import heads
from central.marks import needs
from central.polling import acts
from central.polling.continuity import micros
from central.recordings import asked, handing, holds
from central.recordings.asked import Wanted
from central.recordings.rules import ASKED, FETCHING, RecordingRules
from central.sites import areas as sites
from central.sites import boxes
from central.tickets.errors import CaseMissing, NotAllowed, Unfit
from central.web import forms, recordings, words
from central.web.duty import local, zone_of
from central.web.front import acting, language_of, render, user_asking
from central.web.handed import Handed
from central.web.refused import in_words

Form = Annotated[dict[str, str], Depends(forms.read_form)]
Micros = Annotated[str, Query(max_length=16)]
_SEES, _ASKS = [needs(Permission.STATIONS_SEE)], [needs(Permission.RECORDINGS_ASK)]
_FIRST: Final = re.compile(r"bytes=(\d{1,15})-")


@dataclass(frozen=True, slots=True)
class _Here:
    station: Station
    ledgers: list[RecordingLedger]
    zone: tzinfo


def add(pages: APIRouter, db: Database, rules: RecordingRules) -> None:
    """Add /stations/{site}/recordings and /recordings to `pages`."""
    _add_asking(pages, db, rules)
    _add_stop(pages, db)
    _add_archive(pages, db, rules)


def _add_asking(pages: APIRouter, db: Database, rules: RecordingRules) -> None:
    def page(request: Request, site: str, given: Mapping[str, str], problem: str | None = None) -> Response:
        user, say, now = user_asking(request), language_of(request), office_now()
        with db.read() as session:
            here = _here(session, user, site)
            cards = recordings.cards(session, here.station, user, say, now)
            office = heads.last_kid(session) or "OFFICE_KEY"
        ends = {one.camera_id: one.until_us for one in here.ledgers if one.until_us is not None}
        hours = rules.longest.total_seconds() / 3600
        return render(
            request, "recordings.html", user, status=422 if problem else 200, section="stations", station=here.station,
            cards=cards, cameras=recordings.cameras(here.station, here.ledgers), problem=problem,
            given=recordings.chosen(ends, given, here.zone, now, hours * 3600), hours=f"{hours:g}",
            zone=words.offset(now.astimezone(here.zone)), days=rules.keep.days, office=office,
            live=recordings.waits(cards, say),
        )  # fmt: skip

    @pages.get("/stations/{site}/recordings", dependencies=_SEES)
    def what_was_handed_out(request: Request, site: str, from_us: Micros = "", until_us: Micros = "") -> Response:
        """Raises CaseMissing for a station that is not there, or not in their areas."""
        return page(request, site, {"from_us": from_us, "until_us": until_us})

    @pages.post("/stations/{site}/recordings", dependencies=_ASKS)
    def hand_out(request: Request, site: str, form: Form) -> Response:
        """Raises CaseMissing for a station or a camera that is not there, or not in their areas."""
        user, say = acting(request, db, form), language_of(request)
        try:
            with db.write() as session:
                here = _here(session, user, site)
                wanted = _wanted(form, here.zone)
                asked.ask(session, user, here.station.site, wanted, form.get("reason", ""), rules, office_now())
        except ValueError:
            return page(request, site, form, say("recording.no_time"))
        except Unfit as error:
            return page(request, site, form, in_words(error.said, say))
        except BadAccount as error:
            return page(request, site, form, say(error.key, **error.values))
        return RedirectResponse(_address(here.station.site), 303)


def _add_stop(pages: APIRouter, db: Database) -> None:
    @pages.post("/recordings/{number}/stop", dependencies=_ASKS)
    def not_any_more(request: Request, number: str, form: Form) -> Response:
        """Taken back before it is decided by who asked; stopped after that also by who may approve.

        Raises CaseMissing, NotAllowed, Unfit when it is over or ready, NotApproved.
        """
        user, now = acting(request, db, form), office_now()
        with db.write() as session:
            row, request_of = handing.found(session, number)
            site = row.site
            if row.state == ASKED:
                requests.withdraw(session, user, number)
                holds.end(session, row, "withdrawn", now)
            elif row.state == FETCHING:
                if not handing.may_fetch(user, request_of):
                    raise NotAllowed(
                        "who asked for a recording stops it, or who may approve one", "recording.not_yours"
                    )
                holds.end(session, row, "stopped", now)
                acts.note(session, site, user, "recording stopped", now, request=row.request)
            else:
                raise Unfit("this recording is not ready, or no longer kept", "recording.not_ready")
        return RedirectResponse(_address(site), 303)


def _add_archive(pages: APIRouter, db: Database, rules: RecordingRules) -> None:
    @pages.get("/recordings/{number}/archive", dependencies=_ASKS)
    def archive(request: Request, number: str) -> Response:
        """The archive, or the rest of it (`Range`). Raises CaseMissing, NotAllowed, Unfit during an embargo."""
        user = user_asking(request)
        begins = _FIRST.match(request.headers.get("range", ""))
        with db.write() as session:
            row, path = handing.hand(session, user, number, rules, int(begins[1]) if begins else 0, office_now())

        def kept_back() -> bool:
            with db.read() as session:
                return handing.kept_back(session, row.site, user.name, office_now()) is not None

        return Handed(path, f"{row.request}.zip", row.sha256 or "", kept_back)


def _here(session: Session, user: SignedInUser, site: str) -> _Here:
    station = session.get(Station, site.replace("\0", ""))
    if station is None or not sites.holds(session, station.site, user.areas):
        raise CaseMissing("there is no such station", "station.none")
    query = select(RecordingLedger).where(
        RecordingLedger.site == station.site, boxes.speaks(RecordingLedger.site, RecordingLedger.edge_id)
    )
    ledgers = session.execute(query.order_by(RecordingLedger.heard_at)).scalars().all()
    return _Here(station, list(ledgers), zone_of([station]))


def _wanted(form: Mapping[str, str], zone: tzinfo) -> Wanted:
    """Raises ValueError for what is no time."""
    edge, _, camera = form.get("camera", "").partition("/")
    first, last = (_moment(form.get(name, ""), zone) for name in ("from", "until"))
    return Wanted(unquote(edge), unquote(camera), first, last)


def _moment(text: str, zone: tzinfo) -> int:
    when: datetime = local(text, zone)
    if not 1970 < when.year < 9000:
        raise ValueError(text)
    return micros(when)


def _address(site: str) -> str:
    return f"/stations/{quote(site, safe='')}/recordings"


__all__ = ["add"]
