"""A namespace with two ways out of it, and the shell that is tested in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from henbd.system.kernel import KernelShell
from tests.functional.kernel.kernel_box import Bells, shell_in, two_ways
from tests.lab.namespaces import Namespace


@pytest.fixture
def box() -> Iterator[Namespace]:
    with two_ways() as made:
        yield made


@pytest.fixture
def bells() -> Bells:
    return Bells()


@pytest.fixture
def shell(box: Namespace, bells: Bells) -> Iterator[KernelShell]:
    with shell_in(box, bells) as made:
        yield made
