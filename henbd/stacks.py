"""The adapter of the S1AP stack that is configured; of the others nothing is even imported."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, assert_never

from henbd.settings import S1Settings, StackAdapter, StackManager
from henbd.system.doorbell import Doorbell
from henbd.system.s1ap.adapter import S1Adapter

if TYPE_CHECKING:
    from henbd.system.s1ap.runner import Runner, Watch


def stack(settings: S1Settings, doorbell: Doorbell, rung: Callable[[], None]) -> S1Adapter:
    """Return the adapter of the stack that is configured."""
    match settings.adapter:
        case StackAdapter.NATIVE:
            from henbd.system.s1ap.native import NativeAdapter

            return NativeAdapter(settings.socket, settings.group, doorbell, time.monotonic, rung)
        case StackAdapter.HOOK:
            from henbd.system.s1ap.hook import HookAdapter

            return HookAdapter(
                settings.command,
                settings.time_limit_s,
                settings.poll_s,
                doorbell,
                time.monotonic,
                rung,
            )
        case StackAdapter.SRSENB:
            from henbd.system.s1ap import srsenb_text
            from henbd.system.s1ap.configured import ConfiguredAdapter
            from henbd.system.s1ap.marked_file import MarkedFile

            return ConfiguredAdapter(
                srsenb_text.SRSENB,
                MarkedFile(settings.file, srsenb_text.rewrite, "#"),
                lambda watch: _runner(settings, doorbell, watch),
                time.monotonic,
                rung,
            )
        case StackAdapter.AMARISOFT:
            from henbd.system.s1ap import amarisoft_text
            from henbd.system.s1ap.configured import ConfiguredAdapter
            from henbd.system.s1ap.marked_file import MarkedFile
            from henbd.system.s1ap.remote import RemoteRunner

            return ConfiguredAdapter(
                amarisoft_text.AMARISOFT,
                MarkedFile(settings.file, amarisoft_text.rewrite, "//"),
                lambda watch: RemoteRunner(
                    settings.remote_port,
                    lambda inner: _runner(settings, doorbell, inner),
                    doorbell,
                    time.monotonic,
                    watch,
                ),
                time.monotonic,
                rung,
            )
        case _:
            assert_never(settings.adapter)


def _runner(settings: S1Settings, doorbell: Doorbell, watch: Watch) -> Runner:
    """Return what starts and stops the program of a stack."""
    from henbd.system.s1ap.runner import ChildRunner
    from henbd.system.s1ap.service import ServiceRunner, procd, systemd

    match settings.manager:
        case StackManager.CHILD:
            return ChildRunner(settings.command, doorbell, time.monotonic, watch)
        case StackManager.SYSTEMD:
            return ServiceRunner(systemd(settings.service), doorbell, time.monotonic, watch)
        case StackManager.PROCD:
            return ServiceRunner(procd(settings.service), doorbell, time.monotonic, watch)
        case _:
            assert_never(settings.manager)
