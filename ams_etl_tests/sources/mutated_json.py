"""Change one thing in a JSON answer, and check that what is read of it is right, rejected, or an error that says why."""

import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ams_etl.errors import AmsEtlError, TransientError
from ams_etl.rules.settings import SourceSystem
from ams_etl.rules.systems.member_kinds import MEMBER_KINDS, misfits_in
from ams_etl.sources.calling.answers import Rejected
from ams_etl.sources.calling.source_record import SourceRecord
from ams_etl.sources.hawksoft import open_hawksoft
from ams_etl.sources.mycase import open_mycase
from ams_etl.sources.qq_catalyst import open_qq_catalyst
from ams_etl.sources.rest.records import is_secret
from ams_etl_tests.other_systems import hawksoft_at, mycase_at, qq_catalyst_at
from ams_etl_tests.sandbox_process import Sandbox
from ams_etl_tests.sources.scripted_server import answer, scripted_server

LOSSY = ("drop", "null", "empty")
KINDS = (*LOSSY, "double", "retype", "case", "illegal", "truncate", "not_finite")
_FORBIDDEN = ("\x0b", "\x1f", "\x00", "\ud800")
Read = Callable[[bytes, list[int]], Awaitable[tuple[list[SourceRecord], list[Rejected]]]]


@dataclass(frozen=True, slots=True)
class JsonSource:
    """One system's list: its kind in the sandbox, its key, its envelope, and how a client reads it."""

    system: SourceSystem
    kind: str
    key: str

    def rows(self, sandbox: Sandbox) -> list[dict[str, Any]]:
        """Return rows as the service sends them, without what clients drop."""
        dropped = {"claims", "invoices", "notes", "custom_field_values", "custom_fields", "sol_date"}
        found = sandbox.ask(f"{self.system}/state/{self.kind}")[:6]
        return [_without(row, dropped) for row in found]

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Read]:
        """Open the client against a server that sends whatever body is next."""
        token = json.dumps({"access_token": "abc", "expires_in": 86400}).encode()
        bodies = [b""]

        def route(target: str) -> bytes:
            body = token if "token" in target.partition("?")[0] else bodies[0]
            return answer(body, Content_Type="application/json")

        async with scripted_server(route=route) as server:
            where = Sandbox(server.url, "")

            async def read(body: bytes, keys: list[int]) -> tuple[list[SourceRecord], list[Rejected]]:
                bodies[0] = body
                return await ask(keys)

            if self.system == "hawksoft":
                async with open_hawksoft(hawksoft_at(where)) as hawksoft:

                    async def ask(keys: list[int]) -> tuple[list[SourceRecord], list[Rejected]]:
                        records, rejected = await anext(hawksoft.clients(keys))
                        # Who was asked for and is not there is quarantined by the extractor.
                        missing = {str(key) for key in keys} - {record.entity_id for record in records}
                        return records, rejected + [Rejected("clients", key, "vanished") for key in missing]

                    yield read
            elif self.system == "qq_catalyst":
                async with open_qq_catalyst(qq_catalyst_at(where)) as qq:

                    async def ask(keys: list[int]) -> tuple[list[SourceRecord], list[Rejected]]:
                        page = await anext(qq.contacts())
                        # What is listed beside what is announced: a difference is quarantined by the extractor.
                        short = page.total - len(page.records) - len(page.rejected)
                        return page.records, page.rejected + [Rejected("page", None, "incomplete")] * (short > 0)

                    yield read
            else:
                async with open_mycase(mycase_at(where, calls_per_second=None), _Granted()) as mycase:

                    async def ask(keys: list[int]) -> tuple[list[SourceRecord], list[Rejected]]:
                        page = await anext(mycase.listing("cases"))
                        return page.records, page.rejected

                    yield read

    async def check(self, chance: random.Random, rows: list[dict[str, Any]], read: Read) -> str:
        """Mutate the answer, read it, assert that nothing is lost without a word, and return how it came out."""
        kind = chance.choice(KINDS)
        changed = deepcopy(rows)
        place = chance.randrange(len(rows))
        name, held = _change(chance, kind, changed, place, self)
        body = _body(self, changed, len(rows), kind)
        if kind == "truncate":
            body = body[: chance.randrange(1, len(body) - 1)]
        found = await _read_or_error(read, body, [row[self.key] for row in rows])
        if isinstance(found, TransientError):
            assert kind == "truncate", (kind, name, str(found))
            return "error"
        if isinstance(found, AmsEtlError):
            # Another key than those asked for: HawkSoft's answer is then about somebody else.
            assert (self.system, kind, name) == ("hawksoft", "retype", self.key), (kind, name, str(found))
            return "error"
        records, rejected = found
        before = {str(row[self.key]): row for row in rows}
        after = {record.entity_id: record.payload for record in records}
        missing = before.keys() - after.keys()
        # A key that is another number is another record: nothing tells.
        renamed = kind == "retype" and len(after.keys() - before.keys()) == 1
        excused = {str(rows[place][self.key])} if held and (kind in LOSSY or renamed) else set()
        assert len(missing - excused) <= len(rejected), (kind, name, missing)
        misfits = False
        for key in before.keys() & after.keys():
            misfits |= self._check_record(before[key], after[key], kind, name)
        return "rejected" if rejected or misfits else "read"

    def _check_record(self, before: dict[str, Any], after: dict[str, Any], kind: str, name: str) -> bool:
        found = misfits_in(self.system, after)
        was = misfits_in(self.system, before)
        named = set(found.values + found.containers) - set(was.values + was.containers)
        lost = Counter(_leaves(before)) - Counter(_leaves(after))
        for path, value in lost:
            assert kind in {*LOSSY, "retype", "illegal", "not_finite"}, (kind, name, path)
            assert name[0].lower() + name[1:] in path, (kind, name, path)
            if kind == "illegal":
                assert any(
                    str(now).replace(" ", "") == str(value).replace(" ", "")
                    for place, now in _leaves(after)
                    if place == path
                )
            if kind == "retype" and path[-1].lower() in MEMBER_KINDS[self.system] and path[-1] == name:
                # As received, and readable; or named.
                now = [text for place, text in _leaves(after) if place == path]
                assert named or now, (kind, name, path)
        return bool(named)


