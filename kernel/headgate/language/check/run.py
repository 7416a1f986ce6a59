"""The check, as a recipe."""

from __future__ import annotations

from headgate.language import tree
from headgate.language.check.flow import check_flow
from headgate.language.check.items import declare
from headgate.language.check.modules import Loaded
from headgate.language.check.result import Checked, damage_of
from headgate.language.check.route import check_route
from headgate.language.check.routes import check_routes
from headgate.language.check.scenarios import check_test
from headgate.language.check.statements import fragment_value
from headgate.language.vocabulary import Vocabulary


def check(loaded: Loaded, vocabulary: Vocabulary) -> Checked:
    """Check everything that was loaded. Every finding is in the result; nothing is raised."""
    checked = Checked(vocabulary, loaded.modules, list(loaded.findings), damaged=damage_of(loaded))
    checked.mistakes = len(checked.errors)
    for module in loaded.modules.values():
        declare(checked, module)
    for module in loaded.modules.values():
        for item in module.file.items:
            match item:
                case tree.Fragment():
                    fragment_value(checked, module, item)
                case tree.Route():
                    check_route(checked, module, item)
    for module in loaded.modules.values():  # what a test gives for a step is what its lines bind
        for item in module.file.items:
            if isinstance(item, tree.Test):
                check_test(checked, module, item)
    check_flow(checked)
    check_routes(checked)
    _once(checked)
    checked.findings.sort(key=lambda finding: (finding.span.file, finding.span.line, finding.span.column))
    return checked


def _once(checked: Checked) -> None:
    """Where a name is not known yet, that it may be absent as well is nothing of its own."""
    early = {finding.span[:3] for finding in checked.findings if finding.code == "E201"}
    kept = [finding for finding in checked.findings if finding.code != "E301" or finding.span[:3] not in early]
    checked.findings[:] = kept
