"""`headgate`, with OpenAI's address moved to the upstream of the benchmark. All else is as it is shipped.

A model that a client names is asked where the row of its provider says. So that `ai.chat chat.model from=key.models` is
measured as it stands in `policies/shared/ai.policy`, the row is another one in this process.
"""

from __future__ import annotations

import msgspec
from tests.bench.bed import UPSTREAM

from headgate.cli import main
from headgate_ai.providers import providers

rows = providers()
rows["openai"] = msgspec.structs.replace(rows["openai"], url=f"http://127.0.0.1:{UPSTREAM}/v1")

if __name__ == "__main__":
    main(prog_name="headgate")
