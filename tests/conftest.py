"""Of the web's authorities, no test trusts any: nothing here is to reach the web. A client of a provider's library reads the
whole list of them when it is made, which takes longer than most tests; one authority is read at once."""

from __future__ import annotations

import os
import tempfile

import pytest
import trustme


def pytest_configure(config: pytest.Config) -> None:
    """Before anything is imported that looks."""
    folder = tempfile.TemporaryDirectory(prefix="headgate-authority-")
    config.add_cleanup(folder.cleanup)
    path = os.path.join(folder.name, "authority.pem")
    trustme.CA().cert_pem.write_to_path(path)
    os.environ["SSL_CERT_FILE"] = path
