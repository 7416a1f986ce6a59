"""Every code that a finding can have, and what it means: what `headgate help E501` prints.

One table in pieces, by what they are about: a new code is a new entry in one of the files beside this one. Numbers are
never used twice, and never change their meaning. `E` keeps a policy from serving, `W` is a warning.

| codes | about                                  | codes | about                                |
|-------|----------------------------------------|-------|--------------------------------------|
| E0xx  | how it is written, names, parameters   | E5xx  | who may pass, secrets, house rules   |
| E1xx  | types and values                       | E6xx  | imports and fragments                |
| E2xx  | what happens before and after an answer| E7xx  | the tests in the file                |
| E3xx  | values that may be absent              | E8xx  | resources, plugins, configuration    |
| E4xx  | routes                                 |       |                                      |
"""

from __future__ import annotations

from typing import Final

from headgate.language.codes.entry import Code
from headgate.language.codes.flow import FLOW
from headgate.language.codes.routes import ROUTES
from headgate.language.codes.safety import SAFETY
from headgate.language.codes.sharing import SHARING
from headgate.language.codes.values import VALUES
from headgate.language.codes.writing import WRITING

__all__ = ["CODES", "Code"]

CODES: Final[dict[str, Code]] = WRITING | VALUES | FLOW | ROUTES | SAFETY | SHARING
