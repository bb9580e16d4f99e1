CREATE TEMPORARY TABLE model_calls_source (
  event_id STRING,
  event_type STRING,
  schema_version STRING,
  event_time STRING,
  source STRING,
  tenant_id STRING,
  region STRING,
  environment STRING,
  correlation_id STRING,
  trace_id STRING,
  span_id STRING,
  session_id STRING,
  user_id STRING,
  is_canary STRING,
  attributes STRING,
  call_id STRING,
  run_id STRING,
  process_id STRING,
  step_id STRING,
  conversation_id STRING,
  agent_id STRING,
  agent_version STRING,
  provider STRING,
  request_model STRING,
  response_model STRING,
  operation STRING,
  is_leaf STRING,
  input_tokens STRING,
  output_tokens STRING,
  cache_read_tokens STRING,
  cache_write_tokens STRING,
  reasoning_tokens STRING,
  cost_usd STRING,
  price_version STRING,
  time_to_first_token_ms STRING,
  duration_ms STRING,
  finish_reason STRING,
  error_type STRING,
  http_status STRING,
  attempt STRING,
  streamed STRING,
  prompt_version STRING,
  from_provider STRING,
  from_model STRING,
  to_provider STRING,
  to_model STRING,
  reason STRING,
  `partition` INT METADATA VIRTUAL,
  `offset` BIGINT METADATA VIRTUAL,
  appended_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  WATERMARK FOR appended_at AS appended_at - INTERVAL '0.001' SECOND
) WITH (
  'connector' = 'kafka'
);

CREATE TEMPORARY VIEW model_calls_accepted AS
SELECT
  event_id,
  event_type,
  TRY_CAST(schema_version AS BIGINT) AS schema_version,
  TRY_CAST(event_time AS BIGINT) AS event_time,
  source,
  tenant_id,
  region,
  environment,
  correlation_id,
  trace_id,
  span_id,
  session_id,
  user_id,
  is_canary = 'true' AS is_canary,
  attributes,
  call_id,
  run_id,
  process_id,
  step_id,
  conversation_id,
  agent_id,
  agent_version,
  provider,
  request_model,
  response_model,
  operation,
  is_leaf = 'true' AS is_leaf,
  TRY_CAST(input_tokens AS BIGINT) AS input_tokens,
  TRY_CAST(output_tokens AS BIGINT) AS output_tokens,
  TRY_CAST(cache_read_tokens AS BIGINT) AS cache_read_tokens,
  TRY_CAST(cache_write_tokens AS BIGINT) AS cache_write_tokens,
  TRY_CAST(reasoning_tokens AS BIGINT) AS reasoning_tokens,
  CAST(FLOOR(TRY_CAST(cost_usd AS DOUBLE) * 1E9 + 0.5) AS BIGINT) AS cost_usd,
  price_version,
  TRY_CAST(time_to_first_token_ms AS BIGINT) AS time_to_first_token_ms,
  TRY_CAST(duration_ms AS BIGINT) AS duration_ms,
  finish_reason,
  error_type,
  TRY_CAST(http_status AS BIGINT) AS http_status,
  TRY_CAST(attempt AS BIGINT) AS attempt,
  streamed = 'true' AS streamed,
  prompt_version,
  from_provider,
  from_model,
  to_provider,
  to_model,
  reason,
  `partition`,
  `offset`,
  appended_at
