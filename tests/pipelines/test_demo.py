"""The questions of the demonstration."""

from __future__ import annotations

import duckdb

from pipelines.demo import QUESTIONS


def test_a_call_that_has_no_tokens_out_counts_with_those_in() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE SCHEMA serving; CREATE TABLE serving.model_calls (provider TEXT, request_model TEXT, input_tokens INT, output_tokens INT, cost_usd INT)"
        )
        connection.execute("INSERT INTO serving.model_calls VALUES ('p', 'm', 7, NULL, 1), ('p', 'm', 2, 3, 1)")
        assert connection.execute(QUESTIONS["Tokens and cost by model"][1]).fetchall() == [("p", "m", 2, 12, 2)]
