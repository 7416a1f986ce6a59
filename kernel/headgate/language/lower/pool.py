"""What generated code needs beside itself: constants, steps, resources and sites, by the names it uses for them."""

from __future__ import annotations

import ast
from typing import Any

from headgate.language import tree
from headgate.language.check.result import BoundResource
from headgate.language.vocabulary import Site, StepSpec

# A parameter's resource, or its list of them, by the names they have in generated code.
Resources = dict[str, str | list[str]]


class Pool:
    """Names for everything that is no literal. One pool for the part of a set of policies that one file is; `number` makes
    its names its own."""

    def __init__(self, number: int = 0) -> None:
        self._number = number
        self.constants: dict[str, Any] = {}
        self.steps: dict[str, StepSpec] = {}
        self.resources: dict[str, BoundResource] = {}
        self.sites: dict[str, SiteUse] = {}
        self.fillers: dict[tree.Resource, str] = {}
        self.functions: list[tuple[str, ast.stmt]] = []
        self._known: dict[Any, str] = {}
        self._count = 0

    def __repr__(self) -> str:
        return f"<Pool {len(self.constants)} constants, {len(self.sites)} sites>"

    def fresh(self, prefix: str) -> str:
        """A name that nothing else has."""
        self._count += 1
        return f"{prefix}{self._count}_{self._number}"

    def take_in(self, other: Pool) -> None:
        """All that another one has names for."""
        self.constants.update(other.constants)
        self.steps.update(other.steps)
        self.resources.update(other.resources)
        self.sites.update(other.sites)

    def constant(self, value: Any) -> str:
        name = self.fresh("k")
        self.constants[name] = value
        return name

    def step(self, spec: StepSpec, *, fast: bool = False) -> str:
        name = f"s_{spec.name.replace('.', '_')}"
        self.steps[name] = spec
        if fast:
            self.constants[f"{name}_fast"] = spec.fast
            return f"{name}_fast"
        return name

    def resource(self, bound: BoundResource) -> str:
        key = (bound.module.name, bound.node.name)
        if key not in self._known:
            self._known[key] = self.fresh(f"r_{bound.node.name}_")
            self.resources[self._known[key]] = bound
        return self._known[key]

    def site(self, site: Site, spec: StepSpec, constants: dict[str, Any], resources: Resources) -> str:
        """One site for a line, whether its route is traced or not: both spend from the same buckets."""
        if site.key not in self._known:
            self._known[site.key] = self.fresh("site")
            self.sites[self._known[site.key]] = SiteUse(site, spec, constants, resources)
        return self._known[site.key]


class SiteUse:
    """A line that calls a step, with those of its arguments that are known when the policy loads: values, and by name
    the resources, which a Snapshot builds."""

    __slots__ = ("constants", "resources", "site", "spec")

    def __init__(self, site: Site, spec: StepSpec, constants: dict[str, Any], resources: Resources) -> None:
        self.site = site
        self.spec = spec
        self.constants = constants
        self.resources = resources

    def __repr__(self) -> str:
        return f"<SiteUse {self.site.key} [{len(self.constants)} constants]>"
