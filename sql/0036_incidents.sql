-- Incidents, and which channel has taken which announcement of them, for `ams-etl alerts`.
create table ops.incidents (
    agency text not null,
    incident_id bigint generated always as identity,
    incident_key text not null,
    kind text not null,
    severity text not null,
    title text not null,
    detail text not null,
    what_to_do text not null,
    run_id text,
    occurrences integer not null default 1,
    opened_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    closed_at timestamptz,
    constraint incidents_pkey primary key (agency, incident_id),
    constraint incidents_severity_known check (severity in ('warning', 'error'))
);
create unique index incidents_one_open on ops.incidents (incident_key) where closed_at is null;
create index incidents_by_closed_at on ops.incidents (closed_at);
comment on table ops.incidents is
    'What an alert was or will be sent about: a failed run, a failed check, a silent agency, ... One row from its beginning to '
    'its end; the same thing happening again later is a new row. Holds no personal data.';
comment on column ops.incidents.agency is 'The agency id; empty for what concerns all agencies, such as a dead daemon.';
comment on column ops.incidents.incident_id is 'Number of the incident.';
comment on column ops.incidents.incident_key is 'What it is about: kind, agency and job or check. One open incident per key.';
comment on column ops.incidents.kind is 'run_failed, check_failed, publish_stopped, agency_silent, process_dead or uncertain_writes.';
comment on column ops.incidents.severity is 'warning, or error: something has stopped.';
comment on column ops.incidents.title is 'What happened, in one sentence.';
comment on column ops.incidents.detail is 'More about it: the failed step, the error''s own sentence or class, counts.';
comment on column ops.incidents.what_to_do is 'The next step for the reader, often a command.';
comment on column ops.incidents.run_id is 'The Dagster run that showed it last, or null.';
comment on column ops.incidents.occurrences is 'How many runs showed it so far.';
comment on column ops.incidents.opened_at is 'When it was first seen.';
comment on column ops.incidents.last_seen_at is 'When it was last seen.';
comment on column ops.incidents.closed_at is 'When it was seen to be over; null while it lasts.';

create table ops.alerts (
    agency text not null,
    incident_id bigint not null,
    channel text not null,
    announcement text not null,
    sent_at timestamptz not null default now(),
    constraint alerts_pkey primary key (agency, incident_id, channel, announcement),
    constraint alerts_of_incident foreign key (agency, incident_id) references ops.incidents on delete cascade,
    constraint alerts_announcement_known check (announcement in ('opened', 'reminded', 'closed'))
);
comment on table ops.alerts is 'Which announcement of which incident a channel has taken; so none is sent twice.';
comment on column ops.alerts.agency is 'The incident''s agency; empty for what concerns all agencies.';
comment on column ops.alerts.incident_id is 'The incident, in ops.incidents.';
comment on column ops.alerts.channel is 'The channel''s name in agencies.yaml.';
comment on column ops.alerts.announcement is 'opened, reminded (of one that lasts) or closed.';
comment on column ops.alerts.sent_at is 'When the channel took it; of reminders, the latest.';

create table ops.alert_cursors (
    agency text not null default '',
    source text not null,
    position text not null,
    constraint alert_cursors_pkey primary key (agency, source)
);
comment on table ops.alert_cursors is 'How far `ams-etl alerts watch` has read Dagster''s runs and check results.';
comment on column ops.alert_cursors.agency is 'Empty: the cursors are for all agencies at once.';
comment on column ops.alert_cursors.source is 'runs or checks.';
comment on column ops.alert_cursors.position is 'The position that was read last, in the source''s own form.';
