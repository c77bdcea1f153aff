"""Holds docker/ to the code: each check reads Dockerfiles, compose files and settings and gives its findings as lines.

`faults(root)` runs all of them on a checkout, or on a copy of its docker/ and configs/ in which a test broke something.
"""

from pathlib import Path

from tests.docker_kit import handbook, images, mqtt, references, services
from tests.docker_kit.deployment import Deployment

__all__ = ["Deployment", "faults", "handbook"]


def faults(root: Path) -> list[str]:
    """Everything that does not hold, one line each; empty when all holds."""
    deployment = Deployment.read(root)
    found = [line for image in deployment.images.values() for line in images.check(deployment, image)]
    for stack in deployment.stacks:
        found += services.check(deployment, stack)
        found += references.check(deployment, stack)
        found += mqtt.check(deployment, stack)
    return [*found, *handbook.check(deployment)]
