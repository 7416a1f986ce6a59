"""What events of a realtime session are made of: the session itself, and the counts of an answer."""

from __future__ import annotations

from typing import Any

from headgate.testing.providers.says import Tokens


def new_session(model: str) -> dict[str, Any]:
    """A session as it begins."""
    return {
        "type": "realtime",
        "model": model,
        "instructions": "Be helpful.",
        "output_modalities": ["audio"],
        "max_output_tokens": "inf",
        "tools": [],
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "transcription": None,
                "turn_detection": {"type": "server_vad", "create_response": True, "silence_duration_ms": 500},
            },
            "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin"},
        },
    }


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """A session with the fields of another in it."""
    both = {**old}
    for name, value in new.items():
        before = old.get(name)
        deep = isinstance(before, dict) and isinstance(value, dict) and name in ("audio", "input", "output")
        both[name] = merged(before or {}, value) if deep else value
    return both


def usage_of(tokens: Tokens) -> dict[str, Any]:
    """https://platform.openai.com/docs/api-reference/realtime-server-events/response/done, "usage"."""
    cached = min(tokens.cached, tokens.heard)
    return {
        "total_tokens": tokens.input + tokens.output,
        "input_tokens": tokens.input,
        "output_tokens": tokens.output,
        "input_token_details": {
            "text_tokens": tokens.input - tokens.heard, "audio_tokens": tokens.heard, "image_tokens": 0,
            "cached_tokens": tokens.cached,
            "cached_tokens_details": {"text_tokens": tokens.cached - cached, "audio_tokens": cached},
        },
        "output_token_details": {"text_tokens": tokens.output - tokens.spoken, "audio_tokens": tokens.spoken},
    }  # fmt: skip
