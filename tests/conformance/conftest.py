"""What the conformance tests share: the recordings, and the count that the closing line prints."""
import pytest

from pfncache_edu.conformance.compare import Count
from pfncache_edu.conformance.recordings import shipped
from pfncache_edu.properties import LockOrder

COUNT = pytest.StashKey[Count]()


@pytest.fixture(scope="session")
def recordings():
    return shipped()


@pytest.fixture(scope="session")
def count(pytestconfig):
    return pytestconfig.stash.setdefault(COUNT, Count())


@pytest.fixture(scope="session")
def order():
    """One lock order for all recordings: a contradiction between two of them counts."""
    return LockOrder()


def pytest_terminal_summary(terminalreporter, config):
    count = config.stash.get(COUNT, None)
    if count:
        terminalreporter.section("conformance")
        terminalreporter.write_line(str(count))
