-- Raw: one row a source record, as received less the dropped secrets. A record that a complete listing no longer
-- shows keeps its row, marked deleted_at. last_seen_at moves with the content, so an unchanged record costs no write;
-- ops.sync_runs says when everything was last looked at.
create schema raw_ams360;
create schema ams360;
create schema stage;
create schema mart;
create schema if not exists ops;

do $$
declare
    entity text;
begin
    foreach entity in array array[
        'customer_list', 'customers', 'customer_contacts', 'customer_dependents', 'policies',
        'employees', 'business_units', 'companies', 'lines_of_business'
    ] loop
        execute format($table$
            create table raw_ams360.%1$I (
                agency text not null,
                entity_id text not null,
                customer_id text,
                payload jsonb not null,
                content_hash bytea not null,
                first_seen_at timestamptz not null,
                last_seen_at timestamptz not null,
                deleted_at timestamptz,
                primary key (agency, entity_id)
            )$table$, entity);
        if entity in ('customer_contacts', 'customer_dependents', 'policies') then
            execute format('create index on raw_ams360.%I (agency, customer_id)', entity);
        end if;
    end loop;
end $$;

comment on table raw_ams360.customer_list is 'CustomerInfo rows of the last sweep: cheap to compare, no e-mail or phone';
comment on table raw_ams360.customers is 'Customer records of CustomerGetById, without FederalTaxIdNumber';
comment on table raw_ams360.customer_dependents is 'CustomerDependent records, without SSN and DriversLicense';
comment on table raw_ams360.policies is 'Policy records of PolicyGet, lines of business included';
comment on table raw_ams360.business_units is 'GL divisions, branches, departments and groups; entity_id is kind:code';

-- Typed views for people: live records under AMS360's own names.
create view ams360.customers as
select agency, entity_id as customer_id, (payload ->> 'CustomerNumber')::integer as customer_number,
    payload ->> 'CustomerType' as customer_type, (payload ->> 'IsActive')::boolean as is_active,
    (payload ->> 'IsPersonal')::boolean as is_personal, (payload ->> 'IsCommercial')::boolean as is_commercial,
    payload ->> 'FirstName' as first_name, payload ->> 'MiddleName' as middle_name,
    payload ->> 'LastName' as last_name, payload ->> 'FirmName' as firm_name,
    payload ->> 'DoingBusinessAs' as doing_business_as, payload ->> 'InformalSalutation' as informal_salutation,
    payload ->> 'FormalSalutation' as formal_salutation, payload ->> 'Email' as email,
    payload ->> 'City' as city, payload ->> 'State' as state, payload ->> 'ZipCode' as zip_code,
    payload ->> 'AccountExecCode' as account_exec_code, payload ->> 'AccountRepCode' as account_rep_code,
    left(payload ->> 'DateCustomerAdded', 10)::date as date_customer_added, first_seen_at, last_seen_at
from raw_ams360.customers where deleted_at is null;

create view ams360.customer_contacts as
select agency, entity_id as customer_contact_id, customer_id, payload ->> 'ContactName' as contact_name,
    payload ->> 'Title' as title, payload ->> 'EmailAddress' as email_address,
    (payload ->> 'SortOrder')::integer as sort_order, first_seen_at, last_seen_at
from raw_ams360.customer_contacts where deleted_at is null;

create view ams360.customer_dependents as
select agency, entity_id as dependent_id, customer_id, payload ->> 'FirstName' as first_name,
    payload ->> 'LastName' as last_name, payload ->> 'Relationship' as relationship, payload ->> 'Email' as email,
    first_seen_at, last_seen_at
from raw_ams360.customer_dependents where deleted_at is null;

create view ams360.policies as
select agency, entity_id as policy_id, customer_id, payload ->> 'PolicyNumber' as policy_number,
    payload ->> 'PolicyStatus' as policy_status, left(payload ->> 'PolicyEffectiveDate', 10)::date as effective_date,
    left(payload ->> 'PolicyExpirationDate', 10)::date as expiration_date,
    (payload ->> 'IsContinuous')::boolean as is_continuous, payload ->> 'WritingCompanyCode' as writing_company_code,
    payload ->> 'PolicySubType' as policy_sub_type, (payload ->> 'FullTermPremium')::numeric as full_term_premium,
    first_seen_at, last_seen_at
from raw_ams360.policies where deleted_at is null;

create view ams360.employees as
select agency, entity_id as employee_code, payload ->> 'FirstName' as first_name,
    payload ->> 'LastName' as last_name, payload ->> 'ShortName' as short_name,
    payload ->> 'EmployeeStatus' as employee_status, (payload ->> 'Executive')::boolean as is_executive,
    (payload ->> 'Representative')::boolean as is_representative
from raw_ams360.employees where deleted_at is null;
