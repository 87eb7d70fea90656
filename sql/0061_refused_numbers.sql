-- A refusal belongs to the number and to the person: whoever shares the number of somebody who refused is not called or texted
-- there, and a refusal of mail follows a contact that was merged into another one (M6, M9).
create index contact_phones_by_phone on mart.contact_phones (agency, phone);

create or replace function mart.may_send_to(wanted_agency text, wanted_channel text, wanted_address text) returns boolean
language sql stable as $$
    select wanted_address is not null and not exists (
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
comment on function mart.may_send_to is
    'Returns whether nobody refused this channel for this address. A number is refused, too, where a contact that has it is '
    'marked do_not_contact; mail to a contact where one that was merged into it refused. Marks of the contact itself are '
    'mart.may_send''s.';
