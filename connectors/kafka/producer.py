"""An idempotent producer that counts what the broker acknowledged and keeps its buffer bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import confluent_kafka as kafka

from connectors.kafka.records import Record
from contracts.errors import DaybookError

if TYPE_CHECKING:
    from collections.abc import Callable

BUFFER_MESSAGES = 50_000
BUFFER_KILOBYTES = 131_072
POLL_EVERY = 256
"""Delivery reports are collected once per so many sends: polling costs more than it brings."""
BACK_PRESSURE_S = 0.05


class DeliveryError(DaybookError):
    """Some records were not acknowledged; the message says how many and the first reason."""


class Producer:
    """Sends records to the broker, acks from all replicas, never out of order, each at most once per send.

    `send_record` returns before the record is delivered and blocks while the buffer is full. A record that the broker does not
    acknowledge within `delivery_timeout_s` counts as failed. After a crash, send again: whoever reads removes repeats.
    """

    def __init__(self, bootstrap: str, *, delivery_timeout_s: float = 120, linger_ms: int = 20, compression: str = "lz4") -> None:
        """Connect lazily to `bootstrap` (`host:port`)."""
        self.sent = 0
        self.delivered = 0
        self.failed = 0
        self._first_reason = ""
        self._producer = kafka.Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "acks": "all",
                "compression.type": compression,
                "linger.ms": linger_ms,
                "delivery.timeout.ms": int(delivery_timeout_s * 1000),
                "queue.buffering.max.messages": BUFFER_MESSAGES,
                "queue.buffering.max.kbytes": BUFFER_KILOBYTES,
                "partitioner": "murmur2_random",
                "log_level": 0,
            },
        )

    def send_record(
        self,
        topic: str,
        record: Record,
        *,
        partition: int = -1,
        on_delivery: Callable[[int, int, int], None] | None = None,
    ) -> None:
        """Send bytes as they are, valid or not, to the partition of the key or to the one given.

        Raises:
            DeliveryError: the client can send no more.
        """
        report = self._reporter(on_delivery) if on_delivery else self._count
        headers = dict[str, str | bytes | None](record.headers)
        while True:
            try:
                self._producer.produce(topic, record.value, record.key, partition, report, headers=headers)
                break
            except BufferError:
                self._producer.poll(BACK_PRESSURE_S)
            except kafka.KafkaException as error:
                message = f"{topic}: cannot be sent to: {_reason(error.args[0])}"
                raise DeliveryError(message) from error
        self.sent += 1
        if self.sent % POLL_EVERY == 0:
            self._producer.poll(0)

    def poll(self) -> None:
        """Collect the delivery reports that are there; never blocks."""
        self._producer.poll(0)

    def flush(self, timeout_s: float = 150) -> None:
        """Wait until every record sent is acknowledged or failed, at most `timeout_s`.

        Raises:
            DeliveryError: records failed or are still unacknowledged.
        """
        self._producer.flush(timeout_s)
        lost = self.sent - self.delivered
        if lost:
            reason = self._first_reason or f"no acknowledgement within {timeout_s:g} s"
            message = f"{lost} of {self.sent} records were not delivered: {reason}"
            raise DeliveryError(message)

    def __enter__(self) -> Self:
        """Use the producer in a `with` block, whose normal end flushes it."""
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        """Flush, unless the block already failed: then what is unsent is dropped with it."""
        if failure is None:
            self.flush()

    def _count(self, error: object, message: kafka.Message) -> None:
        del message
        if error is None:
            self.delivered += 1
        else:
            self.failed += 1
            self._first_reason = self._first_reason or _reason(error)

    def _reporter(self, on_delivery: Callable[[int, int, int], None]) -> Callable[[object, kafka.Message], None]:
        def report(error: object, message: kafka.Message) -> None:
            self._count(error, message)
            if error is None:
                on_delivery(message.partition() or 0, message.offset() or 0, message.timestamp()[1])

        return report


def _reason(error: object) -> str:
    return error.str() if isinstance(error, kafka.KafkaError) else str(error)
