CREATE VIEW audited.runs AS
WITH streamed AS (
  SELECT lane, "stream", window_start, window_end, is_canary, tenant_id, run_id, n, created_at_fdf24a51, started_at_c131548e, finished_at_677a272f,
      last_event_at_78ec5d6f, status_fc705662, run_kind_7e090f5e, process_id_ca684508, process_version_f141219e, workflow_id_f55a4939, agent_id_20b3783a,
      attempts_21f5c856, steps_8479c0f9, failed_steps_e9b45e34, model_calls_1bee9aa7, failed_model_calls_470402b8, input_tokens_f1f53ecf,
      output_tokens_6d45872b, cache_read_tokens_dc7f7b32, cost_usd_25a69adc
  FROM lake.partials.runs FOR VERSION AS OF 'audited'
),
reached AS (
  SELECT stream, MAX(window_end) AS window_end
  FROM streamed
  GROUP BY stream
),
corrections AS (
  SELECT correction.lane, correction."stream", correction.window_start, correction.window_end, correction.is_canary, correction.tenant_id, correction.run_id,
      correction.n, correction.created_at_fdf24a51, correction.started_at_c131548e, correction.finished_at_677a272f, correction.last_event_at_78ec5d6f,
      correction.status_fc705662, correction.run_kind_7e090f5e, correction.process_id_ca684508, correction.process_version_f141219e,
      correction.workflow_id_f55a4939, correction.agent_id_20b3783a, correction.attempts_21f5c856, correction.steps_8479c0f9, correction.failed_steps_e9b45e34,
      correction.model_calls_1bee9aa7, correction.failed_model_calls_470402b8, correction.input_tokens_f1f53ecf, correction.output_tokens_6d45872b,
      correction.cache_read_tokens_dc7f7b32, correction.cost_usd_25a69adc, correction.kind
  FROM lake.audit.runs FOR VERSION AS OF 'audited' AS correction
  JOIN reached ON reached.stream = correction.stream
  WHERE correction.visible_from <= reached.window_end
),
replaced AS (
  SELECT DISTINCT stream, window_start
  FROM corrections
  WHERE kind IN ('replacement', 'held')
)
SELECT streamed.lane, streamed."stream", streamed.window_start, streamed.window_end, streamed.is_canary, streamed.tenant_id, streamed.run_id, streamed.n,
    streamed.created_at_fdf24a51, streamed.started_at_c131548e, streamed.finished_at_677a272f, streamed.last_event_at_78ec5d6f, streamed.status_fc705662,
    streamed.run_kind_7e090f5e, streamed.process_id_ca684508, streamed.process_version_f141219e, streamed.workflow_id_f55a4939, streamed.agent_id_20b3783a,
    streamed.attempts_21f5c856, streamed.steps_8479c0f9, streamed.failed_steps_e9b45e34, streamed.model_calls_1bee9aa7, streamed.failed_model_calls_470402b8,
    streamed.input_tokens_f1f53ecf, streamed.output_tokens_6d45872b, streamed.cache_read_tokens_dc7f7b32, streamed.cost_usd_25a69adc
FROM streamed
LEFT JOIN replaced ON replaced.stream = streamed.stream AND replaced.window_start = streamed.window_start
WHERE replaced.stream IS NULL AND NOT is_canary
UNION ALL
SELECT lane, "stream", window_start, window_end, is_canary, tenant_id, run_id, n, created_at_fdf24a51, started_at_c131548e, finished_at_677a272f,
    last_event_at_78ec5d6f, status_fc705662, run_kind_7e090f5e, process_id_ca684508, process_version_f141219e, workflow_id_f55a4939, agent_id_20b3783a,
    attempts_21f5c856, steps_8479c0f9, failed_steps_e9b45e34, model_calls_1bee9aa7, failed_model_calls_470402b8, input_tokens_f1f53ecf, output_tokens_6d45872b,
    cache_read_tokens_dc7f7b32, cost_usd_25a69adc
FROM corrections
WHERE kind <> 'held' AND NOT is_canary;
