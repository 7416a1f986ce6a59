"""Requests, responses, bodies and headers: pure data, no I/O."""

from headgate.message.body import Body, BytesBody, JsonBody, is_ready, read_all, trailers_of
from headgate.message.forwarding import outgoing_headers
from headgate.message.headers import Headers, Line
from headgate.message.request import Client, Request
from headgate.message.response import Response
from headgate.message.url import encoded_path, render_query

__all__ = [
    "Body",
    "BytesBody",
    "JsonBody",
    "Client",
    "Headers",
    "Line",
    "Request",
    "Response",
    "encoded_path",
    "is_ready",
    "outgoing_headers",
    "read_all",
    "render_query",
    "trailers_of",
]
