"""`logprobsResult`: https://ai.google.dev/api/generate-content#LogprobsResult."""

from __future__ import annotations

from typing import Any

from headgate.api.ai import TokenProb


def read_logprobs(result: dict[str, Any] | None) -> list[TokenProb] | None:
    """How likely each token was; None where nobody asked."""
    if not result or not result.get("chosenCandidates"):
        return None
    others = result.get("topCandidates") or []
    return [
        _prob(one, others[at].get("candidates") or [] if at < len(others) else [])
        for at, one in enumerate(result["chosenCandidates"])
    ]


def _prob(one: dict[str, Any], others: list[dict[str, Any]]) -> TokenProb:
    return TokenProb(one.get("token", ""), one.get("logProbability", 0.0), top=[_prob(other, []) for other in others])


def write_logprobs(probs: list[TokenProb]) -> dict[str, Any]:
    """The same for a client of this dialect."""
    made: dict[str, Any] = {"chosenCandidates": [_written(one) for one in probs]}
    if any(one.top for one in probs):
        made["topCandidates"] = [{"candidates": [_written(other) for other in one.top]} for one in probs]
    return made


def _written(one: TokenProb) -> dict[str, Any]:
    return {"token": one.token, "logProbability": one.logprob}
