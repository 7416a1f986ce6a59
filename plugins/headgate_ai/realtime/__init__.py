"""`ai.realtime`: sessions over a WebSocket (https://platform.openai.com/docs/api-reference/realtime).

`step` opens one, `session` stands between its two ends, `events` reads what they say, `turns` pays for answers, and
`hearing` for transcripts of what was heard.
"""
