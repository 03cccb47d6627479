"""The recordings that come with the package, read once."""
import pytest

from pfncache_edu.lab import recordings


@pytest.fixture(scope="session")
def stock():
    """The boots of both stock kernels."""
    return [boot for boot in recordings.shipped() if not boot.swapped]


@pytest.fixture(scope="session")
def swapped():
    """The boots of 6.12 with the module that swaps the hook."""
    return [boot for boot in recordings.shipped() if boot.swapped]
