"""A shop's index on a real Elasticsearch, and a hook that dies where a test wants it to."""

from __future__ import annotations

from typing import Any

import pytest

from livemove.search.hook import SearchHook
from tests.integration.search.shop import Shop


@pytest.fixture
def hook(search_connections: None) -> SearchHook:
    """The running, empty node."""
    return SearchHook("elasticsearch_default")


@pytest.fixture
def shop(hook: SearchHook) -> Shop:
    """An index with 3,000 products in two shards, behind the alias `products`."""
    made = Shop(hook)
    made.fill(3000)
    return made


@pytest.fixture
def server(elasticsearch: Any) -> Any:
    """The node itself, to kill and to start."""
    return elasticsearch
