from __future__ import annotations

import pytest

from schemas.errors import InputError, ServiceError
from schemas.steering import Steering
from stream_app.contents import Model
from stream_app.control import ORDERS, Desired, State, drifting, steered
from stream_app.watching import announced as announced_module
from stream_app.watching.announced import LOOK_AGAIN_MS, Announcements, Making
from tests.stream_app.live import announcing
from tests.stream_app.memory_broker import CLUSTER, Broker, Stream
from tests.stream_app.shop import recipe, storm

RARE = Steering(shares={"colour": {"red": 0.1}})


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Stream:
    broker = Broker(2).installed(monkeypatch)
    announcing(monkeypatch, broker)
    return Stream(broker, recipe(2), Desired("", State.RUNNING, 100.0)).begin()


def heard(stream: Stream, epoch: int = 0) -> Announcements:
    announced = Announcements(CLUSTER, stream.topics, epoch, Making())
    announced.look(0.0)
    return announced


def published(stream: Stream, shard: int, seconds: float) -> int:
    stream.now_ms += seconds * 1_000
    stream.owned[shard].publish_due(stream.now_ms)
    return stream.owned[shard].publisher.position


def test_every_shard_says_from_which_record_on_it_draws_otherwise(stream: Stream) -> None:
    announced = heard(stream)
    at = published(stream, 0, 10)
    stream.tell(steered(RARE), "steer")
    announced.look(1.0)

    def texts(shard: int, first: int, last: int) -> list[str]:
        return [making.steering.text for making in announced.makings({shard: (first, last)})]

    assert at > 0
    assert texts(0, 0, at - 1) == ["none"]
    assert texts(0, at, at + 99) == [RARE.text]
    assert texts(0, at - 1, at) == ["none", RARE.text]
    assert texts(1, 0, 5) == [RARE.text]
    assert len(announced.makings({0: (0, at - 1), 1: (0, 5)})) == 2


def test_a_command_is_said_once_however_many_shards_carry_it_out(stream: Stream) -> None:
    announced = heard(stream)
    stream.tell(ORDERS["pause"], "pause")
    (said,) = announced.look(1.0)
    assert said.startswith("pause (")
    assert announced.look(2.0) == []


def test_a_refused_command_is_not_said(stream: Stream) -> None:
    announced = heard(stream)
    with pytest.raises(InputError, match="refused the command"):
        stream.tell(steered(Steering(given={"nowhere": 1})), "steer nowhere=1")
    assert all(said.startswith("taken back") for said in announced.look(1.0))
    assert announced.makings({0: (0, 9)}) == [Making()]


def test_what_is_no_acknowledgement_is_passed_over(stream: Stream) -> None:
    announced = heard(stream)
    strange = stream.broker.records[stream.topics.acknowledgements, 0]
    strange += [b"", b"[]", b"{}", b'{"x": 1}']
    stream.tell(ORDERS["pause"], "pause")
    assert [said.startswith("pause (") for said in announced.look(1.0)] == [True]


def test_a_drift_draws_from_the_same(stream: Stream) -> None:
    announced = heard(stream)
    stream.tell(drifting(storm("price", 5).drift), "drift")
    assert len(announced.look(1.0)) == 1
    assert announced.makings({0: (0, 9), 1: (0, 9)}) == [Making()]


def test_what_was_announced_before_is_known_and_not_said_again(stream: Stream) -> None:
    stream.tell(steered(RARE), "steer")
    announced = Announcements(CLUSTER, stream.topics, 0, Making())
    assert announced.look(0.0) == []
    assert announced.known
    assert [making.steering for making in announced.makings({0: (0, 9), 1: (0, 9)})] == [RARE]


def test_progress_of_another_epoch_or_of_nobody_says_nothing(stream: Stream) -> None:
    stream.tell(steered(RARE), "steer")
    assert heard(stream, epoch=1).makings({0: (0, 9), 7: (0, 3)}) == [Making()]


def test_a_stream_that_nobody_has_begun_is_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    broker, begun = Broker(2).installed(monkeypatch), [False]
    announcing(monkeypatch, broker, lambda: begun[0])
    stream = Stream(broker, recipe(2), Desired("", State.RUNNING, 100.0))
    announced = heard(stream)
    begun[0] = True
    stream.begin().tell(steered(RARE), "steer")
    announced.look(LOOK_AGAIN_MS - 1)
    assert announced.makings({0: (0, 9)}) == [Making()]
    announced.look(LOOK_AGAIN_MS)
    assert announced.makings({0: (0, 9)}) == [Making(steering=RARE)]


def test_what_can_not_be_read_is_tried_again(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object) -> int:
        raise ServiceError("the broker does not answer")

    stream.tell(steered(RARE), "steer")
    with monkeypatch.context() as broken:
        broken.setattr(announced_module, "topic_partitions", refuses)
        announced = heard(stream)
        unknown = announced.known
    announced.look(LOOK_AGAIN_MS)
    assert (unknown, announced.known) == (False, True)
    assert announced.makings({0: (0, 9)}) == [Making(steering=RARE)]


def test_a_making_says_what_it_is() -> None:
    assert Making().text == "the stream's artifact"
    assert Making(Model("ab" * 32, "/m"), RARE).text == f"artifact {'ab' * 6} steered {RARE.text}"
    assert Making().key != Making(steering=RARE).key != Making(Model("ab" * 32, "/m")).key
