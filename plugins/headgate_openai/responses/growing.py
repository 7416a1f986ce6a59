"""The items of a response while they grow, and what is told of each step.

1. A message holds the texts and refusals that follow one another. It is done when all its parts are, and something else
   begins or the answer ends. Calls and reasoning are items of their own; several items may grow at a time.
2. Each begins with `output_item.added` and ends with `output_item.done`, which has all of it.
3. What grows is kept in its pieces, and put together when it is shown (`settle`): a text that is extended in place is copied
   each time, which for a long one is most of the work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headgate.api.ai import Citation, Reasoning, TokenProb, ToolCall, carry
from headgate_openai.responses.rendering import annotation
from headgate_openai.responses.responding import render_prob
from headgate_openai.responses.shapes import OWN_THOUGHT, Called, Thought

Say = Callable[..., None]


class Growing:
    """One item. `place` is its `output_index`."""

    __slots__ = ("item", "place", "say")

    def __init__(self, say: Say, place: int, item: dict[str, Any]) -> None:
        self.say, self.place, self.item = say, place, item
        say("response.output_item.added", output_index=place, item=item)

    def at(self) -> dict[str, Any]:
        """Where it stands, as every event says it."""
        return {"item_id": self.item["id"], "output_index": self.place}

    def done(self, status: str = "completed") -> None:
        """It is whole."""
        self.item["status"] = status
        self.say("response.output_item.done", output_index=self.place, item=self.item)


class Saying(Growing):
    """A message."""

    __slots__ = ("_asked", "_open")

    def __init__(self, say: Say, place: int, ident: str) -> None:
        self._open, self._asked = 0, False
        item = {"id": ident, "type": "message", "status": "in_progress", "role": "assistant", "content": []}
        super().__init__(say, place, item)

    def open(self, part: dict[str, Any]) -> Words:
        """One more part."""
        self._open += 1
        self.item["content"].append(part)
        return Words(self, len(self.item["content"]) - 1, part)

    def closed(self) -> None:
        """One of its parts is whole."""
        self._open -= 1
        if self._asked and self._open == 0:
            self.done()

    def end(self, status: str = "completed") -> None:
        """Nothing more comes into it."""
        self._asked = True
        if self._open == 0:
            self.done(status)


class Words:
    """A text or a refusal in a message."""

    __slots__ = ("_kind", "_length", "_message", "_name", "_pieces", "_place", "part")

    def __init__(self, message: Saying, place: int, part: dict[str, Any]) -> None:
        self._message, self._place, self.part = message, place, part
        self._pieces: list[str] = []
        self._length = 0
        self._name = "text" if part["type"] == "output_text" else "refusal"
        self._kind = f"response.{part['type']}"
        message.say("response.content_part.added", **self._at(), part=part)

    def _at(self) -> dict[str, Any]:
        return {**self._message.at(), "content_index": self._place}

    def grow(self, text: str, probs: list[TokenProb] | None = None) -> None:
        """More of it."""
        self._pieces.append(text)
        self._length += len(text)
        more = {}
        if self._name == "text":
            said = [render_prob(one) for one in probs or ()]
            self.part["logprobs"] += said
            more = {"logprobs": said}
        self._message.say(f"{self._kind}.delta", **self._at(), delta=text, **more)

    def cite(self, citation: Citation) -> None:
        """One more citation of it."""
        noted = annotation(citation, 0, self._length)
        self.part["annotations"].append(noted)
        count = len(self.part["annotations"]) - 1
        self._message.say(f"{self._kind}.annotation.added", **self._at(), annotation_index=count, annotation=noted)

    def settle(self) -> None:
        """Put together what has come of it."""
        self.part[self._name] = "".join([self.part[self._name], *self._pieces])
        self._pieces.clear()

    def close(self) -> None:
        """It is whole."""
        self.settle()
        more = {"logprobs": self.part["logprobs"]} if self._name == "text" else {}
        self._message.say(f"{self._kind}.done", **self._at(), **{self._name: self.part[self._name]}, **more)
        self._message.say("response.content_part.done", **self._at(), part=self.part)
        self._message.closed()


class Calling(Growing):
    """A call of a function."""

    __slots__ = ("_pieces",)

    def __init__(self, say: Say, place: int, ident: str, call: ToolCall) -> None:
        came = call.item if isinstance(call, Called) else {}
        said = {"call_id": call.id, "name": call.name, "arguments": "", "status": "in_progress"}
        self._pieces: list[str] = []
        super().__init__(say, place, {"id": ident, "type": "function_call", **came, **said})

    def grow(self, text: str) -> None:
        """More of its arguments."""
        self._pieces.append(text)
        self.say("response.function_call_arguments.delta", **self.at(), delta=text)

    def settle(self) -> None:
        """Put together what has come of it."""
        self.item["arguments"] = "".join([self.item["arguments"], *self._pieces])
        self._pieces.clear()

    def close(self) -> None:
        """It is whole."""
        self.settle()
        said = {"arguments": self.item["arguments"], "name": self.item["name"]}
        self.say("response.function_call_arguments.done", **self.at(), **said)
        self.done()


class Thinking(Growing):
    """Reasoning: a summary of it, or the thoughts themselves. Another dialect's proof travels as what is encrypted.

    What OpenAI has encrypted comes as a part of its own, behind the words: so the item is done when the next one begins.
    """

    __slots__ = ("_asked", "_open", "_part_of", "_pieces", "_summary", "_told")

    def __init__(self, say: Say, place: int, ident: str, part: Reasoning) -> None:
        came = part.item if isinstance(part, Thought) else {}
        own = part.id is not None and part.id.startswith(OWN_THOUGHT)
        item = {**came, "id": part.id if own else ident, "type": "reasoning", "summary": [], "status": "in_progress"}
        item.pop("content", None)
        if part.sealed is not None:
            item["encrypted_content"] = part.sealed if own else carry(part, None)
        self._summary, self._told = part.summary, False
        self._pieces: list[str] = []
        self._part_of = part
        self._open, self._asked = True, False
        super().__init__(say, place, item)
        if part.signature is not None:
            self.sign(part.signature)

    def seal(self, part: Reasoning) -> bool:
        """Take what is encrypted of it. False where that belongs to something else."""
        if part.sealed is None or part.id is None or part.id != self.item["id"]:
            return False
        self.item["encrypted_content"] = part.sealed
        return True

    def sign(self, signature: str) -> None:
        """The proof of it."""
        self.item["encrypted_content"] = carry(self._part_of, signature)

    def grow(self, text: str) -> None:
        """More of it."""
        if not self._told:
            self._told = True
            self._part("added", "")
        self._pieces.append(text)
        kind = "response.reasoning_summary_text.delta" if self._summary else "response.reasoning_text.delta"
        self.say(kind, **self._at(), delta=text)

    def settle(self) -> None:
        """Its words are shown when they are whole, and not before."""

    def close(self) -> None:
        """It is whole."""
        if self._told:
            text = "".join(self._pieces)
            kind = "response.reasoning_summary_text.done" if self._summary else "response.reasoning_text.done"
            self.say(kind, **self._at(), text=text)
            self.item["summary" if self._summary else "content"] = [self._part("done", text)]
        self._open = False
        if self._asked:
            self.done()

    def end(self) -> None:
        """Nothing more comes of it but what is still open."""
        self._asked = True
        if not self._open:
            self.done()

    def _at(self) -> dict[str, Any]:
        return {**self.at(), "summary_index" if self._summary else "content_index": 0}

    def _part(self, step: str, text: str) -> dict[str, Any]:
        part = {"type": "summary_text" if self._summary else "reasoning_text", "text": text}
        name = "reasoning_summary_part" if self._summary else "content_part"
        self.say(f"response.{name}.{step}", **self._at(), part=part)
        return part
