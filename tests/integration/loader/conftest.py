"""Processors with real servers behind them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.processors import BUCKET, Index, Processor, environment
from tests.fixtures.search import Streams

if TYPE_CHECKING:
    from rehearsal.elasticsearch.service import Elasticsearch
    from rehearsal.stack import Stack


@pytest.fixture(scope="session")
def loader_s3(bare_stack: Stack) -> Any:
    """A client of the stack's S3."""
    bare_stack.up({"s3"})
    return bare_stack.s3.client()


@pytest.fixture
def prefix() -> str:
    """A prefix of this test's own in the bucket, with a slash at its end."""
    return f"t-{secrets.token_hex(4)}/"


@pytest.fixture
def processor(
    bare_stack: Stack, kinesis: Streams, loader_s3: Any, prefix: str, tmp_path: Path
) -> Iterator[Callable[..., Processor]]:
    """Makes processors; all end with the test, and their logs are shown when it fails."""
    made: list[Processor] = []
    variables = environment(kinesis.endpoint_url, bare_stack.s3.endpoint_url)

    def make(kind: str, name: str, *words: str) -> Processor:
        arguments = [kind, "--name", name, "--state", f"s3://{BUCKET}/{prefix}", *words]
        made.append(Processor(arguments, name, loader_s3, prefix, tmp_path / f"{name}.log", variables))
        return made[-1]

    yield make
    for each in made:
        if each.process and each.process.poll() is None:
            each.kill()
        print(f"--- {each.name}\n{each}")


@pytest.fixture
def index(elasticsearch: Elasticsearch) -> Index:
    """An empty index with the mapping that the contract asks for."""
    return Index(elasticsearch, "products-1")


@pytest.fixture
def loader(processor: Callable[..., Processor], kinesis: Streams, index: Index) -> Processor:
    """A loader of the stream of documents into the index; not started."""
    return processor("load", "products-1", "--stream", kinesis.documents, "--target", index.target)
