"""The Kafka edge on a real broker: topics as wanted, nothing lost on the way in, exact re-reading."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event, Timer
from typing import Any
from uuid import uuid4

import confluent_kafka as kafka
import polars as pl
import pytest
from confluent_kafka.admin import AdminClient

from connectors.kafka.canary import CanaryTarget, run_canaries
from connectors.kafka.producer import DeliveryError, Producer
from connectors.kafka.reader import Absent, Found, OffsetReader, Range, RereadError
from connectors.kafka.records import Record
from connectors.kafka.topics import TopicError, TopicMismatchError, Topics, TopicSpec
from contracts.registry import load
from pipelines.simulation.manifest import Manifest, read_manifest
from pipelines.simulation.scenario import Scenario
from pipelines.simulation.sending import simulate

pytestmark = pytest.mark.stack
NOWHERE = "127.0.0.1:1"
CONTRACTS = load()
RUNS = CONTRACTS.streams["runs"]
START_MS = 1_795_000_000_000


@pytest.fixture(scope="module")
def broker(stack: Any) -> str:
    return str(stack.endpoints["kafka"])


@pytest.fixture
def topic(broker: str) -> Iterator[str]:
    name = f"try-{uuid4().hex[:8]}"
    topics = Topics(broker)
    topics.ensure([TopicSpec(name, 2)])
    yield name
    topics.delete([name])


def send(broker: str, topic: str, values: list[bytes | None]) -> None:
    with Producer(broker) as producer:
        for value in values:
            producer.send_record(topic, Record(b"k", value), partition=0)


def delete_before(broker: str, topic: str, offset: int) -> None:
    admin = AdminClient({"bootstrap.servers": broker})
    for future in admin.delete_records([kafka.TopicPartition(topic, 0, offset)]).values():
        future.result(20)


def in_transactions(broker: str, topic: str, outcomes: list[bool]) -> None:
    """Send one record per transaction; each leaves the record's offset and its marker's."""
    producer = kafka.Producer({"bootstrap.servers": broker, "transactional.id": topic})
    producer.init_transactions(20)
    for number, commits in enumerate(outcomes):
        producer.begin_transaction()
        producer.produce(topic, str(number).encode(), partition=0)
        producer.flush()
        if commits:
            producer.commit_transaction()
        else:
            producer.abort_transaction()


def test_a_topic_is_created_once_and_stamps_append_time(broker: str, topic: str) -> None:
    assert Topics(broker).ensure([TopicSpec(topic, 2)]) == []
    send(broker, topic, [b"{}"])
    with OffsetReader(broker) as reader:
        (found,) = reader.read(topic, 0, [Range(0, 0)])
    assert isinstance(found, Found)
    assert found.appended_ms > START_MS - 86_400_000


@pytest.mark.parametrize(
    ("spec", "message"),
    [({"partitions": 3}, "has 2 partitions, wanted 3"), ({"partitions": 2, "config": {"retention.ms": "5"}}, "retention.ms is .*, wanted 5")],
)
def test_an_existing_topic_with_other_settings_is_refused(broker: str, topic: str, spec: dict[str, Any], message: str) -> None:
    with pytest.raises(TopicMismatchError, match=message):
        Topics(broker).ensure([TopicSpec(topic, **spec)])


def test_an_unknown_topic_and_an_absent_broker_are_one_sentence_each(broker: str) -> None:
    with pytest.raises(TopicError, match="nowhere: does not exist"):
        Topics(broker).partitions("nowhere")
    with pytest.raises(TopicError, match=NOWHERE):
        Topics(NOWHERE, timeout_s=1).partition_counts()


def test_a_topic_made_anew_has_another_id(broker: str, topic: str) -> None:
    topics = Topics(broker)
    before = topics.topic_id(topic)
    topics.delete([topic])
    topics.ensure([TopicSpec(topic, 2)])
    assert topics.topic_id(topic) != before


def test_the_state_of_several_topics_leaves_out_what_does_not_exist(broker: str, topic: str) -> None:
    send(broker, topic, [b"a", b"b", b"c"])
    delete_before(broker, topic, 2)
    ((name, state),) = Topics(broker).states([topic, "nowhere"]).items()
    assert (name, state.topic_id, state.retention_ms) == (topic, Topics(broker).topic_id(topic), -1)
    assert (state.starts, state.ends) == ({0: 2, 1: 0}, {0: 3, 1: 0})


def test_the_first_record_at_an_offset_may_lie_past_it(broker: str, topic: str) -> None:
    send(broker, topic, [b"a", b"b", b"c"])
    delete_before(broker, topic, 1)
    with OffsetReader(broker) as reader:
        found = [reader.first_at(topic, partition, offset) for partition, offset in ((0, 0), (0, 2), (0, 3), (1, 0))]
    assert [item and item.value for item in found] == [b"b", b"c", None, None]


def test_flush_says_how_many_records_were_not_delivered() -> None:
    producer = Producer(NOWHERE, delivery_timeout_s=1)
    producer.send_record("runs.v1", Record(b"k", b"{}"))
    with pytest.raises(DeliveryError, match="1 of 1 records were not delivered"):
        producer.flush(10)


def test_re_reading_yields_exactly_the_wanted_offsets(broker: str, topic: str) -> None:
    send(broker, topic, [str(number).encode() for number in range(5000)])
    wanted = [Range(4998, 4999), Range(2, 3), Range(100, 100)]
    with OffsetReader(broker) as reader:
        found = list(reader.read(topic, 0, wanted))
    assert [(item.offset, item.value) for item in found if isinstance(item, Found)] == [(o, str(o).encode()) for o in (2, 3, 100, 4998, 4999)]


def test_null_and_empty_records_are_told_apart(broker: str, topic: str) -> None:
    send(broker, topic, [None, b""])
    with OffsetReader(broker) as reader:
        assert [item.value for item in reader.read(topic, 0, [Range(0, 1)]) if isinstance(item, Found)] == [None, b""]


def test_markers_and_aborted_records_are_absent(broker: str, topic: str) -> None:
    in_transactions(broker, topic, [True, False, True])
    assert Topics(broker).offsets(topic)[0] == (0, 6)
    with OffsetReader(broker) as reader:
        items = list(reader.read(topic, 0, [Range(0, 5)]))
    assert [item.value for item in items if isinstance(item, Found)] == [b"0", b"2"]
    assert [item for item in items if isinstance(item, Absent)] == [
        Absent(1, 3, "no_record"),
        Absent(5, 5, "no_record"),
    ]


def test_offsets_before_the_log_start_are_absent(broker: str, topic: str) -> None:
    send(broker, topic, [b"a", b"b", b"c"])
    delete_before(broker, topic, 2)
    with OffsetReader(broker) as reader:
        first, second = reader.read(topic, 0, [Range(0, 2)])
    assert first == Absent(0, 1, "log_start")
    assert isinstance(second, Found)
    assert second.value == b"c"


def test_an_offset_beyond_the_end_is_an_error_and_not_absent(broker: str, topic: str) -> None:
    send(broker, topic, [b"a"])
    with OffsetReader(broker, patience_s=5) as reader, pytest.raises(RereadError, match=f"{topic}/0"):
        list(reader.read(topic, 0, [Range(0, 1)]))


def test_a_reader_without_a_broker_gives_up() -> None:
    with OffsetReader(NOWHERE, patience_s=1) as reader, pytest.raises(RereadError, match=r"runs\.v1/0"):
        list(reader.read("runs.v1", 0, [Range(0, 1)]))


def test_canaries_reach_every_partition_and_miss_no_tick(broker: str, topic: str) -> None:
    stop = Event()
    Timer(2.3, stop.set).start()
    delivered = run_canaries(broker, lambda: [CanaryTarget(topic, RUNS), CanaryTarget("try-none", RUNS)], stop, interval_s=0.2)
    assert [end for _, end in Topics(broker).offsets(topic).values()] == [delivered / 2] * 2
    assert 8 <= delivered / 2 <= 12


def test_canaries_stop_when_told_to_though_there_is_no_broker() -> None:
    stop = Event()
    Timer(0.5, stop.set).start()
    assert run_canaries(NOWHERE, lambda: [CanaryTarget("runs.v1", RUNS)], stop, interval_s=0.2) == 0


def test_the_manifest_of_a_simulation_names_every_offset_of_the_topic(broker: str, topic: str, tmp_path: Path) -> None:
    scenario = Scenario(start_ms=START_MS, rate=0, count=3000, duplicates=0.05, malformed=0.05)
    with Manifest(tmp_path / "manifest") as manifest:
        sent = simulate(scenario, CONTRACTS, Producer(broker), {"runs": topic, "model_calls": topic}, Event(), manifest=manifest)
    rows = read_manifest(tmp_path / "manifest").collect()
    assert sent.total == rows.height == rows.select(pl.struct("partition", "offset").n_unique()).item() == 3000
    ends = Topics(broker).offsets(topic)
    assert dict(rows.group_by("partition").agg(pl.col("offset").max() + 1).iter_rows()) == {part: end for part, (_, end) in ends.items()}
