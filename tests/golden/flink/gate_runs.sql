CREATE TEMPORARY TABLE runs_source (
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
  run_id STRING,
  run_kind STRING,
  process_id STRING,
  process_version STRING,
  workflow_id STRING,
  agent_id STRING,
  agent_version STRING,
  parent_run_id STRING,
  root_run_id STRING,
  trigger_id STRING,
  queue STRING,
  attempt STRING,
  progress STRING,
  created_at STRING,
  started_at STRING,
  error_type STRING,
  status_reason STRING,
  step_id STRING,
  task_id STRING,
  step_type STRING,
  book STRING,
  `procedure` STRING,
  duration_ms STRING,
  engine_instance STRING,
  status STRING,
  cpu_ms STRING,
  memory_mb STRING,
  command STRING,
  issued_by STRING,
  `partition` INT METADATA VIRTUAL,
  `offset` BIGINT METADATA VIRTUAL,
  appended_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  WATERMARK FOR appended_at AS appended_at - INTERVAL '0.001' SECOND
) WITH (
  'connector' = 'kafka'
);

CREATE TEMPORARY VIEW runs_accepted AS
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
  run_id,
  run_kind,
  process_id,
  process_version,
  workflow_id,
  agent_id,
  agent_version,
  parent_run_id,
  root_run_id,
  trigger_id,
  queue,
  TRY_CAST(attempt AS BIGINT) AS attempt,
  TRY_CAST(progress AS DOUBLE) AS progress,
  TRY_CAST(created_at AS BIGINT) AS created_at,
  TRY_CAST(started_at AS BIGINT) AS started_at,
  error_type,
  status_reason,
  step_id,
  task_id,
  step_type,
  book,
  `procedure`,
  TRY_CAST(duration_ms AS BIGINT) AS duration_ms,
  engine_instance,
  status,
  TRY_CAST(cpu_ms AS BIGINT) AS cpu_ms,
  TRY_CAST(memory_mb AS BIGINT) AS memory_mb,
  command,
  issued_by,
  `partition`,
  `offset`,
  appended_at
