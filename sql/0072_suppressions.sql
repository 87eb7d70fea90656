-- Contacts that a person suppressed by hand (N17): a decision about the contact, which holds whatever its addresses become.

create table ops.suppressions (
    agency text not null,
    contact_id uuid not null,
    reason text,
    set_by text not null,
    set_at timestamptz not null default now(),
    constraint suppressions_pkey primary key (agency, contact_id)
);
comment on table ops.suppressions is
    'Contacts that nobody writes to because a person said so (N17): no sync lifts it. A trigger marks the contact, so that the '
    'next publish shows it as mart.contacts.suppressed_reason by_hand; mart.may_send knows it at once.';
comment on column ops.suppressions.agency is 'Agency id, the key of the agency in agencies.yaml.';
comment on column ops.suppressions.contact_id is
    'The contact: mart.contacts.contact_id. It is also the id of its oldest record, so it holds for whatever contact that becomes.';
comment on column ops.suppressions.reason is 'Why, in the person''s words; may be null.';
comment on column ops.suppressions.set_by is 'Who suppressed it: a user of the integration page or of the command line.';
comment on column ops.suppressions.set_at is 'When the person suppressed it.';

create trigger touch_contact after insert or update or delete on ops.suppressions
    for each row execute function stage.touch_renamed_contact();
comment on function stage.touch_renamed_contact is
    'Trigger: marks the contact of a changed row of ops.name_overrides or ops.suppressions as touched.';

create or replace function mart.may_send(contact uuid, wanted_channel text) returns boolean language sql stable as $$
    -- A mark from the source (deceased, do_not_contact) and a person's suppression stop every channel while they are there.
    select coalesce((
        select c.suppressed_reason is null
            and not exists (
                select from ops.suppressions s where s.agency = c.agency and (s.contact_id = c.contact_id or s.contact_id in (
                    select k.candidate_id from stage.candidates k where (k.agency, k.contact_id) = (c.agency, c.contact_id))))
            and mart.may_send_to(c.agency, wanted_channel, case wanted_channel
                when 'email' then c.email when 'mail' then case when c.address1 is not null then c.contact_id::text end
                when 'text' then c.phone when 'phone' then c.phone end)
        from mart.contacts c where c.contact_id = contact), false)
$$;
comment on function mart.may_send is
    'Returns whether a contact may be written to by email, text, phone or mail at its primary address: no mark of the source and no '
    'person suppresses it, nobody refused, and there is an address.';
comment on column mart.contacts.suppressed_reason is
    'Reason not to send anything: deceased or do_not_contact, from a mark in a name or from the source (N10, A8), or by_hand, from '
    'a person who suppressed the contact (N17). Null: sending is allowed.';
do $$
begin
    perform ops.copy_column_comments('mart.contacts', 'mart.contact_cards');
end $$;
