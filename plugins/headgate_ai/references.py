"""What a request refers to that its provider holds: files, answers, conversations, stores, containers.

1. One walk for all dialects, over what goes out. Names are compared without case and underscores, as the most tolerant
   reader would.
2. A function's schema, its arguments and its result are the client's own: anything may stand there, and no provider looks
   it up. Nor does one look up what an answer cited, which clients send back.
3. Reasoning is sent back by its id too. No provider shows it, so that is left alone.
4. Most requests refer to nothing: a look at the bytes says so (`may_refer`), and nothing is decoded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple

import re2

Kind = Literal["file", "other"]


class Reference(NamedTuple):
    """One of them: a `file` by its id; `other` is what nobody here can say whose it is. `where` is the field."""

    kind: Kind
    ident: str
    where: str


# Fields that name a thing, or several, at any depth.
_FILES: Final = frozenset({"fileid", "fileids", "inputfileid", "inputfiles"})
_OTHERS: Final = frozenset(
    {
        # OpenAI's: https://platform.openai.com/docs/guides/tools-file-search, …/tools-code-interpreter, …/tools-shell
        "vectorstoreids", "vectorstoreid", "containerid", "collectionids",
        # Gemini's and Vertex's: https://ai.google.dev/gemini-api/docs/caching, …/file-search
        "cachedcontent", "filesearchstorenames", "datastore", "ragcorpus", "ragcorpora",
        # Mistral's: https://docs.mistral.ai/agents/connectors/document_library
        "libraryids", "agentid", "conversationid",
        # Bedrock's documents in a bucket of the operator's.
        "s3location",
    }
)  # fmt: skip
# Fields whose value is an id, or an object with one.
_HOLDERS: Final = frozenset({"container", "conversation"})
# Only there, at the top of a question, do these refer to something.
_ATOP: Final = frozenset({"prompt"})
_SKIPPED: Final = frozenset(
    {
        "parameters", "parametersjsonschema", "inputschema", "schema", "responseschema", "responsejsonschema", "args",
        "arguments", "metadata", "annotations", "citations",
    }
)  # fmt: skip
# A call of the client's function, and what a provider's own tool said: their `input` or `results` are no references.
_CALLS: Final = {
    "tool_use": "input", "server_tool_use": "input", "mcp_tool_use": "input", "file_search_call": "results",
}  # fmt: skip
# Files that code has made, as an answer tells of them.
_TOLD: Final = ("code_execution_output",)
# Public skills of Anthropic's and OpenAI's.
_PUBLIC_SKILL: Final = "openai-"
# https://ai.google.dev/gemini-api/docs/files: what an address of Gemini's own files looks like.
_GEMINI_FILE: Final = re.compile(
    r"(?:https://generativelanguage\.googleapis\.com/[^/]+/)?files/([^/?#]+)", re.IGNORECASE
)
_PUBLIC: Final = re.compile(r"https?://", re.IGNORECASE)
_GOOGLES: Final = re.compile(r"https?://[^/]*googleapis\.com[.:/]", re.IGNORECASE)


def _any_case() -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.never_capture = True
    options.encoding = re2.Options.Encoding.LATIN1
    return options


# Every request is searched for these, in any case, with underscores or without.
_WORDS: Final = (
    b"\\u00", b"fileid", b"fileuri", b"inputfile", b"itemreference", b"conversation", b"container", b"vectorstore",
    b"collectionids", b"cachedcontent", b"previousresponse", b"searchstore", b"datastore", b"ragcorp", b"librar", b"agentid",
    b"s3location", b"skill", b'"prompt"', b'"id"',
)  # fmt: skip
# RE2 looks at a byte once, Python's own engine once for each word. But RE2 lets other threads in first, which for a short
# text takes longer than the search.
_SHORT_BYTES: Final = 4096
_ANY: Final = re2.compile(b"|".join(re.escape(word) for word in _WORDS), _any_case())


def may_refer(data: bytes) -> bool:
    """Whether these bytes can refer to anything. Names written with escapes are looked at too."""
    plain = data.replace(b"_", b"")
    if len(plain) > _SHORT_BYTES:
        return _ANY.search(plain) is not None
    plain = plain.lower()
    return any(word in plain for word in _WORDS)


def references(question: Any) -> Iterator[Reference]:
    """Every reference of one question: a chat's body as it goes out."""
    if not isinstance(question, dict):
        return
    for name, value in question.items():
        if folded(name) in _ATOP and isinstance(value, dict) and value.get("id") is not None:
            yield Reference("other", str(value["id"]), name)
        if folded(name) == "input" and isinstance(value, list):
            yield from _items(value)
    yield from _in(question)


