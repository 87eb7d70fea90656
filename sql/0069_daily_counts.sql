-- What the pictures in the catalog show over weeks: how many rows there were of each kind, a row per day.
create table ops.daily_counts (
    agency text not null,
    figure text not null,
    day date not null,
    label text not null,
    rows bigint not null,
    constraint daily_counts_pkey primary key (agency, figure, day, label),
    constraint daily_counts_figure_check check (figure in ('contacts_by_status', 'skipped_by_reason'))
);
comment on table ops.daily_counts is
    'Counts after the last publish of each day, for the pictures of the catalog and for the change since the last publish.';
comment on column ops.daily_counts.agency is 'Agency id, the key of the agency in agencies.yaml.';
comment on column ops.daily_counts.figure is 'contacts_by_status or skipped_by_reason.';
comment on column ops.daily_counts.day is 'The day of the publish, in the schedule''s time zone.';
comment on column ops.daily_counts.label is 'The status of mart.contacts, or the reason of mart.skipped_contacts.';
comment on column ops.daily_counts.rows is 'How many rows of the mart had it.';