FROM runs_source
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
  AND (run_id IS NULL OR (CHAR_LENGTH(run_id) <= 128 AND run_id NOT LIKE '{%' AND run_id NOT LIKE '[%'))
  AND (run_kind IS NULL OR run_kind IN ('process', 'workflow', 'plan', 'implement', 'critic', 'analyze', 'agent', 'job'))
  AND (process_id IS NULL OR (CHAR_LENGTH(process_id) <= 128 AND process_id NOT LIKE '{%' AND process_id NOT LIKE '[%'))
  AND (process_version IS NULL OR (CHAR_LENGTH(process_version) <= 64 AND process_version NOT LIKE '{%' AND process_version NOT LIKE '[%'))
  AND (workflow_id IS NULL OR (CHAR_LENGTH(workflow_id) <= 128 AND workflow_id NOT LIKE '{%' AND workflow_id NOT LIKE '[%'))
  AND (agent_id IS NULL OR (CHAR_LENGTH(agent_id) <= 128 AND agent_id NOT LIKE '{%' AND agent_id NOT LIKE '[%'))
  AND (agent_version IS NULL OR (CHAR_LENGTH(agent_version) <= 64 AND agent_version NOT LIKE '{%' AND agent_version NOT LIKE '[%'))
  AND (parent_run_id IS NULL OR (CHAR_LENGTH(parent_run_id) <= 128 AND parent_run_id NOT LIKE '{%' AND parent_run_id NOT LIKE '[%'))
  AND (root_run_id IS NULL OR (CHAR_LENGTH(root_run_id) <= 128 AND root_run_id NOT LIKE '{%' AND root_run_id NOT LIKE '[%'))
  AND (trigger_id IS NULL OR (CHAR_LENGTH(trigger_id) <= 128 AND trigger_id NOT LIKE '{%' AND trigger_id NOT LIKE '[%'))
  AND (queue IS NULL OR (CHAR_LENGTH(queue) <= 128 AND queue NOT LIKE '{%' AND queue NOT LIKE '[%'))
  AND (attempt IS NULL OR COALESCE(CAST(TRY_CAST(attempt AS BIGINT) AS STRING) = attempt, FALSE) AND TRY_CAST(attempt AS BIGINT) BETWEEN 1 AND 1000000)
  AND (progress IS NULL OR TRIM(LEADING '-' FROM progress) >= '0' AND TRIM(LEADING '-' FROM progress) < ':' AND RIGHT(progress, 1) >= '0'
      AND RIGHT(progress, 1) < ':' AND TRIM(LEADING '-' FROM progress) NOT LIKE '0x%' AND TRIM(LEADING '-' FROM progress) NOT LIKE '0X%'
      AND COALESCE(ABS(TRY_CAST(progress AS DOUBLE)) <= 1.7976931348623157E308, FALSE) AND TRY_CAST(progress AS DOUBLE) BETWEEN 0 AND 1)
  AND (created_at IS NULL OR COALESCE(CAST(TRY_CAST(created_at AS BIGINT) AS STRING) = created_at, FALSE)
      AND TRY_CAST(created_at AS BIGINT) BETWEEN 946684800000 AND 4102444800000)
  AND (started_at IS NULL OR COALESCE(CAST(TRY_CAST(started_at AS BIGINT) AS STRING) = started_at, FALSE)
      AND TRY_CAST(started_at AS BIGINT) BETWEEN 946684800000 AND 4102444800000)
  AND (error_type IS NULL OR (CHAR_LENGTH(error_type) <= 128 AND error_type NOT LIKE '{%' AND error_type NOT LIKE '[%'))
  AND (status_reason IS NULL OR (CHAR_LENGTH(status_reason) <= 64 AND status_reason NOT LIKE '{%' AND status_reason NOT LIKE '[%'))
  AND (step_id IS NULL OR (CHAR_LENGTH(step_id) <= 128 AND step_id NOT LIKE '{%' AND step_id NOT LIKE '[%'))
  AND (task_id IS NULL OR (CHAR_LENGTH(task_id) <= 128 AND task_id NOT LIKE '{%' AND task_id NOT LIKE '[%'))
  AND (step_type IS NULL OR (CHAR_LENGTH(step_type) <= 64 AND step_type NOT LIKE '{%' AND step_type NOT LIKE '[%'))
  AND (book IS NULL OR (CHAR_LENGTH(book) <= 128 AND book NOT LIKE '{%' AND book NOT LIKE '[%'))
  AND (`procedure` IS NULL OR (CHAR_LENGTH(`procedure`) <= 128 AND `procedure` NOT LIKE '{%' AND `procedure` NOT LIKE '[%'))
  AND (duration_ms IS NULL OR COALESCE(CAST(TRY_CAST(duration_ms AS BIGINT) AS STRING) = duration_ms, FALSE) AND TRY_CAST(duration_ms AS BIGINT) BETWEEN 0
      AND 1000000000000)
  AND (engine_instance IS NULL OR (CHAR_LENGTH(engine_instance) <= 128 AND engine_instance NOT LIKE '{%' AND engine_instance NOT LIKE '[%'))
  AND (status IS NULL OR (CHAR_LENGTH(status) <= 64 AND status NOT LIKE '{%' AND status NOT LIKE '[%'))
  AND (cpu_ms IS NULL OR COALESCE(CAST(TRY_CAST(cpu_ms AS BIGINT) AS STRING) = cpu_ms, FALSE) AND TRY_CAST(cpu_ms AS BIGINT) BETWEEN 0 AND 1000000000000)
  AND (memory_mb IS NULL OR COALESCE(CAST(TRY_CAST(memory_mb AS BIGINT) AS STRING) = memory_mb, FALSE) AND TRY_CAST(memory_mb AS BIGINT) BETWEEN 0
      AND 1000000000)
  AND (command IS NULL OR command IN ('start', 'pause', 'resume', 'cancel', 'retry'))
  AND (issued_by IS NULL OR (CHAR_LENGTH(issued_by) <= 128 AND issued_by NOT LIKE '{%' AND issued_by NOT LIKE '[%'))
  AND CASE event_type
    WHEN 'execution.commanded' THEN run_id IS NOT NULL AND run_id <> '' AND command IS NOT NULL
    WHEN 'execution.status_changed' THEN run_id IS NOT NULL AND run_id <> '' AND engine_instance IS NOT NULL AND engine_instance <> ''
        AND status IS NOT NULL AND status <> ''
    WHEN 'run.cancelled' THEN run_id IS NOT NULL AND run_id <> '' AND run_kind IS NOT NULL AND started_at IS NOT NULL
    WHEN 'run.created' THEN run_id IS NOT NULL AND run_id <> '' AND run_kind IS NOT NULL
    WHEN 'run.failed' THEN run_id IS NOT NULL AND run_id <> '' AND run_kind IS NOT NULL AND started_at IS NOT NULL AND error_type IS NOT NULL
        AND error_type <> ''
    WHEN 'run.progressed' THEN run_id IS NOT NULL AND run_id <> '' AND run_kind IS NOT NULL
    WHEN 'run.started' THEN run_id IS NOT NULL AND run_id <> '' AND run_kind IS NOT NULL
    WHEN 'run.succeeded' THEN run_id IS NOT NULL AND run_id <> '' AND run_kind IS NOT NULL AND started_at IS NOT NULL
    WHEN 'run.timed_out' THEN run_id IS NOT NULL AND run_id <> '' AND run_kind IS NOT NULL AND started_at IS NOT NULL
    WHEN 'step.completed' THEN run_id IS NOT NULL AND run_id <> '' AND step_id IS NOT NULL AND step_id <> '' AND task_id IS NOT NULL AND task_id <> ''
    WHEN 'step.failed' THEN run_id IS NOT NULL AND run_id <> '' AND step_id IS NOT NULL AND step_id <> '' AND task_id IS NOT NULL AND task_id <> ''
    WHEN 'step.started' THEN run_id IS NOT NULL AND run_id <> '' AND step_id IS NOT NULL AND step_id <> '' AND task_id IS NOT NULL AND task_id <> ''
    WHEN 'canary.beat' THEN is_canary IS NOT NULL AND run_id IS NOT NULL AND run_id <> '' AND (source IS NULL OR source IN ('daybook-canary'))
        AND (is_canary IS NULL OR is_canary IN ('true'))
    ELSE FALSE
  END;
