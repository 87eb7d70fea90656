-- A case hangs on many clients: the links stand in a table of their own, since an index over what a function finds in the
-- payload would be passed by for a scan of all cases, and deriving would grow with the square of the firm.
create table raw_mycase.case_customers (
    agency text not null,
    customer_id text not null,
    case_id text not null,
    primary key (agency, customer_id, case_id)
);
create index on raw_mycase.case_customers (agency, case_id);
comment on table raw_mycase.case_customers is 'Kept by a trigger on raw_mycase.cases; links of deleted cases stay';

create function raw_mycase.link_case() returns trigger language plpgsql as $$
begin
    delete from raw_mycase.case_customers where agency = new.agency and case_id = new.entity_id;
    insert into raw_mycase.case_customers (agency, customer_id, case_id)
    select new.agency, c, new.entity_id from unnest(raw_mycase.customers_of(new.payload)) c;
    return null;
end $$;
create trigger link_customers after insert or update of payload on raw_mycase.cases
    for each row execute function raw_mycase.link_case();

insert into raw_mycase.case_customers (agency, customer_id, case_id)
select agency, unnest(raw_mycase.customers_of(payload)), entity_id from raw_mycase.cases;
drop index raw_mycase.cases_customers_of_idx;
