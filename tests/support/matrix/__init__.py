"""The official clients of six dialects, and the providers of seven, each with each: what the tests do, and what the
page about AI shows, from one set of data.

1. A driver (`clients`) turns an `Ask` into the calls of one SDK, unmodified, and what comes back into a `Heard`.
2. An upstream (`upstreams`) is a simulator and the `model` that leads to it.
3. A feature (`features`) is what is asked, what the model says, and what has to be true then.
4. A pair that cannot have a feature has the reason from the dialects themselves (`verdicts`).
"""
