"""Topics: created as specified or verified to be so, and asked for what only the broker knows."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined] # the client does not mark what it re-exports
    AdminClient,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from contracts.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from concurrent.futures import Future

APPEND_TIME = {"message.timestamp.type": "LogAppendTime"}
"""Windows are cut by the broker's clock, so every topic of ours stamps records when they are appended."""

PAUSE_S = 0.05
FIRST, LAST = OffsetSpec.earliest(), OffsetSpec.latest()  # type: ignore[no-untyped-call]


class TopicError(TransientError):
    """The broker could not be asked or refused; the message is `topic or broker: what`."""


class TopicMismatchError(TopicError):
    """A topic exists with other settings than those wanted."""

    exit_code = 2
    is_transient = False


@dataclass(frozen=True)
class TopicSpec:
    """A topic as wanted; `config` holds Kafka's names and values, and never needs the append time."""

    name: str
    partitions: int
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TopicState:
    """A topic as the broker has it: per partition the first offset that is kept and the one after the last stable one.

    The end leaves out open transactions, as a `read_committed` reader does. `retention_ms` is -1 when records are kept for ever.
    """

    topic_id: str
    starts: Mapping[int, int]
    ends: Mapping[int, int]
    retention_ms: int


class Topics:
    """The broker's administration. Every call asks the broker, waits at most `timeout_s` and may be repeated."""

    def __init__(self, bootstrap: str, timeout_s: float = 20) -> None:
        """Connect lazily to `bootstrap` (`host:port`); nothing is sent yet."""
        self._bootstrap = bootstrap
        self._timeout_s = timeout_s
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "socket.timeout.ms": int(timeout_s * 1000), "log_level": 0})

    def ensure(self, specs: Iterable[TopicSpec]) -> list[str]:
        """Create the topics that are missing, verify the others, and return the names of those created.

        Raises:
            TopicMismatchError: an existing topic has other partitions or another value of a wanted setting.
            TopicError: the broker does not answer or refuses.
        """
        specs = list(specs)
        existing = self.partition_counts()
        missing = [spec for spec in specs if spec.name not in existing]
        for spec in specs:
            if spec.name in existing:
                self._verify(spec, existing[spec.name])
        created = [self._create(spec) for spec in missing]
        return [name for name in created if name]

    def partition_counts(self) -> dict[str, int]:
        """Return the number of partitions of every topic of the broker."""
        try:
            listed = self._admin.list_topics(timeout=self._timeout_s)
        except KafkaException as error:
            raise self._failed(self._bootstrap, error) from error
        return {name: len(topic.partitions) for name, topic in listed.topics.items()}

    def partitions(self, topic: str) -> list[int]:
        """Return the partition numbers of a topic, ascending.

        Raises:
            TopicError: there is no such topic, or the broker does not answer.
        """
        counts = self.partition_counts()
        if topic not in counts:
            message = f"{topic}: does not exist"
            raise TopicError(message)
        return list(range(counts[topic]))

    def states(self, topics: Iterable[str]) -> dict[str, TopicState]:
        """Return the state of every topic that exists, with as many requests as for one.

        Raises:
            TopicError: the broker does not answer.
        """
        described = self._described(topics)
        places = [TopicPartition(name, partition.id) for name, topic in described.items() for partition in topic.partitions]
        starts, ends = (self._listed(places, which) for which in (FIRST, LAST))
        kept = self._retentions(described)
        return {
            name: TopicState(str(topic.topic_id), starts[name], ends[name], kept[name])
            for name, topic in described.items()
            if name in kept and {partition.id for partition in topic.partitions} == starts.get(name, {}).keys() == ends.get(name, {}).keys()
        }

    def topic_id(self, topic: str) -> str:
        """Return the id that the broker gave the topic: a topic created anew under the same name has another one."""
        described = self._admin.describe_topics(TopicCollection([topic]), request_timeout=self._timeout_s)
        return str(self._result(topic, described[topic]).topic_id)

    def offsets(self, topic: str) -> dict[int, tuple[int, int]]:
        """Return per partition the first offset that is kept and the offset after the last stable one.

        The end leaves out open transactions, as a `read_committed` reader does.
        """
        places = [TopicPartition(topic, number) for number in self.partitions(topic)]
        begin, end = (self._listed(places, which) for which in (FIRST, LAST))
        return {number: (first, end[topic][number]) for number, first in begin[topic].items()}

    def offsets_since(self, topic: str, moment_ms: int) -> dict[int, int]:
        """Return per partition the first offset appended at or after a moment (epoch ms), the end where there is none."""
        places = [TopicPartition(topic, number) for number in self.partitions(topic)]
        since = OffsetSpec.for_timestamp(moment_ms)
        found, ends = self._listed(places, since)[topic], self._listed(places, LAST)[topic]
        return {number: found[number] if found[number] >= 0 else end for number, end in ends.items()}

    def delete(self, names: Iterable[str]) -> None:
        """Delete topics with all their records; a topic that does not exist is left alone."""
        existing = self.partition_counts()
        doomed = [name for name in names if name in existing]
        if doomed:
            for name, future in self._admin.delete_topics(doomed, operation_timeout=self._timeout_s).items():
                self._result(name, future)
                self._await_listed(name, is_there=False)

    def _create(self, spec: TopicSpec) -> str | None:
        new = NewTopic(spec.name, spec.partitions, 1, config=_wanted(spec))
        future = self._admin.create_topics([new], operation_timeout=self._timeout_s)[spec.name]
        try:
            future.result(self._timeout_s)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise self._failed(spec.name, error) from error
            # Somebody else was faster: what they made must be what we want.
            self._await_listed(spec.name, is_there=True)
            self._verify(spec, self.partition_counts().get(spec.name, 0))
            return None
        self._await_listed(spec.name, is_there=True)
        return spec.name

    def _await_listed(self, name: str, *, is_there: bool) -> None:
        """Wait until the broker answers by what the controller has decided."""
        deadline = time.monotonic() + self._timeout_s
        while (name in self.partition_counts()) != is_there:
            if time.monotonic() > deadline:
                message = f"{name}: {'created' if is_there else 'deleted'}, but the broker does not know it after {self._timeout_s:g} s"
                raise TopicError(message)
            time.sleep(PAUSE_S)

    def _verify(self, spec: TopicSpec, partitions: int) -> None:
        if partitions != spec.partitions:
            message = f"{spec.name}: has {partitions} partitions, wanted {spec.partitions}"
            raise TopicMismatchError(message)
        resource = ConfigResource(ResourceType.TOPIC, spec.name)
        actual = self._result(spec.name, self._admin.describe_configs([resource], request_timeout=self._timeout_s)[resource])
        for key, value in _wanted(spec).items():
            found = actual[key].value if key in actual else None
            if found != value:
                message = f"{spec.name}: {key} is {found}, wanted {value}"
                raise TopicMismatchError(message)

    def _described(self, topics: Iterable[str]) -> dict[str, Any]:
        futures = self._admin.describe_topics(TopicCollection(list(topics)), request_timeout=self._timeout_s)
        return self._existing(dict(futures))

    def _retentions(self, topics: Iterable[str]) -> dict[str, int]:
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in topics]
        futures = self._admin.describe_configs(resources, request_timeout=self._timeout_s) if resources else {}
        found = self._existing({resource.name: future for resource, future in futures.items()})
        return {name: int(config["retention.ms"].value) for name, config in found.items()}

    def _listed(self, places: list[TopicPartition], which: OffsetSpec) -> dict[str, dict[int, int]]:
        """Offsets by topic and partition."""
        asked = dict.fromkeys(places, which)
        futures = self._admin.list_offsets(asked, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=self._timeout_s) if asked else {}
        offsets: dict[str, dict[int, int]] = {}
        for place, found in self._existing({(place.topic, place.partition): future for place, future in futures.items()}).items():
            offsets.setdefault(place[0], {})[place[1]] = int(found.offset)
        return offsets

    def _existing(self, futures: Mapping[Any, Future[Any]]) -> dict[Any, Any]:
        """Answers by key, without those about topics that do not exist."""
        answers = {}
        for key, future in futures.items():
            try:
                answers[key] = future.result(self._timeout_s)
            except (KafkaException, TimeoutError) as error:
                if not (isinstance(error, KafkaException) and error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART):
                    raise self._failed(str(key), error) from error
        return answers

    def _result(self, topic: str, future: Future[Any]) -> Any:
        try:
            return future.result(self._timeout_s)
        except (KafkaException, TimeoutError) as error:
            raise self._failed(topic, error) from error

    def _failed(self, where: str, error: Exception) -> TopicError:
        cause = error.args[0] if error.args else None
        said = cause.str() if isinstance(cause, KafkaError) else f"no answer within {self._timeout_s:g} s"
        return TopicError(f"{where}: {said}")


def _wanted(spec: TopicSpec) -> dict[str, str]:
    return {**APPEND_TIME, **spec.config}
