"""Where in a policy something went wrong, and whether it was allowed to: both are read from a traceback.

A step raises only the kinds that it declared (SEMANTICS §3.1), and `request.*`: what is wrong with a request may show
in any step that reads its body. What a meter raises, the line that put it there has declared. Anything else is the plugin's bug. Looking costs nothing until something is raised.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Iterable, Mapping
from types import CodeType

from headgate.contracts.cancelled import is_cancellation
from headgate.contracts.meters import reserve_all
from headgate.errors import Failure, NodeStopping, PluginFault
from headgate.language.vocabulary import StepSpec

ANYBODYS = "request."


def policy_line(error: BaseException) -> str:
    """`orders.policy:13: KeyError: 'x'`; without a policy line, the error alone."""
    frames = traceback.extract_tb(error.__traceback__)
    place = next(
        (f"{frame.filename}:{frame.lineno}: " for frame in reversed(frames) if frame.filename.endswith(".policy")), ""
    )
    return f"{place}{type(error).__name__}: {error}"


def stopped(error: BaseException) -> BaseException:
    """Whoever is cancelled, and not since its client is gone, is cut off by the end of the node."""
    return NodeStopping() if is_cancellation(error) else error


def by_code(specs: Iterable[StepSpec]) -> dict[CodeType, StepSpec]:
    """Steps by the code that a traceback shows for them."""
    found = {}
    for spec in specs:
        for call in (spec.call, spec.fast):
            code = getattr(inspect.unwrap(call), "__code__", None) if call is not None else None
            if isinstance(code, CodeType):
                found[code] = spec
    return found


def undeclared(failure: Failure, steps: Mapping[CodeType, StepSpec]) -> PluginFault | None:
    """The plugin's fault, where the step that the innermost policy line called never declared this kind."""
    spec = _raiser(failure, steps)
    if spec is None or failure.kind.startswith(ANYBODYS) or _covers(spec.raises, failure.kind):
        return None
    said = f"the step `{spec.name}` raised `{failure.kind}`, which it does not declare: {failure.message}"
    return PluginFault(said, plugin=spec.plugin)


def _raiser(failure: Failure, steps: Mapping[CodeType, StepSpec]) -> StepSpec | None:
    """What the innermost policy line called, if that is a step and no meter was asked on the way."""
    called, was_policy = None, False
    place = failure.__traceback__
    while place is not None:
        code = place.tb_frame.f_code
        if code is reserve_all.__code__:
            return None
        if was_policy:
            called = steps.get(code)
        was_policy = code.co_filename.endswith(".policy")
        place = place.tb_next
    return called


def _covers(raises: Iterable[str], kind: str) -> bool:
    return any(kind == one or (one.endswith(".*") and kind.startswith(one[:-1])) for one in raises)
