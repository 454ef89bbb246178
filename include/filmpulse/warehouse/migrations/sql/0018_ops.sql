-- What was told of what is wrong, so that each cause is told once (docs/adr/0037).
CREATE TABLE ops.alerts (
    alert_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cause       text NOT NULL,
    subject     text NOT NULL,
    since       timestamptz NOT NULL DEFAULT now(),
    run_url     text NOT NULL,
    told_at     timestamptz,
    ended_at    timestamptz,
    end_told_at timestamptz,
    CHECK (end_told_at IS NULL OR (told_at IS NOT NULL AND ended_at IS NOT NULL))
);
CREATE UNIQUE INDEX alerts_unsettled ON ops.alerts (cause, subject) WHERE end_told_at IS NULL;
COMMENT ON TABLE ops.alerts IS 'One row per cause of trouble and time that it held: when it was told, and when its end was.';
COMMENT ON COLUMN ops.alerts.alert_id IS 'Our number for it.';
COMMENT ON COLUMN ops.alerts.cause IS 'One stable word; the runbook says what each means.';
COMMENT ON COLUMN ops.alerts.subject IS 'What has the trouble, such as a source, a check, a DAG or a model; empty where the cause says it.';
COMMENT ON COLUMN ops.alerts.since IS 'When it was first seen (UTC).';
COMMENT ON COLUMN ops.alerts.run_url IS 'Airflow''s page of the run after which it was first seen.';
COMMENT ON COLUMN ops.alerts.told_at IS 'When a service took the message (UTC); null while none has.';
COMMENT ON COLUMN ops.alerts.ended_at IS 'When it was first seen to be over (UTC); null while it holds.';
COMMENT ON COLUMN ops.alerts.end_told_at IS 'When a service took the message of its end (UTC); null while none has.';

CREATE TABLE ops.model_ends (
    host     text NOT NULL,
    model    text NOT NULL,
    ends_on  date,
    asked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (host, model)
);
COMMENT ON TABLE ops.model_ends IS 'When endpoints shut models down, as they say; asked once a day where alerts are on.';
COMMENT ON COLUMN ops.model_ends.host IS 'The endpoint''s host.';
COMMENT ON COLUMN ops.model_ends.model IS 'The model.';
COMMENT ON COLUMN ops.model_ends.ends_on IS 'Its last day; null where the endpoint names none, or did not answer.';
COMMENT ON COLUMN ops.model_ends.asked_at IS 'When the endpoint was asked (UTC).';
