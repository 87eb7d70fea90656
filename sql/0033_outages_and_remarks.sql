-- Writes that wait out an outage, remarks on events, and raw customers by email.
alter table ops.writebacks add column put_offs integer not null default 0;
comment on column ops.writebacks.put_offs is
    'How many times in a row the other system was away when the row was to be sent. It sets the delay and uses up no attempt.';

alter table ops.events add column note text;
comment on column ops.events.note is
    'What of the event is not written, and why, such as a phone number that cannot be read (W4). Null: everything is written.';

-- W12: a contact that is created is looked for among the raw customers by email; one field may hold several addresses.
create index customers_by_emails on raw_ams360.customers
    using gin (regexp_split_to_array(lower(payload ->> 'Email'), '[;,|/\s]+')) where deleted_at is null;
