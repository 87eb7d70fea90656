-- The follower (`ams-etl follow`): woken when work is committed, it publishes notified changes and delivers writebacks warm.
alter table ops.leases drop constraint leases_subject_check;
alter table ops.leases add constraint leases_subject_check
    check (subject in ('full_read', 'benefitpoint_read', 'publish', 'writeback', 'follow'));
comment on column ops.leases.subject is
    'full_read: reading everything or the customer list; benefitpoint_read: reading BenefitPoint; publish: deriving, '
    'planning and publishing; writeback: delivering the outbox; follow: the follower that serves the notifications. '
    'A run that reads a few notified customers needs none.';

alter table ops.notification_batches add column follower text;
comment on column ops.notification_batches.follower is 'The follower that serves it; null: a run does.';

create table ops.followers (
    follower text not null,
    started_at timestamptz not null default clock_timestamp(),
    beat_at timestamptz not null default clock_timestamp(),
    constraint followers_pkey primary key (follower)
);
comment on table ops.followers is 'Running `ams-etl follow` processes; while one lives, the sensors leave its work to it.';
comment on column ops.followers.follower is 'Host, process id and a random part.';
comment on column ops.followers.started_at is 'When it started.';
comment on column ops.followers.beat_at is 'Its latest sign of life; one without any for 15 seconds is dead.';

create table ops.follower_handovers (
    agency text not null,
    reason text not null,
    since timestamptz not null default clock_timestamp(),
    constraint follower_handovers_pkey primary key (agency)
);
comment on table ops.follower_handovers is
    'Agencies whose notifications the follower leaves to a run, so that people see and can retry it; until a run succeeds.';
comment on column ops.follower_handovers.agency is 'Agency id, the key of the agency in agencies.yaml.';
comment on column ops.follower_handovers.reason is 'Why: everything is due, the brake or a check stopped it, or it failed twice.';
comment on column ops.follower_handovers.since is 'When it was left to a run.';

create table ops.follower_batches (
    agency text not null,
    batch bigint generated always as identity,
    kind text not null,
    at timestamptz not null default clock_timestamp(),
    customers integer not null default 0,
    changes integer not null default 0,
    lag_seconds double precision not null default 0,
    seconds jsonb not null default '{}',
    error text,
    urgent boolean not null default false,
    reported boolean not null default false,
    constraint follower_batches_pkey primary key (agency, batch),
    constraint follower_batches_kind_check check (kind in ('notifications', 'refresh', 'new_day', 'writeback'))
);
comment on table ops.follower_batches is 'What the follower did, one row per batch; kept for a week. A sensor reports it to the catalog.';
comment on column ops.follower_batches.agency is 'Agency id, the key of the agency in agencies.yaml.';
comment on column ops.follower_batches.batch is 'Number of the batch.';
comment on column ops.follower_batches.kind is 'notifications, refresh (asked for by a person), new_day or writeback.';
comment on column ops.follower_batches.at is 'When the batch ended.';
comment on column ops.follower_batches.customers is 'Customers read; for new_day those derived.';
comment on column ops.follower_batches.changes is 'Contacts inserted, updated or deleted; for writeback the writes delivered.';
comment on column ops.follower_batches.lag_seconds is 'From the arrival of the oldest notification or event to its end.';
comment on column ops.follower_batches.seconds is 'Seconds of each stage.';
comment on column ops.follower_batches.error is 'Why it failed, without personal data; null: it did not.';
comment on column ops.follower_batches.urgent is 'Reported to the catalog at once: somebody waits for it, or it failed.';
comment on column ops.follower_batches.reported is 'Whether the catalog knows of it.';
create index follower_batches_unreported on ops.follower_batches (agency, at) where not reported;
create index follower_batches_by_at on ops.follower_batches (at);

create table ops.refresh_requests (
    agency text not null,
    request_id uuid not null default gen_random_uuid(),
    customers text[] not null,
    requested_at timestamptz not null default clock_timestamp(),
    done_at timestamptz,
    error text,
    constraint refresh_requests_pkey primary key (agency, request_id)
);
comment on table ops.refresh_requests is 'Customers that somebody wants read and published now (`ams-etl refresh`).';
comment on column ops.refresh_requests.agency is 'Agency id, the key of the agency in agencies.yaml.';
comment on column ops.refresh_requests.request_id is 'Id of the request.';
comment on column ops.refresh_requests.customers is 'AMS360 CustomerIds.';
comment on column ops.refresh_requests.requested_at is 'When it was asked for.';
comment on column ops.refresh_requests.done_at is 'When they were published, or when it failed.';
comment on column ops.refresh_requests.error is 'Why it failed, without personal data.';
create index refresh_requests_open on ops.refresh_requests (agency, requested_at) where done_at is null;

create function ops.wake_follower() returns trigger language plpgsql as $$
begin
    perform pg_notify('ams_etl_work', new.agency);
    return null;
end $$;
comment on function ops.wake_follower is
    'Notifies the follower of an agency with work, when the transaction commits; equal notifications of one transaction are one.';
create trigger notifications_wake_follower after insert on ops.notifications for each row
    when (new.state = 'pending') execute function ops.wake_follower();
create trigger notifications_interpreted_wake_follower after update of state on ops.notifications for each row
    when (new.state = 'pending' and old.state <> 'pending') execute function ops.wake_follower();
create trigger events_wake_follower after insert on ops.events for each row execute function ops.wake_follower();
create trigger writebacks_wake_follower after insert on ops.writebacks for each row
    when (new.status = 'pending') execute function ops.wake_follower();
create trigger refresh_requests_wake_follower after insert on ops.refresh_requests for each row
    execute function ops.wake_follower();
