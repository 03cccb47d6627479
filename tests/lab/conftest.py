"""The recordings that come with the package, read once."""
import pytest

from pfncache_edu.lab import recordings


@pytest.fixture(scope="session")
def stock():
    """The boots of both stock kernels."""
    return list(recordings.shipped(swapped=False))


@pytest.fixture(scope="session")
def swapped():
    """The boots of 6.12 with the module that swaps the hook."""
    return list(recordings.shipped(swapped=True))
