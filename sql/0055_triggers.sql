-- What started a sync is its trigger. "Lane" is the outbox's order key only; it used to mean both.
alter table ops.sync_runs drop constraint sync_runs_lane_check;
alter table ops.sync_runs rename column lane to trigger;
alter table ops.sync_runs alter column trigger drop default;

create function ops.trigger_of_lane(lane text) returns text language sql immutable parallel safe as $$
    select case lane
        when 'notifications' then 'notification' when 'daily' then 'daily_sweep' when 'weekly' then 'weekly_resync'
        when 'person' then 'manual' else lane end
$$;
comment on function ops.trigger_of_lane is 'Returns the trigger for its deprecated name: notification for notifications.';
create function ops.lane_of_trigger(trigger text) returns text language sql immutable parallel safe as $$
    select case trigger
        when 'notification' then 'notifications' when 'daily_sweep' then 'daily' when 'weekly_resync' then 'weekly'
        when 'manual' then 'person' else trigger end
$$;
comment on function ops.lane_of_trigger is 'Returns the deprecated name of a trigger: notifications for notification.';

update ops.sync_runs set trigger = ops.trigger_of_lane(trigger);
alter table ops.sync_runs alter column trigger set default 'manual';
alter table ops.sync_runs add constraint sync_runs_trigger_check
    check (trigger in ('notification', 'daily_sweep', 'weekly_resync', 'manual'));
comment on column ops.sync_runs.trigger is
    'What started the sync: notification, daily_sweep, weekly_resync or manual (a user, on the command line or in Dagster).';
alter table ops.sync_runs add column lane text generated always as (ops.lane_of_trigger(trigger)) stored;
comment on column ops.sync_runs.lane is
    'Deprecated, use trigger: the same under its former names notifications, daily, weekly and person.';

alter table ops.lane_changes rename to trigger_changes;
alter table ops.trigger_changes rename column lane to trigger;
alter table ops.trigger_changes rename constraint lane_changes_pkey to trigger_changes_pkey;
alter index ops.lane_changes_by_time rename to trigger_changes_by_time;
update ops.trigger_changes set trigger = ops.trigger_of_lane(trigger);
comment on column ops.trigger_changes.trigger is
    'What started the sync, as in ops.sync_runs: notification, daily_sweep, weekly_resync or manual.';
comment on table ops.missed_changes is 'The records counted in ops.trigger_changes.missed: changed without a notification.';

create view ops.lane_changes as
    select agency, sync_id, object_type, ops.lane_of_trigger(trigger) as lane, at, changed, missed, silent, overtaken
    from ops.trigger_changes;
comment on view ops.lane_changes is 'Deprecated, use ops.trigger_changes: the same under the former names of the triggers.';
comment on column ops.lane_changes.lane is 'Deprecated name of the trigger: notifications, daily, weekly or person.';
select ops.copy_column_comments('ops.trigger_changes', 'ops.lane_changes');

create or replace view ops.freshness as
with notified as (
    select agency, object_type, received_at::date as day, count(*) as notifications,
        percentile_cont(0.5) within group (order by extract(epoch from settled_at - received_at)) as p50,
        percentile_cont(0.95) within group (order by extract(epoch from settled_at - received_at)) as p95
    from ops.notifications where state = 'done' group by 1, 2, 3),
changed as (
    select agency, object_type, at::date as day,
        sum(changed) filter (where trigger = 'notification') as by_notification,
        sum(missed) as missed, sum(silent) as silent
    from ops.trigger_changes group by 1, 2, 3)
select agency, object_type, day, coalesce(notifications, 0) as notifications,
    coalesce(by_notification, 0) as brought_by_notification, coalesce(missed, 0) as missed, coalesce(silent, 0) as silent,
    round(coalesce(missed, 0)::numeric / nullif(coalesce(by_notification, 0) + coalesce(missed, 0), 0), 4) as missed_rate,
    round(p50::numeric, 1) as staleness_p50_seconds, round(p95::numeric, 1) as staleness_p95_seconds
from notified full join changed using (agency, object_type, day);
comment on column ops.freshness.missed is
    'Changed records that no notification announced, as in ops.trigger_changes.missed.';
comment on column ops.freshness.silent is
    'Changed records that AMS360 sends no notification for, as in ops.trigger_changes.silent.';
