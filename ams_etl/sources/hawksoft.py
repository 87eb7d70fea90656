"""HawkSoft's Partner API, version 3.0: typed reads.

Every call says its version, every bulk read names its parts and asks for at most 200 clients, as HawkSoft's terms
want it. Keys keep the casing of the wire (`csr`, `loBs`); see `rules.hawksoft` for reading them either way.
"""

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ams_etl.errors import AmsEtlError, AnswerTooLarge, ConfigError, DataError, PermanentError
from ams_etl.sources.calling.answers import Rejected
from ams_etl.sources.calling.counts import CallCounts
from ams_etl.sources.calling.probe import Probe, compare_clocks, failed, probed
from ams_etl.sources.calling.source_record import SourceRecord
from ams_etl.sources.rest.client import RestClient, RestResponse
from ams_etl.sources.rest.many import each
from ams_etl.sources.rest.moments import zulu
from ams_etl.sources.rest.rows import keyed_rows, whole_number

BULK = 200
_KNOWN = frozenset((
    "clientNumber", "OfficeId", "OfficeDescription", "officeId", "details", "people", "contacts", "policies", "id", "modified",
    "producer", "csr", "clientType", "status", "isPersonal", "isCommercial", "companyName", "dbaName", "clientSince",
    "mailingAddress", "physicalAddress", "address1", "address2", "city", "state", "zip", "countryCode", "firstName",
    "middleName", "lastName", "relationship", "dateOfBirth", "type", "data", "personId", "priority", "policyNumber",
    "effectiveDate", "expirationDate", "carrier", "loBs", "description", "code",
))  # fmt: skip
INCLUDE = "details,people,contacts,policies"


@dataclass(frozen=True, slots=True)
class HawkSoftConnection:
    """How to reach one agency's HawkSoft."""

    agency_id: int
    client_id: str
    client_secret: str = field(repr=False)
    base: str = "https://integration.hawksoft.app"
    version: str = "3.0"
    max_concurrency: int = 4
    calls_per_second: float | None = None
    timeout_seconds: float = 60.0


class HawkSoft:
    """One agency's HawkSoft; get one from `open_hawksoft`."""

    def __init__(self, connection: HawkSoftConnection, client: RestClient) -> None:
        self._connection, self._client = connection, client
        self._authorization = _Basic(connection)

    @property
    def counts(self) -> CallCounts:
        """What was asked so far."""
        return self._client.counts

    async def agencies(self) -> list[int]:
        """Return the agencies that subscribed to us; without any the answer is an empty list, a 204 or a sentence."""
        answer = await self._ask("Agencies", "/vendor/agencies")
        return _numbers(answer, "Agencies") if answer.is_json else []

    async def offices(self) -> list[SourceRecord]:
        """The agency's offices."""
        answer = await self._ask("Offices", self._path("offices"))
        if answer.status == 204:
            return []
        records, rejected = keyed_rows(
            "offices", _list(answer, "Offices", "records"), "OfficeId", lambda row, key: None
        )
        if rejected:
            raise DataError(f"HawkSoft Offices: {rejected[0].reason}")
        return records

    async def client_numbers(self, changed_since: datetime | None = None, *, deleted: bool = False) -> list[int]:
        """Numbers of all clients, or of those changed at or after a moment.

        Args:
            changed_since: with an offset; None asks for all.
            deleted: deleted ones too. What a deleted client looks like when read is not known: ask without, compare.
        """
        query = {
            "asOf": zulu(changed_since) if changed_since else None,
            "deleted": "true" if deleted else None,
        }
        answer = await self._ask("ChangedClients", self._path("clients"), **query)
        if answer.status == 204:
            return []
        return _numbers(answer, "ChangedClients")

    async def clients(self, numbers: Sequence[int]) -> AsyncIterator[tuple[list[SourceRecord], list[Rejected]]]:
        """Return the clients of these numbers, up to 200 at a time, in no order; unknown numbers are left out.

        With each batch come the records without a number.

        Raises:
            DataError: an answer is not a list, or holds a client that was not asked for.
        """
        batches = [list(numbers[start : start + BULK]) for start in range(0, len(numbers), BULK)]
        async for found in each(batches, self._bulk, self._connection.max_concurrency):
            yield found

    async def probe(self) -> list[Probe]:
        """Whether the agency is ours to read, and its offices and clients answer."""
        try:
            subscribed = await self.agencies()
        except AmsEtlError as error:
            return [failed("Agencies", error)]
        ours = self._connection.agency_id in subscribed
        told = f"agency {self._connection.agency_id} is {'' if ours else 'not '}among the {len(subscribed)} that subscribed"
        return [
            Probe("Agencies", ours, told),
            await probed("Offices", self.offices()),
            await probed("ChangedClients", self.client_numbers(datetime.now(UTC))),
            compare_clocks(self._client.last_date),
        ]

    async def _bulk(self, numbers: list[int]) -> tuple[list[SourceRecord], list[Rejected]]:
        try:
            answer = await self._ask("Clients", self._path("clients"), {"clientNumbers": numbers}, include=INCLUDE)
        except AnswerTooLarge as error:
            return await self._halves(numbers, error)
        if answer.status == 204:
            return [], []
        records, rejected = keyed_rows("clients", _list(answer, "Clients", "records"), "clientNumber", _itself)
        if not {str(number) for number in numbers}.issuperset(record.entity_id for record in records):
            raise DataError("HawkSoft Clients: the answer holds clients that were not asked for")
        return records, rejected

    async def _halves(self, numbers: list[int], error: AnswerTooLarge) -> tuple[list[SourceRecord], list[Rejected]]:
        """Find the client that makes an answer too large: one client's size must not hold back the others."""
        if len(numbers) == 1:
            return [], [Rejected("clients", str(numbers[0]), str(error))]
        middle = len(numbers) // 2
        first, second = await self._bulk(numbers[:middle]), await self._bulk(numbers[middle:])
        return first[0] + second[0], first[1] + second[1]

    def _path(self, last: str) -> str:
        return f"/vendor/agency/{self._connection.agency_id}/{last}"

    async def _ask(self, operation: str, path: str, body: Any = None, **query: str | None) -> RestResponse:
        return await self._client.ask(
            operation,
            path,
            {"version": self._connection.version, **query},
            authorization=self._authorization,
            body=body,
        )


