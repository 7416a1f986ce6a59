"""Streamed answers, read: each chunk is a small answer of its own.

1. Texts that follow one another, in one chunk or in several, are one part; so are thoughts, and sound of one kind. A part
   is closed when something else comes, or its candidate has ended.
2. A call comes whole: it is opened, filled and closed at once.
3. Events have no end mark: at the end of the bytes the answer is whole if every candidate gave its reason to finish. So
   it is at the end of an array.
4. Counts come first of what happens in a chunk, so that whoever writes an end can say them with it.
"""

from __future__ import annotations

from headgate.api.ai import (
    ArgumentsDelta,
    Audio,
    AudioDelta,
    Began,
    Choice,
    Citation,
    CitationDelta,
    Closed,
    Ended,
    Failed,
    Garbled,
    Happening,
    Media,
    Opened,
    Reasoning,
    ReasoningDelta,
    Said,
    SignatureDelta,
    SoundStream,
    Stopped,
    Text,
    TextDelta,
    TokenProb,
    ToolCall,
    Used,
)
from headgate_gemini.answers import WireCandidate, blocked, decode, read_part, stop_of
from headgate_gemini.errors import said_fields, wire_error
from headgate_gemini.framing import Framing
from headgate_gemini.grounding import citations
from headgate_gemini.logprobs import read_logprobs


class _Candidate:
    """One choice as it grows."""

    def __init__(self, choice: int) -> None:
        self._choice = choice
        self._next = 0
        self._open: Said | None = None
        self._texts: dict[int, list[str]] = {}
        self._cited: list[Citation] = []
        self._calls: list[Said] = []
        self.stopped = False

    def take(self, wire: WireCandidate, answer_id: str) -> list[Happening]:
        """What a chunk adds. Garbled."""
        found: list[Happening] = []
        proofs: list[Reasoning] = []
        probs = read_logprobs(wire.logprobs_result)
        for raw in (wire.content and wire.content.parts) or ():
            for part in read_part(raw, f"{answer_id}.{self._choice}.{len(self._calls)}"):
                if isinstance(part, Reasoning) and not part.summary and self._is_text():
                    proofs.append(part)
                    continue
                found += self._part(part, probs)
                probs = None if isinstance(part, Text) and part.text else probs
        found += self._cite(wire)
        for proof in proofs:
            found += self._part(proof, None)
        if wire.finish_reason not in (None, "FINISH_REASON_UNSPECIFIED"):
            found += self.stop(Stopped(stop_of(wire.finish_reason, self._calls), self._choice))
        return found

    def stop(self, stopped: Stopped) -> list[Happening]:
        """It is complete."""
        self.stopped = True
        return [*self._close(), stopped]

    def block(self, choice: Choice) -> list[Happening]:
        """The prompt got no answer."""
        told = [one for part in choice.parts for one in (*self._begin(part), *self._close())]
        return [*told, *self.stop(Stopped(choice.stop, self._choice))]

    def _is_text(self) -> bool:
        return isinstance(self._open, Text)

    def _part(self, part: Said, probs: list[TokenProb] | None) -> list[Happening]:
        choice = self._choice
        if isinstance(part, Text):
            if not part.text:
                return []
            begun = self._grow(Text(text=""))
            self._texts.setdefault(self._next, []).append(part.text)
            return [*begun, TextDelta(part.text, self._next, choice, probs)]
        if isinstance(part, Reasoning):
            return self._thought(part)
        if isinstance(part, Audio) and part.media.data is not None:
            begun = self._grow(Audio(media=Media(mime=part.media.mime), format=part.format))
            return [*begun, AudioDelta(part.media.data, "", self._next, choice)]
        if isinstance(part, ToolCall):
            self._calls.append(part)
            opened = ToolCall(id=part.id, name=part.name)
            return [*self._begin(opened), ArgumentsDelta(part.arguments, self._next, choice), *self._close()]
        return [*self._begin(part), *self._close()]

    def _thought(self, part: Reasoning) -> list[Happening]:
        found = self._grow(Reasoning(summary=part.summary, extra=part.extra))
        if part.text:
            found.append(ReasoningDelta(part.text, self._next, self._choice))
        if part.signature:
            found.append(SignatureDelta(part.signature, self._next, self._choice))
            found += self._close()
        return found

    def _grow(self, empty: Said) -> list[Happening]:
        """Go on with the open part where it is of this kind, else begin one."""
        return [] if self._open == empty else self._begin(empty)

    def _begin(self, part: Said) -> list[Happening]:
        closed = self._close()
        self._open = part
        return [*closed, Opened(part, self._next, self._choice)]

    def _close(self) -> list[Happening]:
        if self._open is None:
            return []
        self._open = None
        self._next += 1
        return [Closed(self._next - 1, self._choice)]

    def _cite(self, wire: WireCandidate) -> list[Happening]:
        """Citations that have not been told. Of a text that is closed they have no place any more."""
        if not self._texts or not (wire.grounding_metadata or wire.citation_metadata):
            return []
        places, found = [*self._texts], list[Happening]()
        texts = ["".join(pieces) for pieces in self._texts.values()]
        for at, citation in citations(wire.grounding_metadata, wire.citation_metadata, texts):
            if citation in self._cited:
                continue
            self._cited.append(citation)
            found += self._grow(Text(text=""))
            if places[at] != self._next:
                citation = Citation(citation.text, citation.title, citation.url, citation.document)
            found.append(CitationDelta(citation, self._next, self._choice))
        return found