def _items(items: list[Any]) -> Iterator[Reference]:
    """What stands in a list of Responses' items for something that was said before:
    https://platform.openai.com/docs/api-reference/responses/create."""
    for place, item in enumerate(items):
        if not isinstance(item, dict) or not isinstance(item.get("id"), str):
            continue
        bare = item.get("type") is None and "role" not in item
        # A picture that was made is meant by its id alone: https://platform.openai.com/docs/guides/image-generation.
        if bare or (item.get("type") == "image_generation_call" and not item.get("result")):
            yield Reference("other", item["id"], f"input[{place}].id")


def _in(question: Any) -> Iterator[Reference]:
    """What is referred to at any depth. No call for each level: who nests deeply only waits longer."""
    left: list[tuple[Any, str]] = [(question, "")]
    while left:
        value, where = left.pop()
        if isinstance(value, list):
            left += [(one, f"{where}[{place}]") for place, one in enumerate(value) if isinstance(one, (dict, list))][
                ::-1
            ]
            continue
        if value.get("type") == "item_reference":
            yield Reference("other", str(value.get("id")), f"{where}.id")
        deeper: list[tuple[Any, str]] = []
        for name, inner in value.items():
            plain = folded(name)
            if _is_clients(value, name, plain):
                continue
            inside = f"{where}.{name}" if where else name
            yield from _named(plain, inner, value, inside)
            if isinstance(inner, (dict, list)):
                deeper.append((inner, inside))
        left += deeper[::-1]


def _is_clients(around: dict[str, Any], name: str, plain: str) -> bool:
    """Rule 2. Of Gemini's `functionResponse`, `response` is what the function gave."""
    kind = str(around.get("type"))
    if plain in _SKIPPED or _CALLS.get(kind) == name or (plain == "response" and "name" in around):
        return True
    return plain in _FILES and kind.endswith(_TOLD)


def _named(plain: str, inner: Any, around: dict[str, Any], where: str) -> Iterator[Reference]:
    """What this field refers to itself."""
    if plain in _FILES:
        yield from (Reference("file", _last(one), where) for one in _texts(inner))
    elif plain in _OTHERS:
        yield from (Reference("other", one, where) for one in _texts(inner))
        if isinstance(inner, dict) and plain == "s3location":
            yield Reference("other", str(inner.get("uri")), where)
    elif plain in _HOLDERS:
        ident = inner.get("id") if isinstance(inner, dict) else inner
        if isinstance(ident, str):
            yield Reference("other", ident, where)
    elif plain == "fileuri" and isinstance(inner, str):
        yield from _address(inner, where)
    elif plain == "skillid" and isinstance(inner, str):
        if around.get("type") != "anthropic" and not inner.startswith(_PUBLIC_SKILL):
            yield Reference("other", inner, where)
    elif plain == "audio" and isinstance(inner, dict) and inner.keys() == {"id"}:
        # What a model has said: https://platform.openai.com/docs/guides/audio.
        yield Reference("other", str(inner["id"]), where)


def _address(uri: str, where: str) -> Iterator[Reference]:
    """Gemini's own files are files; what the whole world can read is nobody's; a bucket is the operator's."""
    match = _GEMINI_FILE.fullmatch(uri.strip())
    if match is not None:
        yield Reference("file", match[1], where)
    elif _PUBLIC.match(uri) is None or _GOOGLES.match(uri) is not None:
        yield Reference("other", uri, where)


def _last(ident: str) -> str:
    """Of `files/abc` the id."""
    return ident.removeprefix("files/")


def _texts(value: Any) -> Iterator[str]:
    yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str))


def folded(name: str) -> str:
    """A name as the most tolerant reader compares it."""
    return name.replace("_", "").casefold()