class _Basic:
    """HawkSoft knows a vendor by Basic authentication on every call; there is nothing to renew."""

    def __init__(self, connection: HawkSoftConnection) -> None:
        pair = f"{connection.client_id}:{connection.client_secret}".encode()
        self._value = f"Basic {b64encode(pair).decode()}"
        self._agency_id = connection.agency_id

    async def current(self) -> str:
        return self._value

    async def renewed(self, refused: str) -> str | None:
        return None

    def unauthorized(self) -> ConfigError:
        return ConfigError(
            "HawkSoft refuses the credentials: check hawksoft.client_id and the environment variable that "
            "hawksoft.client_secret_env names, in agencies.yaml"
        )

    def forbidden(self) -> PermanentError:
        return PermanentError(
            f"HawkSoft does not give us agency {self._agency_id}: it opted out in the HawkSoft Marketplace, left HawkSoft, "
            "or hawksoft.agency_id is another's"
        )


def soft_error(answer: RestResponse) -> str | None:
    """Return what an answer of status 200 reports as its error, or None: no answer of HawkSoft's is a JSON object."""
    return answer.described() if isinstance(answer.value, dict) else None


def _numbers(answer: RestResponse, operation: str) -> list[int]:
    value = _list(answer, operation, "numbers")
    numbers = [number for item in value if (number := whole_number(item)) is not None]
    if len(numbers) < len(value):
        raise DataError(f"HawkSoft {operation}: {len(value) - len(numbers)} of {len(value)} items are not numbers")
    return list(dict.fromkeys(numbers))


def _list(answer: RestResponse, operation: str, items: str) -> list[Any]:
    if not isinstance(answer.value, list):
        raise DataError(f"HawkSoft {operation}: expected a list of {items}, got {answer.described()}")
    return answer.value


def _itself(row: Mapping[str, Any], key: str) -> str:
    del row
    return key


@asynccontextmanager
async def open_hawksoft(connection: HawkSoftConnection) -> AsyncIterator[HawkSoft]:
    """An agency's HawkSoft, its connections closed afterwards.

    Raises:
        ConfigError: the address is not valid.
    """
    async with RestClient(
        connection.base,
        system="HawkSoft",
        max_concurrency=connection.max_concurrency,
        calls_per_second=connection.calls_per_second,
        timeout_seconds=connection.timeout_seconds,
        dropped=frozenset({"claims", "invoices"}),
        known=_KNOWN,
        soft_error=soft_error,
    ) as client:
        yield HawkSoft(connection, client)