FROM model_calls_source
WHERE
  event_id IS NOT NULL AND event_id <> '' AND (CHAR_LENGTH(event_id) <= 128 AND event_id NOT LIKE '{%' AND event_id NOT LIKE '[%')
  AND event_type IS NOT NULL AND event_type <> '' AND (CHAR_LENGTH(event_type) <= 64 AND event_type NOT LIKE '{%' AND event_type NOT LIKE '[%')
  AND schema_version IS NOT NULL AND COALESCE(CAST(TRY_CAST(schema_version AS BIGINT) AS STRING) = schema_version, FALSE)
      AND TRY_CAST(schema_version AS BIGINT) BETWEEN 1 AND 1000
  AND event_time IS NOT NULL AND COALESCE(CAST(TRY_CAST(event_time AS BIGINT) AS STRING) = event_time, FALSE)
      AND TRY_CAST(event_time AS BIGINT) BETWEEN 946684800000 AND 4102444800000
  AND source IS NOT NULL AND source <> '' AND (CHAR_LENGTH(source) <= 128 AND source NOT LIKE '{%' AND source NOT LIKE '[%')
  AND tenant_id IS NOT NULL AND tenant_id <> '' AND (CHAR_LENGTH(tenant_id) <= 128 AND tenant_id NOT LIKE '{%' AND tenant_id NOT LIKE '[%')
  AND region IS NOT NULL AND region <> '' AND (CHAR_LENGTH(region) <= 64 AND region NOT LIKE '{%' AND region NOT LIKE '[%')
  AND environment IS NOT NULL AND environment IN ('prod', 'staging', 'dev')
  AND TO_TIMESTAMP_LTZ(TRY_CAST(event_time AS BIGINT), 3) >= appended_at - INTERVAL '400' DAY(3)
  AND TO_TIMESTAMP_LTZ(TRY_CAST(event_time AS BIGINT), 3) <= appended_at + INTERVAL '1' DAY
  AND (correlation_id IS NULL OR (CHAR_LENGTH(correlation_id) <= 128 AND correlation_id NOT LIKE '{%' AND correlation_id NOT LIKE '[%'))
  AND (trace_id IS NULL OR (CHAR_LENGTH(trace_id) <= 64 AND trace_id NOT LIKE '{%' AND trace_id NOT LIKE '[%'))
  AND (span_id IS NULL OR (CHAR_LENGTH(span_id) <= 64 AND span_id NOT LIKE '{%' AND span_id NOT LIKE '[%'))
  AND (session_id IS NULL OR (CHAR_LENGTH(session_id) <= 128 AND session_id NOT LIKE '{%' AND session_id NOT LIKE '[%'))
  AND (user_id IS NULL OR (CHAR_LENGTH(user_id) <= 128 AND user_id NOT LIKE '{%' AND user_id NOT LIKE '[%'))
  AND (is_canary IS NULL OR is_canary IN ('true', 'false'))
  AND (attributes IS NULL OR REGEXP(attributes, '\A\{("(workspace|branch|client_version)":("[^"\\]*+(\\[\s\S][^"\\]*+)*+"|[-+.0-9A-Za-z]++),?)*+\}(?![\s\S])'))
  AND (call_id IS NULL OR (CHAR_LENGTH(call_id) <= 128 AND call_id NOT LIKE '{%' AND call_id NOT LIKE '[%'))
  AND (run_id IS NULL OR (CHAR_LENGTH(run_id) <= 128 AND run_id NOT LIKE '{%' AND run_id NOT LIKE '[%'))
  AND (process_id IS NULL OR (CHAR_LENGTH(process_id) <= 128 AND process_id NOT LIKE '{%' AND process_id NOT LIKE '[%'))
  AND (step_id IS NULL OR (CHAR_LENGTH(step_id) <= 128 AND step_id NOT LIKE '{%' AND step_id NOT LIKE '[%'))
  AND (conversation_id IS NULL OR (CHAR_LENGTH(conversation_id) <= 128 AND conversation_id NOT LIKE '{%' AND conversation_id NOT LIKE '[%'))
  AND (agent_id IS NULL OR (CHAR_LENGTH(agent_id) <= 128 AND agent_id NOT LIKE '{%' AND agent_id NOT LIKE '[%'))
  AND (agent_version IS NULL OR (CHAR_LENGTH(agent_version) <= 64 AND agent_version NOT LIKE '{%' AND agent_version NOT LIKE '[%'))
  AND (provider IS NULL OR (CHAR_LENGTH(provider) <= 64 AND provider NOT LIKE '{%' AND provider NOT LIKE '[%'))
  AND (request_model IS NULL OR (CHAR_LENGTH(request_model) <= 128 AND request_model NOT LIKE '{%' AND request_model NOT LIKE '[%'))
  AND (response_model IS NULL OR (CHAR_LENGTH(response_model) <= 128 AND response_model NOT LIKE '{%' AND response_model NOT LIKE '[%'))
  AND (operation IS NULL OR operation IN ('chat', 'completion', 'embedding', 'rerank', 'image', 'audio'))
  AND (is_leaf IS NULL OR is_leaf IN ('true', 'false'))
  AND (input_tokens IS NULL OR COALESCE(CAST(TRY_CAST(input_tokens AS BIGINT) AS STRING) = input_tokens, FALSE)
      AND TRY_CAST(input_tokens AS BIGINT) BETWEEN 0 AND 1000000000)
  AND (output_tokens IS NULL OR COALESCE(CAST(TRY_CAST(output_tokens AS BIGINT) AS STRING) = output_tokens, FALSE)
      AND TRY_CAST(output_tokens AS BIGINT) BETWEEN 0 AND 1000000000)
  AND (cache_read_tokens IS NULL OR COALESCE(CAST(TRY_CAST(cache_read_tokens AS BIGINT) AS STRING) = cache_read_tokens, FALSE)
      AND TRY_CAST(cache_read_tokens AS BIGINT) BETWEEN 0 AND 1000000000)
  AND (cache_write_tokens IS NULL OR COALESCE(CAST(TRY_CAST(cache_write_tokens AS BIGINT) AS STRING) = cache_write_tokens, FALSE)
      AND TRY_CAST(cache_write_tokens AS BIGINT) BETWEEN 0 AND 1000000000)
  AND (reasoning_tokens IS NULL OR COALESCE(CAST(TRY_CAST(reasoning_tokens AS BIGINT) AS STRING) = reasoning_tokens, FALSE)
      AND TRY_CAST(reasoning_tokens AS BIGINT) BETWEEN 0 AND 1000000000)
  AND (cost_usd IS NULL OR cost_usd >= '0' AND cost_usd < ':' AND RIGHT(cost_usd, 1) >= '0' AND RIGHT(cost_usd, 1) < ':' AND cost_usd NOT LIKE '0x%'
      AND cost_usd NOT LIKE '0X%' AND COALESCE(ABS(TRY_CAST(cost_usd AS DOUBLE)) <= 1.7976931348623157E308, FALSE)
      AND TRY_CAST(cost_usd AS DOUBLE) BETWEEN 0 AND 1000000 AND FLOOR(TRY_CAST(cost_usd AS DOUBLE) * 1E9 + 0.5) / 1E9 = TRY_CAST(cost_usd AS DOUBLE))
  AND (price_version IS NULL OR (CHAR_LENGTH(price_version) <= 64 AND price_version NOT LIKE '{%' AND price_version NOT LIKE '[%'))
  AND (time_to_first_token_ms IS NULL OR COALESCE(CAST(TRY_CAST(time_to_first_token_ms AS BIGINT) AS STRING) = time_to_first_token_ms, FALSE)
      AND TRY_CAST(time_to_first_token_ms AS BIGINT) BETWEEN 0 AND 1000000000000)
  AND (duration_ms IS NULL OR COALESCE(CAST(TRY_CAST(duration_ms AS BIGINT) AS STRING) = duration_ms, FALSE) AND TRY_CAST(duration_ms AS BIGINT) BETWEEN 0
      AND 1000000000000)
  AND (finish_reason IS NULL OR (CHAR_LENGTH(finish_reason) <= 64 AND finish_reason NOT LIKE '{%' AND finish_reason NOT LIKE '[%'))
  AND (error_type IS NULL OR (CHAR_LENGTH(error_type) <= 128 AND error_type NOT LIKE '{%' AND error_type NOT LIKE '[%'))
  AND (http_status IS NULL OR COALESCE(CAST(TRY_CAST(http_status AS BIGINT) AS STRING) = http_status, FALSE) AND TRY_CAST(http_status AS BIGINT) BETWEEN 100
      AND 599)
  AND (attempt IS NULL OR COALESCE(CAST(TRY_CAST(attempt AS BIGINT) AS STRING) = attempt, FALSE) AND TRY_CAST(attempt AS BIGINT) BETWEEN 1 AND 1000000)
  AND (streamed IS NULL OR streamed IN ('true', 'false'))
  AND (prompt_version IS NULL OR (CHAR_LENGTH(prompt_version) <= 64 AND prompt_version NOT LIKE '{%' AND prompt_version NOT LIKE '[%'))
  AND (from_provider IS NULL OR (CHAR_LENGTH(from_provider) <= 64 AND from_provider NOT LIKE '{%' AND from_provider NOT LIKE '[%'))
  AND (from_model IS NULL OR (CHAR_LENGTH(from_model) <= 128 AND from_model NOT LIKE '{%' AND from_model NOT LIKE '[%'))
  AND (to_provider IS NULL OR (CHAR_LENGTH(to_provider) <= 64 AND to_provider NOT LIKE '{%' AND to_provider NOT LIKE '[%'))
  AND (to_model IS NULL OR (CHAR_LENGTH(to_model) <= 128 AND to_model NOT LIKE '{%' AND to_model NOT LIKE '[%'))
  AND (reason IS NULL OR (CHAR_LENGTH(reason) <= 64 AND reason NOT LIKE '{%' AND reason NOT LIKE '[%'))
  AND CASE event_type
    WHEN 'model.completed' THEN call_id IS NOT NULL AND call_id <> '' AND provider IS NOT NULL AND provider <> '' AND request_model IS NOT NULL
        AND request_model <> '' AND operation IS NOT NULL AND is_leaf IS NOT NULL AND duration_ms IS NOT NULL
    WHEN 'model.failed' THEN call_id IS NOT NULL AND call_id <> '' AND provider IS NOT NULL AND provider <> '' AND request_model IS NOT NULL
        AND request_model <> '' AND operation IS NOT NULL AND is_leaf IS NOT NULL AND duration_ms IS NOT NULL AND error_type IS NOT NULL AND error_type <> ''
    WHEN 'model.switched' THEN agent_id IS NOT NULL AND agent_id <> '' AND from_model IS NOT NULL AND from_model <> '' AND to_model IS NOT NULL
        AND to_model <> ''
    WHEN 'canary.beat' THEN is_canary IS NOT NULL AND run_id IS NOT NULL AND run_id <> '' AND conversation_id IS NOT NULL AND conversation_id <> ''
        AND agent_id IS NOT NULL AND agent_id <> '' AND call_id IS NOT NULL AND call_id <> '' AND (source IS NULL OR source IN ('daybook-canary'))
        AND (is_canary IS NULL OR is_canary IN ('true'))
    ELSE FALSE
  END;
