-- AMS360's outbound notifications: stored as received before anybody understands them.
create table ops.notifications (
    agency text not null,
    notification_id bigint generated always as identity,
    received_at timestamptz not null default clock_timestamp(),
    content_type text,
    body bytea,
    part_of bigint,
    part integer not null default 0,
    state text not null default 'received' check (state in ('received', 'parked', 'pending', 'done', 'ignored')),
    reason text,
    object_type text,
    change text check (change in ('insert', 'update', 'delete')),
    keys jsonb,
    attempts integer not null default 0,
    not_before timestamptz,
    sync_id uuid,
    settled_at timestamptz,
    primary key (agency, notification_id),
    unique (notification_id),
    check ((part = 0) = (part_of is null)),
    check (state <> 'pending' or (object_type is not null and change is not null and keys is not null))
);
comment on table ops.notifications is
    'received: stored, not yet understood; pending: understood, waits for its run; parked: not understood, see reason; '
    'ignored: understood, of a type nothing here uses; done: its run succeeded';
comment on column ops.notifications.body is
    'As received, but the authentication code and dropped secrets are ***; null once forgotten, and in parts';
comment on column ops.notifications.part_of is
    'One request may carry several notifications: the first stands in the row with the body, the others name it here';
create index notifications_waiting on ops.notifications (agency, notification_id) where state in ('received', 'pending');
create index notifications_parked on ops.notifications (agency, notification_id) where state = 'parked';
create index notifications_parts on ops.notifications (part_of, part) where part_of is not null;
create index notifications_bodies on ops.notifications (agency, settled_at) where body is not null and state in ('done', 'ignored');

-- Requests with an unknown agency or a wrong code: how many, and nothing about them. '' is an agency that we do not have.
create table ops.notification_refusals (
    agency text not null,
    day date not null,
    count bigint not null,
    primary key (agency, day)
);

create function ops.forget_notification_bodies(of_agency text, days integer) returns bigint
language sql as $$
    with forgotten as (
        update ops.notifications whole set body = null
        where whole.agency = of_agency and whole.body is not null and whole.state in ('done', 'ignored')
          and whole.settled_at < now() - make_interval(days => days)
          and not exists (
              select from ops.notifications part
              where part.part_of = whole.notification_id and part.state not in ('done', 'ignored'))
        returning 1
    )
    select count(*) from forgotten
$$;
comment on function ops.forget_notification_bodies is
    'Forgets the bodies of what was settled more than so many days ago; a body with a part that still waits stays';
