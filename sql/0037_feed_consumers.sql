-- The change feed as a product: who reads it and how far, so that nothing is deleted that a consumer has not read.
create table ops.feed_consumers (
    agency text not null,
    consumer text not null,
    cursor_seq bigint not null default 0,
    registered_at timestamptz not null default now(),
    read_at timestamptz not null default now(),
    constraint feed_consumers_pkey primary key (agency, consumer),
    constraint feed_consumers_consumer_known check (consumer ~ '^[a-z0-9_-]+$')
);
comment on table ops.feed_consumers is
    'Consumers of mart.changes that asked for their cursor to be kept. Retention deletes no change that one of them has not read.';
comment on column ops.feed_consumers.agency is 'The agency whose changes it reads.';
comment on column ops.feed_consumers.consumer is 'The name that the consumer gave itself.';
comment on column ops.feed_consumers.cursor_seq is 'The seq of the last change that it has handled.';
comment on column ops.feed_consumers.registered_at is 'When it first asked.';
comment on column ops.feed_consumers.read_at is 'When its cursor was last kept; one that stopped long ago holds up retention.';

create table ops.pruned_changes (
    agency text not null,
    pruned_seq bigint not null,
    constraint pruned_changes_pkey primary key (agency)
);
comment on table ops.pruned_changes is 'Where the change feed of an agency begins, once retention has deleted its beginning.';
comment on column ops.pruned_changes.agency is 'The agency whose changes they were.';
comment on column ops.pruned_changes.pruned_seq is
    'The seq of the newest deleted change: a consumer whose cursor is lower has missed changes and starts from a snapshot.';
