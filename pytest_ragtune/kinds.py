"""Runs of another kind: planted faults, the self-check, the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .plugin import RagtunePlugin


def register_kind(plugin: RagtunePlugin) -> None:
    """Register the hooks of the kind of run that an option asks for."""
    config = plugin.config
    if config.getoption("ragtune_plan"):
        from .plan_run import PlanRun

        config.pluginmanager.register(PlanRun(plugin), "ragtune-plan")
    if config.getoption("ragtune_selfcheck") is not None:
        from .selfcheck_run import SelfCheckRun

        config.pluginmanager.register(SelfCheckRun(plugin), "ragtune-selfcheck")
    if config.getoption("ragtune_faults"):
        from .fault_run import FaultRun, Rerun

        faults = FaultRun(plugin)
        config.pluginmanager.register(faults, "ragtune-faults")
        config.pluginmanager.register(Rerun(faults), "ragtune-rerun")
