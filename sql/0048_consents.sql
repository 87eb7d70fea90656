-- What people said about being written to, per channel and address: a refusal belongs to the address, and the strongest wins.

create table ops.consents (
    agency text not null,
    channel text not null,
    address text not null,
    source text not null,
    answer text not null,
    at timestamptz not null,
    evidence text,
    constraint consents_pkey primary key (agency, channel, address, source),
    constraint consents_channel_check check (channel in ('email', 'text', 'phone', 'mail')),
    constraint consents_answer_check check (answer in ('yes', 'no')),
    constraint consents_source_check check (source in ('platform', 'page', 'import', 'manual'))
);
comment on table ops.consents is
    'What people answered about being written to: the latest answer of each source. A yes never lifts another source''s no.';
comment on column ops.consents.agency is 'Agency id, the key of the agency in agencies.yaml.';
comment on column ops.consents.channel is 'email, text, phone or mail.';
comment on column ops.consents.address is
    'Email in lower case, number as E.164, contact id for mail; or sha256: and the hash of an email in lower case.';
comment on column ops.consents.source is
    'Where the answer came from: platform (an event), page, import (a suppression list) or manual (the command line).';
comment on column ops.consents.answer is 'Whether the person agreed: yes or no.';
comment on column ops.consents.at is 'When the person answered; an older answer of the same source never replaces a newer one.';
comment on column ops.consents.evidence is 'What shows it, such as the name of the list or the id of the event.';

create function mart.may_send_to(wanted_agency text, wanted_channel text, wanted_address text) returns boolean
language sql stable as $$
    select wanted_address is not null and not exists (
        select from ops.consents c
        where c.agency = wanted_agency and c.channel = wanted_channel and c.answer = 'no' and c.address in (
            wanted_address, lower(wanted_address),
            'sha256:' || encode(sha256(convert_to(lower(wanted_address), 'UTF8')), 'hex')))
$$;
comment on function mart.may_send_to is
    'Returns whether nobody refused this channel for this address; it knows refusals alone, not the marks of a contact.';

create function mart.may_send(contact uuid, wanted_channel text) returns boolean language sql stable as $$
    -- A mark from the source (deceased, do_not_contact) stops every channel while it is there.
    select coalesce((
        select c.suppressed_reason is null and mart.may_send_to(c.agency, wanted_channel, case wanted_channel
            when 'email' then c.email when 'mail' then case when c.address1 is not null then c.contact_id::text end
            when 'text' then c.phone when 'phone' then c.phone end)
        from mart.contacts c where c.contact_id = contact), false)
$$;
comment on function mart.may_send is
    'Returns whether a contact may be written to by email, text, phone or mail at its primary address: no mark of the source '
    'suppresses it, nobody refused, and there is an address.';
