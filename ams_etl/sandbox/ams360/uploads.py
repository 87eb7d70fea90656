"""Files in pieces: FileChunkBegin, Send, End; the document that comes of it may be attached once."""

from dataclasses import dataclass, field

from ams_etl.sandbox.ams360.agency import Agency, Record
from ams_etl.sandbox.ams360.call import Call, Table
from ams_etl.sandbox.ams360.refusals import business

_MAX_BYTES = 64 * 1024 * 1024


@dataclass(slots=True)
class _Stage:
    """A file on its way."""

    agency_no: str
    chunks: int
    size: int
    received: dict[int, bytes] = field(default_factory=dict)


class Uploads:
    """Files on their way and documents that wait to be attached."""

    def __init__(self) -> None:
        self._stages: dict[str, _Stage] = {}
        self._documents: dict[str, str] = {}

    def operations(self) -> Table:
        """The three operations, by their names."""
        return {"FileChunkBegin": self._begin, "FileChunkSend": self._send, "FileChunkEnd": self._end}

    def attach(self, agency: Agency, documents: list[str | None]) -> None:
        """Use documents up.

        Raises:
            SoapFault: one is unknown, or attached already; then none is used up.
        """
        for place, document in enumerate(documents):
            known = self._documents.get(document or "") == agency.agency_no
            if not known or document in documents[:place]:
                raise business("The document was not found, or is attached already.", "Doc360DocumentId", document)
        for document in documents:
            del self._documents[document or ""]

    def _begin(self, call: Call) -> Record:
        chunks, size = call.arguments.get("NumberOfChunks") or 0, call.arguments.get("TotalBytes") or 0
        if chunks < 1:
            raise business("NumberOfChunks must be at least 1.", "NumberOfChunks", str(chunks))
        if not 0 < size <= _MAX_BYTES:
            raise business(f"TotalBytes must be from 1 to {_MAX_BYTES}.", "TotalBytes", str(size))
        key = call.agency.new_id()
        self._stages[key] = _Stage(call.agency.agency_no, chunks, size)
        return {"DocStageId": key}

    def _send(self, call: Call) -> Record:
        chunk = call.record("FileChunk")
        stage = self._stage(call, chunk.get("DocStageId"))
        number = chunk.get("SequenceNumber")
        if number is None or not 1 <= number <= stage.chunks:
            raise business("SequenceNumber is not one of the chunks.", "SequenceNumber", str(number))
        stage.received[number] = chunk.get("Data") or b""
        if sum(map(len, stage.received.values())) > stage.size:
            del stage.received[number]
            raise business("More bytes than TotalBytes.", "Data", chunk["DocStageId"])
        return {"FileChunkId": call.agency.new_id(), "ChunksReceived": len(stage.received)}

    def _end(self, call: Call) -> Record:
        key = call.arguments.get("DocStageId") or ""
        stage = self._stage(call, key)
        if len(stage.received) != stage.chunks or sum(map(len, stage.received.values())) != stage.size:
            raise business("The file is not complete.", "DocStageId", key)
        del self._stages[key]
        document = call.agency.new_id()
        self._documents[document] = call.agency.agency_no
        return {"Doc360DocumentId": document}

    def _stage(self, call: Call, key: str | None) -> _Stage:
        stage = self._stages.get(key or "")
        if stage is None or stage.agency_no != call.agency.agency_no:
            raise business("The upload was not found.", "DocStageId", key)
        return stage
