"""Loading plugins, one by one.

1. A plugin is an entry point of the group `headgate`: a class, made once for each node, so that two nodes in one
   process share nothing. Its hooks are methods marked `@hookimpl`.
2. One plugin that fails to import, or declares what does not hold, is set aside with its name and its error; the
   others load. Whether the node can serve without it is the policies' matter: a step of it that a policy needs is a
   finding that names the plugin.
"""

from __future__ import annotations

import importlib.metadata
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pluggy

from headgate import hookspecs
from headgate.host.names import GROUP, installed
from headgate.language.functions import kernel_functions
from headgate.language.vocabulary import Misdeclared, Vocabulary, read_function, read_resource, read_step

log = logging.getLogger("headgate")


@dataclass(frozen=True, slots=True)
class Broken:
    """A plugin that was set aside, and why."""

    name: str
    error: str


@dataclass(slots=True)
class Plugins:
    """The plugins of one node and all that they declare."""

    manager: pluggy.PluginManager
    vocabulary: Vocabulary
    loaded: dict[str, Any] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)
    shapes: dict[str, type[msgspec.Struct]] = field(default_factory=dict)

    def settings_shapes(self) -> dict[str, type[msgspec.Struct]]:
        """The tables of `headgate.toml` that plugins have, by plugin."""
        return self.shapes

    def __repr__(self) -> str:
        return f"<Plugins {len(self.loaded)} loaded, {len(self.broken)} broken>"


def load_plugins(extra: Iterable[tuple[str, Any]] = (), *, discover: bool = True) -> Plugins:
    """Every installed plugin, and `extra` ones given as (name, class). Never raises for a plugin's fault."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    plugins = Plugins(manager, Vocabulary(functions=kernel_functions()))
    candidates: list[tuple[str, Any]] = list(extra)
    if discover:
        candidates += [(point.name, point) for point in installed()]
    for name, candidate in candidates:
        _load(plugins, name, candidate)
    dialects = plugins.vocabulary.dialects
    dialects.update({name: one.standing(dialects) for name, one in dialects.items()})
    return plugins


def _load(plugins: Plugins, name: str, candidate: Any) -> None:
    try:
        cls = candidate.load() if isinstance(candidate, importlib.metadata.EntryPoint) else candidate
        plugin = cls()
        plugins.manager.register(plugin, name)
    except Exception as error:
        _set_aside(plugins, name, error)
        return
    try:
        _check_hooks(plugins, plugin)
        shape = plugin.register_settings() if hasattr(plugin, "register_settings") else None
        _collect(plugins.vocabulary, name, plugin)
    except Exception as error:
        plugins.manager.unregister(plugin)
        _set_aside(plugins, name, error)
    else:
        plugins.loaded[name] = plugin
        if shape is not None:
            plugins.shapes[name] = shape


def _set_aside(plugins: Plugins, name: str, error: Exception) -> None:
    text = str(error) if isinstance(error, Misdeclared) else f"{type(error).__name__}: {error}"
    plugins.broken.append(Broken(name, " ".join(text.split())))
    plugins.vocabulary.broken[name] = " ".join(text.split())


def _check_hooks(plugins: Plugins, plugin: Any) -> None:
    """A method marked as a hook that is none is a misspelling, not an extension."""
    for caller in plugins.manager.get_hookcallers(plugin) or ():
        if not caller.has_spec():
            known = ", ".join(sorted(name for name in vars(hookspecs) if name.startswith(("register_", "open_"))))
            raise Misdeclared(f"there is no hook `{caller.name}`; the hooks are {known}")


def _collect(vocabulary: Vocabulary, name: str, plugin: Any) -> None:
    """Add what a plugin declares, all of it or nothing."""
    steps = [read_step(call, name) for call in _declared(plugin, "register_steps")]
    resources = [read_resource(call, name) for call in _declared(plugin, "register_resources")]
    functions = [read_function(call, name) for call in _declared(plugin, "register_functions")]
    kinds = list(_declared(plugin, "register_kinds"))
    dialects = list(_declared(plugin, "register_dialects"))
    raisable = {*vocabulary.kinds, *(kind.name for kind in kinds)}
    for spec in steps:
        if spec.name in vocabulary.steps:
            raise Misdeclared(
                f"the step `{spec.name}` is already there, from the plugin `{vocabulary.steps[spec.name].plugin}`"
            )
        for raised in spec.raises:
            if raised not in raisable and not raised.endswith(".*"):
                raise Misdeclared(f"the step `{spec.name}` raises `{raised}`, which no plugin has registered as a kind")
    for taken in [spec.kind for spec in resources if spec.kind in vocabulary.resources]:
        raise Misdeclared(f"the resource kind `{taken}` is already there")
    for name in [one.name for one in dialects if one.name in vocabulary.dialects]:
        raise Misdeclared(f"the dialect `{name}` is already there")
    vocabulary.steps.update({spec.name: spec for spec in steps})
    vocabulary.resources.update({spec.kind: spec for spec in resources})
    vocabulary.functions.update({spec.name: spec for spec in functions})
    vocabulary.kinds.update({kind.name: kind for kind in kinds})
    vocabulary.dialects.update({one.name: one for one in dialects})


def _declared(plugin: Any, hook: str) -> list[Any]:
    method = getattr(plugin, hook, None)
    return list(method() or ()) if method is not None else []
