-- mart.may_send read ops.consents, ops.suppressions and stage.candidates with the caller's rights, so it failed for every role of
-- `ams-etl db grant`. What those tables decide is asked of two functions now that run with their owner's rights and answer yes or
-- no, to a limited role about its own agencies alone. In them only session_user says who asks.

create function ops.nobody_refused(wanted_agency text, wanted_channel text, wanted_address text) returns boolean
language sql stable security definer set search_path = pg_catalog as $$
    select (session_user = current_user or (select ops.readable_agencies(session_user)) is null
        or wanted_agency = any ((select ops.readable_agencies(session_user))::text[]))
    and wanted_address is not null and not exists (
        select from ops.consents c
        where c.agency = wanted_agency and c.channel = wanted_channel and c.answer = 'no' and c.address in (
            wanted_address, lower(wanted_address),
            'sha256:' || encode(sha256(convert_to(lower(wanted_address), 'UTF8')), 'hex')))
    and not (wanted_channel in ('text', 'phone') and exists (
        select from mart.contact_phones p join mart.contacts c using (agency, contact_id)
        where p.agency = wanted_agency and p.phone = wanted_address and c.suppressed_reason = 'do_not_contact'))
    and not (wanted_channel = 'mail' and exists (
        select from mart.contact_merges m join ops.consents c on (c.agency, c.address) = (m.agency, m.contact_id::text)
        where m.agency = wanted_agency and m.merged_into::text = wanted_address and c.channel = 'mail' and c.answer = 'no'))
$$;
comment on function ops.nobody_refused is
    'Returns what mart.may_send_to returns, for which it reads ops.consents with its owner''s rights; false for an agency that the '
    'session''s role may not read.';

create function ops.suppressed_by_hand(wanted_agency text, contact uuid) returns boolean
language sql stable security definer set search_path = pg_catalog as $$
    select not (session_user = current_user or (select ops.readable_agencies(session_user)) is null
        or wanted_agency = any ((select ops.readable_agencies(session_user))::text[]))
    or exists (
        select from ops.suppressions s where s.agency = wanted_agency and (s.contact_id = contact or s.contact_id in (
            select k.candidate_id from stage.candidates k where (k.agency, k.contact_id) = (wanted_agency, contact))))
$$;
comment on function ops.suppressed_by_hand is
    'Returns whether a person suppressed the contact or one of its records (N17). Runs with its owner''s rights, since readers may '
    'not read ops and stage; true for an agency that the session''s role may not read.';

create or replace function mart.may_send_to(wanted_agency text, wanted_channel text, wanted_address text) returns boolean
language sql stable as $$
    -- current_user is who asks also after `set role`, which session_user in the function beneath does not know.
    select ((select ops.readable_agencies(current_user)) is null
            or wanted_agency = any ((select ops.readable_agencies(current_user))::text[]))
        and ops.nobody_refused(wanted_agency, wanted_channel, wanted_address)
$$;

create or replace function mart.may_send(contact uuid, wanted_channel text) returns boolean language sql stable as $$
    -- A mark from the source (deceased, do_not_contact) and a person's suppression stop every channel while they are there.
    select coalesce((
        select c.suppressed_reason is null and not ops.suppressed_by_hand(c.agency, c.contact_id)
            and mart.may_send_to(c.agency, wanted_channel, case wanted_channel
                when 'email' then c.email when 'mail' then case when c.address1 is not null then c.contact_id::text end
                when 'text' then c.phone when 'phone' then c.phone end)
        from mart.contacts c where c.contact_id = contact), false)
$$;
comment on function mart.may_send_to is
    'Returns whether nobody refused this channel for this address. A number is refused, too, where a contact that has it is '
    'marked do_not_contact; mail to a contact where one that was merged into it refused. Marks of the contact itself are '
    'mart.may_send''s. False for an agency that the role may not read.';
