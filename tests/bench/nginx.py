"""nginx, twice: as the upstream that always answers the same, and as the peer that proxies to it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UPSTREAM, PEER = 18081, 18082

ANSWER = json.dumps(
    {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": "gpt-4.1-mini",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello there."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
    },
    separators=(",", ":"),
)  # fmt: skip

_COMMON = """
daemon off; worker_processes 1; pid {dir}/{name}.pid; error_log {dir}/{name}.err warn; {user}
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {dir}/{name}.b; proxy_temp_path {dir}/{name}.p; fastcgi_temp_path {dir}/{name}.f;
  uwsgi_temp_path {dir}/{name}.u; scgi_temp_path {dir}/{name}.s; keepalive_requests 1000000;
  {body}
}}
"""

_UPSTREAM = """
  server {{ listen 127.0.0.1:{port} backlog=1024; default_type application/json;
    location / {{ return 200 '{answer}'; }} }}
"""

# As nginx's own manual has it for keep-alive upstreams.
_PEER = """
  upstream backend {{ server 127.0.0.1:{upstream}; keepalive 128; keepalive_requests 1000000; }}
  server {{ listen 127.0.0.1:{port} backlog=1024;
    location / {{ proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; }} }}
"""


@contextmanager
def nginx(folder: Path, name: str, core: int) -> Iterator[None]:
    """Run one of the two on a core until the block ends."""
    body = (
        _UPSTREAM.format(port=UPSTREAM, answer=ANSWER)
        if name == "upstream"
        else _PEER.format(port=PEER, upstream=UPSTREAM)
    )
    user = "user root;" if os.geteuid() == 0 else ""
    config = folder / f"{name}.conf"
    config.write_text(_COMMON.format(dir=folder, name=name, body=body, user=user))
    command = ["taskset", "-c", str(core), "nginx", "-e", str(folder / f"{name}.err"), "-c", str(config)]
    process = subprocess.Popen(command)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)
