"""Every policy in the documentation checks, is laid out as `fmt` would, and passes its own tests."""

from __future__ import annotations

import functools
import re

import pytest
from doc_blocks import Block, all_blocks, blocks

from headgate.host.plugins import Plugins, load_plugins
from headgate.host.settings import Settings
from headgate.language.check.modules import load
from headgate.language.check.run import check
from headgate.language.emit import compile_program
from headgate.language.format import format_source
from headgate.language.render import render
from headgate.language.source import Source
from headgate.pipeline.rehearsal import rehearse_in_thread
from headgate.serve import opened_by_plugins


@functools.cache
def plugins() -> Plugins:
    return load_plugins()


def files_before(block: Block) -> dict[str, str]:
    """The named files of the page (`policy shared/edge.policy`), which blocks may import."""
    return {
        other.info: other.text
        for other in blocks(block.page)
        if other.language == "policy" and other.info.endswith(".policy")
    }


@pytest.mark.parametrize(
    "block", [block for block in all_blocks("policy") if not block.info.startswith("needs=")], ids=str
)
def test_a_policy_of_the_docs_checks_and_passes_its_tests(block: Block) -> None:
    name = block.info if block.info.endswith(".policy") else "page.policy"
    files = {**files_before(block), name: block.text}
    loaded = load([name], files.get)
    checked = check(loaded, plugins().vocabulary)
    wanted = re.findall(r"E\d{3}", block.info)
    if wanted:
        assert sorted({finding.code for finding in checked.errors}) == sorted(wanted)
        return
    assert not checked.findings, render(checked.findings, loaded.sources)
    assert format_source(Source(name, block.text)) == block.text
    settings = Settings(plugins={name: shape() for name, shape in plugins().settings_shapes().items()})
    outcomes = rehearse_in_thread(compile_program(checked), functools.partial(opened_by_plugins, settings, plugins()))
    failed = [outcome.finding for outcome in outcomes if outcome.finding is not None]
    assert not failed, render(failed, loaded.sources)


def test_the_manual_shows_policies_at_all() -> None:
    assert len(all_blocks("policy")) >= 8
