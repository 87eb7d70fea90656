-- AMS360 gives the code of somebody who left to somebody new: a mapping remembers whose name the code had when it was made.

alter table ops.user_mappings add column employee_name text;
comment on column ops.user_mappings.employee_name is
    'Name that the employee code had when the mapping was made or last confirmed. When the code has another name, the user keeps '
    'the contacts, and `ams-etl users list` asks whether it is another person (a marriage changes names, too); null: not known.';

-- What is mapped now is taken as meant.
update ops.user_mappings m set employee_name = coalesce(
    (select nullif(concat_ws(' ', e.first_name, e.last_name), '') from ams360.employees e
    where e.agency = m.agency and e.employee_code = m.employee_code),
    (select max(c.employee_name) from mart.connections c
    where c.agency = m.agency and c.connection_type = m.connection_type and c.employee_code = m.employee_code));

-- A name that is remembered later changes nobody's owner.
drop trigger touch_contacts on ops.user_mappings;
create trigger touch_contacts
    after insert or delete or update of agency, connection_type, employee_code, user_id on ops.user_mappings
    for each row execute function stage.touch_mapped_contacts();
