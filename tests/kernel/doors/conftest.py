"""Every way into a node, each with a client that is not ours where there is one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from doors import DOORS, Certified, Door, open_door


@pytest.fixture(scope="session")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    """A CA, two servers' certificates and a client's."""
    folder: Path = tmp_path_factory.mktemp("certificates")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    for name, identities in {
        "one": ["127.0.0.1", "localhost", "one.test"],
        "two": ["two.test", "*.two.test"],
        "client": ["spiffe.test"],
    }.items():
        made = ca.issue_cert(*identities, common_name=name)
        made.private_key_pem.write_to_path(str(folder / f"{name}.key"))
        for at, pem in enumerate(made.cert_chain_pems):
            pem.write_to_path(str(folder / f"{name}.pem"), append=at > 0)
    return Certified(folder)


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest, certified: Certified) -> Callable[..., AbstractAsyncContextManager[Door]]:
    """Opens a node behind one of the doors: `async with door(policies) as d`."""

    @asynccontextmanager
    async def opened(policies: str, **settings: Any) -> AsyncIterator[Door]:
        async with open_door(request.param, policies, certified, **settings) as made:
            yield made

    return opened
