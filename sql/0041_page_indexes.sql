-- Indexes of what the integration page searches and lists: the history of one contact, customers by their number, and any part
-- of a name, an email address or a phone number where pg_trgm may be installed. Without pg_trgm (the embedded server has none)
-- a search reads the agency's own rows, by the agency's index.
create index changes_by_entity_id on mart.changes (agency, entity_id, seq);
create index customers_by_customer_number on raw_ams360.customers (agency, (((payload ->> 'CustomerNumber'))::integer));
create index skipped_contacts_by_reason on mart.skipped_contacts (agency, reason);
create index writebacks_by_status on ops.writebacks (agency, status, position);
create index notifications_by_state on ops.notifications (agency, state, notification_id);

create function ops.contact_search_text(first_name text, last_name text, nickname text, company_name text) returns text
language sql immutable parallel safe as $$
    select lower(coalesce(first_name, '') || ' ' || coalesce(last_name, '') || ' ' || coalesce(nickname, '') || ' '
        || coalesce(company_name, ''))
$$;
comment on function ops.contact_search_text is 'What a search for a contact''s name compares: its names and company, lower case.';

do $$
begin
    if not exists (select from pg_available_extensions where name = 'pg_trgm') then
        return;
    end if;
    begin
        create extension if not exists pg_trgm;
    exception when insufficient_privilege then
        raise notice 'pg_trgm is not installed: this login may not; searches read the agency''s own rows';
        return;
    end;
    execute 'create index contacts_by_name_part on mart.contacts using gin (ops.contact_search_text(first_name, last_name, '
        'nickname, company_name) gin_trgm_ops)';
    execute 'create index contact_emails_by_email_part on mart.contact_emails using gin (email gin_trgm_ops)';
    execute 'create index contact_phones_by_phone_part on mart.contact_phones using gin (phone gin_trgm_ops)';
end $$;
