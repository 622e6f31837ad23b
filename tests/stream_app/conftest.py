"""A broker, a registry and an artifact that the tests of commands share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from connectors.embedded import EmbeddedBroker
from connectors.embedded_registry import EmbeddedRegistry
from connectors.kafka import Cluster
from generators import fitting
from generators.artifact import save
from tests.stream_app.shop import orders_table, trained, write_csv


@dataclass(frozen=True)
class Here:
    """A broker and a registry in this process."""

    cluster: Cluster
    registry: str

    @property
    def flags(self) -> tuple[str, ...]:
        """How commands find them."""
        return ("--bootstrap", self.cluster.bootstrap, "--registry", self.registry)

    def topic(self, name: str, partitions: int) -> str:
        """A topic of so many partitions."""
        assert self.cluster.create_topic is not None
        self.cluster.create_topic(name, partitions)
        return name


@pytest.fixture(scope="session")
def here() -> Iterator[Here]:
    with EmbeddedBroker() as broker, EmbeddedRegistry() as registry:
        yield Here(broker.cluster(), registry.url)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the orders' artifact."""
    path = tmp_path_factory.mktemp("trained") / "orders"
    save(trained(), path)
    return path


@pytest.fixture(scope="session")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The orders as a CSV file."""
    return write_csv(orders_table(), tmp_path_factory.mktemp("tables") / "orders.csv")


@pytest.fixture
def one_thread() -> Iterator[None]:
    """torch adds numbers up in the order that one thread does."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training measures itself on fewer of its own rows."""
    monkeypatch.setattr(fitting, "MOST_REFERENCE_ROWS", 100_000)