async def _read_or_error(
    read: Read, body: bytes, keys: list[int]
) -> tuple[list[SourceRecord], list[Rejected]] | AmsEtlError:
    try:
        return await read(body, keys)
    except AmsEtlError as error:
        return error


class _Granted:
    def lock(self) -> tuple[str, str, Any]:
        return "access", "refresh", datetime.now(UTC) + timedelta(days=1)

    def release(self, renewed: Any) -> None:
        assert renewed is None


def _change(chance: random.Random, kind: str, rows: list[Any], place: int, source: JsonSource) -> tuple[str, bool]:
    """Change one thing; return the member's name, and whether a whole row may be gone with it."""
    if kind == "double":
        rows.insert(place, deepcopy(rows[place]))
        return source.key, False
    if kind in {"drop", "null"} and chance.random() < 0.1:
        rows[place : place + 1] = [] if kind == "drop" else [None]
        return source.key, True
    kinds = MEMBER_KINDS[source.system]
    spots = [spot for spot in _spots(rows[place]) if spot[1].lower() in kinds and spot[0][spot[1]] not in (None, "")]
    texts = [spot for spot in spots if isinstance(spot[0][spot[1]], str)]
    if kind in {"illegal"} and texts:
        spots = texts
    holder, name = chance.choice(spots)
    value = holder[name]
    if kind == "drop":
        del holder[name]
    elif kind == "null":
        holder[name] = None
    elif kind == "empty":
        holder[name] = [] if isinstance(value, list) else {} if isinstance(value, dict) else ""
    elif kind == "retype":
        holder[name] = chance.choice(["zzz", 7, True, ["x"], {"x": 1}, 1.5])
    elif kind == "case":
        holder[chance.choice([name.upper(), name.lower(), name[0].swapcase() + name[1:]])] = holder.pop(name)
    elif kind == "illegal" and isinstance(value, str):
        holder[name] = f"{value[:1]}{chance.choice(_FORBIDDEN)}{value[1:]}"
    elif kind == "not_finite":
        holder[name] = float(chance.choice(["nan", "inf"]))
    return name, name == source.key and holder is rows[place]


def _spots(value: Any) -> Iterator[tuple[dict[str, Any], str]]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield value, name
            yield from _spots(member)
    elif isinstance(value, list):
        for item in value:
            yield from _spots(item)


def _body(source: JsonSource, rows: list[Any], total: int, kind: str) -> bytes:
    value: Any = rows
    if source.system == "qq_catalyst":
        value = {
            "Data": rows,
            "PageNumber": 1,
            "PagesTotal": 1,
            "TotalItems": total,
            "IsSuccess": True,
            "ErrorCode": None,
        }
    return json.dumps(value, ensure_ascii=kind != "illegal" or total % 2 == 0).encode("utf-8", "surrogatepass")


def _without(value: Any, dropped: set[str]) -> Any:
    if isinstance(value, dict):
        return {
            name: _without(item, dropped) for name, item in value.items() if name not in dropped and not is_secret(name)
        }
    return [_without(item, dropped) for item in value] if isinstance(value, list) else value


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for name, member in value.items():
            # The rules read HawkSoft's members with either first letter.
            yield from _leaves(member, (*path, name[0].lower() + name[1:]))
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, path)
    elif value is not None:
        yield path, value


JSON_SOURCES = (
    JsonSource("hawksoft", "clients", "clientNumber"),
    JsonSource("qq_catalyst", "contacts", "EntityID"),
    JsonSource("mycase", "cases", "id"),
)