class GeminiReader:
    """See `EventReader`."""

    __slots__ = ("_began", "_candidates", "_ended", "_framing", "_id", "_sound")

    def __init__(self) -> None:
        self._framing = Framing()
        self._sound = SoundStream()
        self._candidates: dict[int, _Candidate] = {}
        self._began = False
        self._ended = False
        self._id = ""

    def __repr__(self) -> str:
        stopped = sum(one.stopped for one in self._candidates.values())
        return f"<GeminiReader {stopped} of {len(self._candidates)} candidates stopped>"

    def feed(self, data: bytes) -> list[tuple[bytes, list[Happening]]]:
        """See `EventReader`."""
        return self._sound.read_all(self._block, ((found[0], found) for found in self._framing.feed(data)))

    def _block(self, found: tuple[bytes, bytes | None]) -> list[Happening]:
        block, said = found
        if said is not None:
            return self._take(said)
        # No frame of events ends like this: it is the end of an array.
        return self._end() if block.endswith(b"]") else []

    def finish(self) -> list[Happening]:
        """See `EventReader`."""
        rest = self._framing.rest()
        if rest is not None:
            error = wire_error(rest)
            return [] if error is None else [Failed(error.message, said_fields(error), error.code)]
        return [] if self._ended else self._end()

    def _end(self) -> list[Happening]:
        candidates = self._candidates.values()
        self._ended = bool(candidates) and all(one.stopped for one in candidates)
        return [Ended()] if self._ended else []

    def _take(self, data: bytes) -> list[Happening]:
        if b'"error"' in data and (error := wire_error(data)) is not None:
            return [Failed(error.message, said_fields(error), error.code)]
        wire = decode(data)
        found: list[Happening] = []
        if not self._began:
            self._began, self._id = True, wire.response_id or ""
            found.append(Began(wire.response_id, wire.model_version))
        if wire.usage_metadata is not None:
            found.append(Used(wire.usage_metadata.counted()))
        for at, candidate in enumerate(wire.candidates or ()):
            found += self._of(at if candidate.index is None else candidate.index).take(candidate, self._id)
        if not wire.candidates and wire.prompt_feedback is not None and wire.prompt_feedback.block_reason:
            found += self._of(0).block(blocked(wire.prompt_feedback))
        return found

    def _of(self, choice: int) -> _Candidate:
        if choice not in self._candidates:
            self._candidates[choice] = _Candidate(choice)
        candidate = self._candidates[choice]
        if candidate.stopped:
            raise Garbled("with a stream that goes on behind its end")
        return candidate
