"""What the conformance tests share."""
import pytest

from pfncache_edu.conformance.recordings import shipped


@pytest.fixture(scope="session")
def recordings():
    return shipped()
