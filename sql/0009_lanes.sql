-- Three lanes bring a change: its notification, the daily sweep, the weekly full resync. What a later lane finds that an
-- earlier one should have brought is counted.
alter table ops.sync_runs drop constraint sync_runs_mode_check;
alter table ops.sync_runs add constraint sync_runs_mode_check check (mode in ('full', 'sweep', 'customers'));
alter table ops.sync_runs add column lane text not null default 'person'
    check (lane in ('notifications', 'daily', 'weekly', 'person'));
comment on column ops.sync_runs.lane is 'What asked for it: notifications, the daily sweep, the weekly resync, or a person';

create table ops.notification_batches (
    agency text not null,
    batch_id uuid not null,
    claimed_at timestamptz not null default clock_timestamp(),
    closed_at timestamptz,
    outcome text check (outcome in ('done', 'failed', 'never started')),
    notifications integer not null,
    customers integer not null,
    primary key (agency, batch_id)
);
comment on table ops.notification_batches is 'Notifications that one run serves together; closed when it ended';
create index on ops.notification_batches (agency) where closed_at is null;
create index notifications_of_a_batch on ops.notifications (agency, sync_id) where sync_id is not null;

-- What each lane brought, record by record of a kind, and what it should not have had to bring.
create table ops.lane_changes (
    agency text not null,
    sync_id uuid not null,
    object_type text not null,
    lane text not null,
    at timestamptz not null,
    changed integer not null,
    missed integer not null,
    silent integer not null,
    overtaken integer not null,
    primary key (agency, sync_id, object_type)
);
comment on table ops.lane_changes is
    'Records that a sync found changed: missed = no notification told of it; silent = AMS360 tells of no such change; '
    'overtaken = its notification waits';

create table ops.missed_changes (
    agency text not null,
    sync_id uuid not null,
    object_type text not null,
    entity_id text not null,
    customer_id text not null,
    primary key (agency, sync_id, object_type, entity_id)
);
comment on table ops.missed_changes is 'Which records no notification told of';

-- For people: how fresh the mart is, and how much of what changes AMS360 tells us of.
create view ops.freshness as
with told as (
    select agency, object_type, received_at::date as day, count(*) as notifications,
        percentile_cont(0.5) within group (order by extract(epoch from settled_at - received_at)) as p50,
        percentile_cont(0.95) within group (order by extract(epoch from settled_at - received_at)) as p95
    from ops.notifications where state = 'done' group by 1, 2, 3),
brought as (
    select agency, object_type, at::date as day,
        sum(changed) filter (where lane = 'notifications') as by_notification,
        sum(missed) as missed, sum(silent) as silent
    from ops.lane_changes group by 1, 2, 3)
select agency, object_type, day, coalesce(notifications, 0) as notifications,
    coalesce(by_notification, 0) as brought_by_notification, coalesce(missed, 0) as missed, coalesce(silent, 0) as silent,
    round(coalesce(missed, 0)::numeric / nullif(coalesce(by_notification, 0) + coalesce(missed, 0), 0), 4) as missed_rate,
    round(p50::numeric, 1) as staleness_p50_seconds, round(p95::numeric, 1) as staleness_p95_seconds
from told full join brought using (agency, object_type, day);
comment on view ops.freshness is 'Per day and object type: seconds from a notification to the mart, and the share of changes never told of';
