-- Comments on every schema, table, view, column and function; one function that creates raw tables; names for the
-- indexes and constraints that Postgres had named. sql/README.md states the conventions, test_comments.py enforces them.

------------------------------------------------------------------------------------------------------------------------
-- Raw tables: one function creates them. 0001, 0007 and 0008 each held a copy of this DDL.
------------------------------------------------------------------------------------------------------------------------

create function ops.copy_column_comments(source regclass, target regclass) returns void language plpgsql as $$
declare
    same record;
begin
    for same in
        select t.attname, col_description(s.attrelid, s.attnum) as comment
        from pg_attribute s join pg_attribute t using (attname)
        where s.attrelid = source and t.attrelid = target and s.attnum > 0 and t.attnum > 0
            and not s.attisdropped and not t.attisdropped
            and col_description(s.attrelid, s.attnum) is not null and col_description(t.attrelid, t.attnum) is null
    loop
        execute format('comment on column %s.%I is %L', target, same.attname, same.comment);
    end loop;
end $$;
comment on function ops.copy_column_comments is
    'Copies comments from the columns of one table or view to the columns of the same name in another that have none.';

create function ops.comment_raw_table(raw_table regclass, description text, entity_id_is text, customer_id_is text)
returns void language plpgsql as $$
begin
    execute format('comment on table %s is %L', raw_table, description);
    execute format('comment on column %s.agency is %L', raw_table, 'Agency id, the key of the agency in agencies.yaml.');
    execute format('comment on column %s.entity_id is %L', raw_table,
        'Id of the record in the source system: ' || entity_id_is || '.');
    execute format('comment on column %s.customer_id is %L', raw_table, coalesce(
        'Customer that the record belongs to: ' || customer_id_is || '.',
        'Always null: the record belongs to no customer.'));
    execute format('comment on column %s.payload is %L', raw_table,
        'The record under the source system''s own member names, without the secrets that are dropped while the response '
        'is parsed (SSN, driver''s license, tax ids, passwords) and without members that have no value.');
    execute format('comment on column %s.content_hash is %L', raw_table,
        'Hash of the payload with sorted members. A sync writes the row only if the hash changed.');
    execute format('comment on column %s.first_seen_at is %L', raw_table,
        'Start of the first sync that read the record. It survives a deletion, because contact ids depend on it (M3).');
    execute format('comment on column %s.last_seen_at is %L', raw_table,
        'Start of the last sync that found new content. An unchanged record is not written, so this is not the last '
        'sync that read it: see ops.sync_runs for that.');
    execute format('comment on column %s.deleted_at is %L', raw_table,
        'Start of the sync whose complete listing no longer held the record. Null: the record is live.');
end $$;
comment on function ops.comment_raw_table is
    'Comments a raw table and its columns; ops.create_raw_table calls it. customer_id_is null: customer_id is always null.';

create function ops.create_raw_table(
    raw_schema text,
    table_name text,
    description text,
    entity_id_is text,
    customer_id_is text default null,
    index_customer_id boolean default false,
    view_schema text default null,
    view_columns text default null
) returns regclass language plpgsql as $$
declare
    raw_table text := format('%I.%I', raw_schema, table_name);
    typed_view text := quote_ident(view_schema) || '.' || quote_ident(table_name);
begin
    execute format($table$
        create table %s (
            agency text not null,
            entity_id text not null,
            customer_id text,
            payload jsonb not null,
            content_hash bytea not null,
            first_seen_at timestamptz not null,
            last_seen_at timestamptz not null,
            deleted_at timestamptz,
            constraint %I primary key (agency, entity_id)
        )$table$, raw_table, table_name || '_pkey');
    if index_customer_id then
        execute format('create index %I on %s (agency, customer_id)', table_name || '_by_customer_id', raw_table);
    end if;
    perform ops.comment_raw_table(raw_table::regclass, description, entity_id_is, customer_id_is);
    if view_schema is not null then
        execute format('create view %s as select agency, %s, first_seen_at, last_seen_at from %s where deleted_at is null',
            typed_view, view_columns, raw_table);
        execute format('comment on view %s is %L', typed_view, 'Live records of ' || raw_table || ' with typed columns.');
        perform ops.copy_column_comments(raw_table::regclass, typed_view::regclass);
    end if;
    return raw_table::regclass;
end $$;
comment on function ops.create_raw_table is
    'Creates a raw table with its primary key and comments; with an index on (agency, customer_id) if records are read by '
    'customer; and, given view_schema and view_columns (a select list over payload), a typed view of the live records. '
    'Both schemas must exist. Comments on the view''s own columns are up to the caller.';

do $$
declare
    raw record;
begin
    for raw in
        select * from (values
            ('raw_ams360.customer_list', 'Rows of the customer list (CustomerGetListByNamePrefix). A list row is cheap to '
                'compare and has no email or phone; a changed row makes the daily sweep read the whole customer.',
                'CustomerId', 'the row''s own CustomerId'),
            ('raw_ams360.customers', 'Customer records (CustomerGetById), without FederalTaxIdNumber.',
                'CustomerId', 'the record''s own CustomerId'),
            ('raw_ams360.customer_contacts', 'CustomerContact records: the people of a customer.',
                'CustomerContactId', 'CustomerId'),
            ('raw_ams360.customer_dependents',
                'CustomerDependent records, without SSN and DriversLicense. A second insured is one of them (C3).',
                'DependentId', 'CustomerId'),
            ('raw_ams360.policies', 'Policy records (PolicyGet), including their lines of business.',
                'PolicyId', 'CustomerId'),
            ('raw_ams360.employees', 'Employee records: the names and initials behind AccountExecCode and AccountRepCode.',
                'EmployeeCode', null),
            ('raw_ams360.business_units', 'GL divisions, branches, departments and groups: the names behind their codes.',
                'kind:code, where kind is division, branch, department or group', null),
            ('raw_ams360.companies', 'Insurance companies: the names behind WritingCompanyCode.', 'CompanyCode', null),
            ('raw_ams360.lines_of_business', 'Lines of business: the names behind their codes.',
                'LineOfBusinessCode', null),
            ('raw_benefitpoint.accounts', 'Account records (getAccount), without SSN and tax id.',
                'accountID', 'the account''s own accountID'),
            ('raw_benefitpoint.contacts', 'AccountContact records: the people of an account.', 'contactID', 'accountID'),
            ('raw_benefitpoint.plans', 'Product records, which BenefitPoint''s own screens call plans.',
                'productID', 'accountID'),
            ('raw_benefitpoint.offices', 'Offices: the names behind officeID.', 'officeID', null),
            ('raw_benefitpoint.users', 'BenefitPoint''s users at the agency.', 'ID', null),
            ('raw_benefitpoint.carriers', 'Carriers: the names and aliases behind carrierID.', 'carrierID', null),
            ('raw_benefitpoint.product_types', 'Product types: the lines of coverage behind productTypeID.',
                'productTypeID', null),
            ('raw_hawksoft.clients',
                'Client objects with their people, contacts and policies, without SSN, license and tax number.',
                'client number', 'the client''s own number'),
            ('raw_hawksoft.offices', 'Offices: the names behind OfficeId.', 'OfficeId', null),
            ('raw_qq_catalyst.contacts',
                'Contact rows of every sub-type. Only customers and prospects become contacts of the mart (A3).',
                'EntityID', 'the contact''s own EntityID'),
            ('raw_qq_catalyst.account_infos',
                'AccountInfo (agent and CSR) of customers and prospects, without the login of the customer portal.',
                'EntityID of the contact', 'the same EntityID'),
            ('raw_qq_catalyst.policies', 'Policy rows of customers.', 'PolicyId', 'CustomerId, the EntityID of a contact'),
            ('raw_mycase.clients', 'Clients of the law firm.',
                'client id, unique among clients only',
                '''client:'' followed by the client''s own id, since companies have ids of their own'),
            ('raw_mycase.companies', 'Companies of the law firm.',
                'company id, unique among companies only',
                '''company:'' followed by the company''s own id, since clients have ids of their own'),
            ('raw_mycase.cases', 'Cases. A case has many clients, so raw_mycase.case_customers links them.',
                'case id', null),
            ('raw_mycase.staff', 'Staff of the law firm: the names of attorneys.', 'staff id', null)
        ) v (raw_table, description, entity_id_is, customer_id_is)
    loop
        perform ops.comment_raw_table(raw.raw_table::regclass, raw.description, raw.entity_id_is, raw.customer_id_is);
    end loop;
end $$;

comment on table raw_mycase.case_customers is
    'Links between cases and their clients and companies: one row per pair. The trigger link_customers on raw_mycase.cases '
    'maintains it, because an index on the function raw_mycase.customers_of was not used. Links of deleted cases stay.';
comment on column raw_mycase.case_customers.agency is 'Agency id, the key of the agency in agencies.yaml.';
comment on column raw_mycase.case_customers.customer_id is
    'Client (client:ID) or company (company:ID) of the case, the billing contact included.';
comment on column raw_mycase.case_customers.case_id is 'The case: raw_mycase.cases.entity_id.';

------------------------------------------------------------------------------------------------------------------------
-- Schemas
------------------------------------------------------------------------------------------------------------------------

comment on schema raw_ams360 is 'Source records of AMS360, one row per record.';
comment on schema raw_benefitpoint is 'Source records of BenefitPoint, one row per record.';
comment on schema raw_hawksoft is 'Source records of HawkSoft, one row per record.';
comment on schema raw_qq_catalyst is 'Source records of QQ Catalyst, one row per record.';
comment on schema raw_mycase is 'Source records of MyCase, one row per record.';
comment on schema ams360 is 'Typed views of the live records in raw_ams360, for people. The pipeline reads raw.';
comment on schema benefitpoint is 'Typed views of the live records in raw_benefitpoint, for people.';
comment on schema hawksoft is 'Typed views of the live records in raw_hawksoft, for people.';
comment on schema qq_catalyst is 'Typed views of the live records in raw_qq_catalyst, for people.';
comment on schema mycase is 'Typed views of the live records in raw_mycase, for people.';
comment on schema stage is 'State of the difference engine between raw and mart. No consumer reads it, nobody edits it.';
comment on schema mart is
    'What consumers read. Only the publish steps write it. It has no foreign keys: a publish applies a difference in bulk, '
    'in one transaction, and takes a contact and its dependent rows from one document, so a foreign key would check each '
    'row of a large publish again and find nothing. Accounts and their policies are published in two transactions, so a '
    'deleted account may be gone a moment before its policies. Property tests compare a mart that was published in steps '
    'with one that was rebuilt from nothing, references included.';
comment on schema ops is
    'Operations: runs, queues, quarantine, and the decisions of people. The tables user_mappings, name_overrides, '
    'account_links.decided and events may be written by SQL; triggers mark what depends on them as due.';

------------------------------------------------------------------------------------------------------------------------
-- Columns that mean the same wherever they occur
------------------------------------------------------------------------------------------------------------------------

do $$
declare
    found record;
begin
    for found in
        select c.oid::regclass as of_table, a.attname, v.comment
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        join (values
            ('{mart,ops,stage}'::name[], 'agency', 'Agency id, the key of the agency in agencies.yaml.'),
            ('{mart}', 'contact_id', 'The contact: mart.contacts.contact_id.'),
            ('{mart,stage}', 'system', 'Source system of the record: ams360, benefitpoint, hawksoft, qq_catalyst or mycase.'),
            ('{mart,stage}', 'entity',
                'Kind of the source record. AMS360: customer, customer_contact, customer_dependent; '
                'BenefitPoint: account, account_contact, account_dependent; HawkSoft: client, person; QQ Catalyst: contact; '
                'MyCase: client, company.'),
            ('{mart,stage}', 'entity_id', 'Id of the record in its source system, unique per system and entity.'),
            ('{mart,stage}', 'customer_id',
                'Customer of the source system that the record belongs to; in BenefitPoint, the account.'),
            ('{stage}', 'content_hash', 'Hash of the document. Equal hashes mean that nothing changed.')
        ) v (schemas, attname, comment) on n.nspname = any(v.schemas) and a.attname = v.attname
        where c.relkind in ('r', 'v')
    loop
        execute format('comment on column %s.%I is %L', found.of_table, found.attname, found.comment);
    end loop;
end $$;

------------------------------------------------------------------------------------------------------------------------
-- mart
------------------------------------------------------------------------------------------------------------------------

comment on table mart.contacts is
    'People and companies that can be written to, merged from source records (rules C, N, M). One row per contact.';
comment on column mart.contacts.contact_id is
    'Id of the contact: derived from its source record with the earliest first_seen_at, so it survives syncs, merges and '
    'splits (M3).';
comment on column mart.contacts.record_type is 'personal, commercial or both: the record types of the merged records (C4).';
comment on column mart.contacts.status is
    'client: active in the source system, with a policy in force; prospect: active without one; inactive: not active, '
    'imported only by the setting import_inactive, and without any policy a prospect. Of merged records client wins over '
    'prospect over inactive (L2 to L7). In MyCase open cases decide instead of policies (A7).';
comment on column mart.contacts.first_name is
    'First name for greetings; the nickname if the source has one (N1, N2). An override by a user wins (N12).';
comment on column mart.contacts.last_name is
    'Last name (N3); null where the source has none. An override by a user wins (N12).';
comment on column mart.contacts.nickname is
    'Name in parentheses in the first name, or derived from a salutation (N1, N6); null if none.';
comment on column mart.contacts.company_name is 'Firm name of commercial records (C8); null for people.';
comment on column mart.contacts.email is
    'Primary email address, lower case: the row of mart.contact_emails with is_primary. Null: none.';
comment on column mart.contacts.phone is
    'Primary phone number: the row of mart.contact_phones with is_primary (C6). Null: none.';
comment on column mart.contacts.address1 is
    'First address line, as written in the source. An address is taken whole from one record (M2).';
comment on column mart.contacts.address2 is 'Second address line, as written in the source.';
comment on column mart.contacts.city is 'City, as written in the source.';
comment on column mart.contacts.state is
    'State or province. BenefitPoint''s state names are converted to two-letter codes; other values are as written in the '
    'source.';
comment on column mart.contacts.postal_code is 'ZIP or postal code, as written in the source.';
comment on column mart.contacts.country is 'Country, as written in the source; usually null for domestic addresses.';
comment on column mart.contacts.birthday is
    'Date of birth (K1); null if unknown, or if the source has year 1 or a future date.';
comment on column mart.contacts.owner_user_id is
    'Platform user that owns the contact: the user that ops.user_mappings has for the employee in owner_role (O1 to O3, '
    'A6). Null: no employee in that role, or the employee is not mapped.';
comment on column mart.contacts.owner_role is
    'Connection type under which the owner was found, such as Executive or CSR; null without an owner.';
comment on column mart.contacts.suppressed_reason is
    'Reason not to send anything: deceased or do_not_contact, from a mark in a name or from the source (N10, A8). Null: '
    'sending is allowed.';
comment on column mart.contacts.created_at is
    'Time of the publish that inserted the row. A contact that was deleted and comes back has a new time and the same id.';
comment on column mart.contacts.updated_at is
    'Time of the last publish that changed the contact or any of its dependent rows.';

comment on table mart.contact_emails is 'Email addresses of a contact, united over its merged records (C7, M2).';
comment on column mart.contact_emails.email is
    'Email address, lower case, syntactically valid (C7). Records that share one may be merged (M1).';
comment on column mart.contact_emails.is_primary is
    'True for exactly one address per contact, the one in mart.contacts.email.';

comment on table mart.contact_phones is 'Phone numbers of a contact, united over its merged records (C6, M2).';
comment on column mart.contact_phones.phone is
    'Number in E.164 (+15551234567) if valid for the country, else the digits as given (C6).';
comment on column mart.contact_phones.kind is 'cell, home or business.';
comment on column mart.contact_phones.extension is 'Extension, digits; null if none.';
comment on column mart.contact_phones.is_primary is
    'True for exactly one number per contact, the one in mart.contacts.phone.';

comment on table mart.contact_sources is
    'Crosswalk: the source records that a contact was made from. A source record belongs to one contact, or is in '
    'mart.skipped_contacts (Q3).';
comment on column mart.contact_sources.role is
    'primary: the customer itself; contact: a contact person of it, or a record merged into it (N8); second_insured: a '
    'dependent (C3).';

comment on table mart.contact_tags is 'Tags of a contact, united over its merged records (rules T, A5).';
comment on column mart.contact_tags.tag is
    'Text of the tag as people see it: a name where the source has one, else its code.';
comment on column mart.contact_tags.category is
    'Where the tag comes from: default (T1); a setting under tags such as line_of_business, carrier, branch or city (T2); '
    'a role of ownership_tags such as executive (T3); practice_area or case_number (A5).';

comment on table mart.key_facts is 'Dated facts of a contact for reminders: birthdays (K1) and renewals (K2).';
comment on column mart.key_facts.kind is 'birthday (K1) or renewal (K2).';
comment on column mart.key_facts.fact_date is
    'Date of birth, or expiration date of the policy. Null: a continuous policy without an expiration date.';
comment on column mart.key_facts.label is 'Text for people. A renewal has the policy''s lines of business and its number.';
comment on column mart.key_facts.policy_id is 'Id of the policy in the source system; null for birthdays.';
comment on column mart.key_facts.is_continuous is 'True if the policy renews by itself (K2); false for birthdays.';

comment on table mart.connections is
    'Employees of the agency connected to a contact, by role. A contact has one owner and any number of connections (X1); '
    'mart.sender_for chooses among them (X2).';
comment on column mart.connections.connection_type is
    'Role in the source system. AMS360: Executive, Representative; HawkSoft and QQ Catalyst: CSR, Producer; MyCase: Lead '
    'Attorney, Originating Attorney.';
comment on column mart.connections.employee_code is
    'Code or id of the employee in the source system; in HawkSoft, the name.';
comment on column mart.connections.employee_name is 'Name of the employee; null if the source system has none.';
comment on column mart.connections.user_id is 'Platform user from ops.user_mappings; null: not mapped yet.';
comment on column mart.connections.rank is
    'Order among connections of one type: the lowest rank sends, and only rank 0 can own the contact (A4, A6). Above 0 in '
    'MyCase only: 0 is the most recently updated case.';

comment on table mart.skipped_contacts is
    'Source records that did not become a contact, with the reason and the rule (Q3). No personal data.';
comment on column mart.skipped_contacts.reason is
    'no_name_no_email (Q1); inactive or prospect, as the settings exclude them (L3, L6, L7); segment, excluded by tags '
    '(T4); commercial_contacts, not wanted by the setting (C2); not_second_insured or gap_filler, a person that only fills '
    'gaps of its customer (C3); not_a_customer (A3, B10); linked_account, AMS360 has the account (B11); deleted, which no '
    'rule uses.';
comment on column mart.skipped_contacts.rule is 'Id of the rule that decided, as in docs/rules.md.';
comment on column mart.skipped_contacts.detail is 'More about the reason, without personal data; usually null.';

comment on table mart.changes is
    'The change feed of contacts, accounts and policies, written in the transaction that publishes them. A consumer '
    'filters by entity, follows seq per agency, and remembers the last seq that it has handled.';
comment on column mart.changes.seq is
    'Position in the feed. It rises within an agency, because publishes of one agency are serialized; gaps are normal, and '
    'across agencies the order means nothing.';
comment on column mart.changes.entity is 'contact, account or policy.';
comment on column mart.changes.entity_id is 'contact_id, account_id or policy_id.';
comment on column mart.changes.op is 'insert, update or delete.';
comment on column mart.changes.before is
    'The whole row before the change, a contact with its dependent rows; null for an insert.';
comment on column mart.changes.after is
    'The whole row after the change, a contact with its dependent rows; null for a delete.';
comment on column mart.changes.run_id is 'Dagster run that published; null outside Dagster.';
comment on column mart.changes.at is 'Start of the publishing transaction; all changes of one publish share it.';

comment on table mart.accounts is
    'Accounts of AMS360 and BenefitPoint, one row per account whether one or both systems have it (B1, B2). Values are '
    'AMS360''s where AMS360 has the customer, empty values included (B4); classification, account_type, office and '
    'department are BenefitPoint''s (B6).';
comment on column mart.accounts.account_id is
    'Id of the account: derived from the record that was seen first; on a tie, from AMS360''s (B3). It stays when the '
    'other system appears.';
comment on column mart.accounts.name is 'Name of the firm or person; null if the source has none.';
comment on column mart.accounts.classification is
    'BenefitPoint''s group, individual, marketing_group, agent or agency (B6); null without BenefitPoint.';
comment on column mart.accounts.account_type is 'BenefitPoint''s account type (B6); null without BenefitPoint.';
comment on column mart.accounts.office is 'Name of the office in BenefitPoint (B6); null if it has no office.';
comment on column mart.accounts.department is 'Id of the department in BenefitPoint (B6): no operation lists the names.';
comment on column mart.accounts.is_active is
    'Whether the account is active in the system whose values count. BenefitPoint accounts without the flag count as '
    'active.';
comment on column mart.accounts.email is 'Main email address, lower case; null if none.';
comment on column mart.accounts.phone is 'Main phone number, E.164 where valid, else the digits as given.';
comment on column mart.accounts.address1 is 'First address line, as written in the source.';
comment on column mart.accounts.address2 is 'Second address line, as written in the source.';
comment on column mart.accounts.city is 'City, as written in the source.';
comment on column mart.accounts.state is 'State as a two-letter code; BenefitPoint''s names of states are converted.';
comment on column mart.accounts.postal_code is 'ZIP or postal code, as written in the source.';
comment on column mart.accounts.customer_number is
    'CustomerNumber in AMS360, the number that people use; null without AMS360.';
comment on column mart.accounts.ams360_customer_id is 'CustomerId in AMS360; null: AMS360 does not have the account.';
comment on column mart.accounts.benefitpoint_account_id is
    'accountID in BenefitPoint; null: BenefitPoint does not have the account.';
comment on column mart.accounts.ams360_synced is 'Whether AMS360 has the account, so that edits go there (B1, B7).';
comment on column mart.accounts.benefitpoint_synced is
    'Whether BenefitPoint has the account, so that edits go there (B1, B2, B7).';
comment on column mart.accounts.former_id is
    'Id derived from the linked record that was seen later (B3). The account may have been published under it before the '
    'link, so old references are still found. Null: not linked.';
comment on column mart.accounts.created_at is 'Time of the publish that inserted the row.';
comment on column mart.accounts.updated_at is 'Time of the last publish that changed the row.';

comment on table mart.policies is
    'Policies of AMS360 and benefit plans of BenefitPoint. A plan and a policy that are the same contract are one row, '
    'with AMS360''s values (B5).';
comment on column mart.policies.policy_id is
    'Id of the policy: derived from the AMS360 policy, or from the plan if the policy was made from it or AMS360 has none '
    '(B5).';
comment on column mart.policies.account_id is 'The account: mart.accounts.account_id.';
comment on column mart.policies.origin is 'benefitpoint: a benefit plan belongs to the policy; ams360: none does.';
comment on column mart.policies.policy_number is
    'Policy number; null if the source has none. Plans of one contract share a number.';
comment on column mart.policies.status is
    'active, cancelled or non_renewed. Any other status is the source''s own value (AMS360''s code, BenefitPoint''s '
    'productStatus).';
comment on column mart.policies.line_of_business is
    'Names of the lines of business, separated by commas; for a plan its line of coverage, else its name.';
comment on column mart.policies.carrier is 'Name of the insurance company; AMS360''s code if it lists no name.';
comment on column mart.policies.effective_date is 'First day of the term.';
comment on column mart.policies.expiration_date is 'Last day of the term; for a plan its renewal date.';
comment on column mart.policies.is_continuous is 'True if the policy renews by itself.';
comment on column mart.policies.premium is
    'Premium in the agency''s currency: AMS360''s full-term premium; for a plan alone, twelve monthly premiums. Null if '
    'unknown.';
comment on column mart.policies.ams360_policy_id is 'PolicyId in AMS360; null: AMS360 does not have it.';
comment on column mart.policies.benefitpoint_plan_id is 'productID in BenefitPoint; null: no benefit plan belongs to it.';
comment on column mart.policies.created_at is 'Time of the publish that inserted the row.';
comment on column mart.policies.updated_at is 'Time of the last publish that changed the row.';

comment on function mart.sender_for is
    'Returns the platform user that sends to a contact for a connection type: the mapped connection of that type with the '
    'lowest rank, then the lowest employee code, else the owner (X2). Case does not matter. Null: nobody.';

------------------------------------------------------------------------------------------------------------------------
-- ops: runs and their work lists
------------------------------------------------------------------------------------------------------------------------

comment on table ops.schema_migrations is
    'Files of sql/ that were applied to this database. A file is applied once and never edited afterwards.';
comment on column ops.schema_migrations.version is 'Number of the file, the first four digits of its name.';
comment on column ops.schema_migrations.name is 'Name of the file.';
comment on column ops.schema_migrations.checksum is
    'SHA-256 of the file as it was applied; an edited file stops the next upgrade.';
comment on column ops.schema_migrations.applied_at is 'When the file was applied.';

comment on table ops.sync_runs is
    'Syncs of AMS360, HawkSoft, QQ Catalyst and MyCase into raw, one row per sync. A resumed sync keeps its row. '
    'BenefitPoint syncs are not listed.';
comment on column ops.sync_runs.sync_id is 'Id of the sync; a resumed one keeps it.';
comment on column ops.sync_runs.mode is
    'full: all customers; sweep: the customer list, and customers whose list row changed; customers: named or changed '
    'customers only.';
comment on column ops.sync_runs.state is
    'running; extracted: all records are in raw; published: the mart has them; failed: see error. A failed full sync or '
    'sweep is resumed by the next one.';
comment on column ops.sync_runs.run_id is 'Dagster run; of a resumed sync the last one. Null outside Dagster.';
comment on column ops.sync_runs.started_at is
    'Start of the sync. Records that it reads carry this time in first_seen_at and last_seen_at.';
comment on column ops.sync_runs.extracted_at is 'When all records were in raw; null until then.';
comment on column ops.sync_runs.published_at is 'When the mart was published after it; null until then.';
comment on column ops.sync_runs.sweep_complete is
    'Whether the work list in ops.sync_customers is complete: every prefix and number was asked for.';
comment on column ops.sync_runs.counts is
    'What the sync did: customers_read, calls, quarantined, seconds, unlisted, and the counts of the publish.';
comment on column ops.sync_runs.error is
    'Why the sync failed, at most 2,000 characters, without personal data; null if it did not.';
comment on column ops.sync_runs.lane is
    'Trigger of the sync: notifications, daily (the daily sweep), weekly (the weekly resync) or person (started by a '
    'user).';

comment on table ops.sync_prefixes is
    'Name prefixes that a running sync has asked AMS360 for, so that a killed sync continues. Emptied when the sync is '
    'extracted.';
comment on column ops.sync_prefixes.sync_id is 'The sync: ops.sync_runs.sync_id.';
comment on column ops.sync_prefixes.prefix is
    'First character of a name, upper case. AMS360 lists customers by name prefix only.';
comment on column ops.sync_prefixes.row_count is 'List rows that AMS360 returned for the prefix.';

comment on table ops.sync_customers is
    'Work list of a running sync, so that a killed sync continues. Emptied when the sync is extracted.';
comment on column ops.sync_customers.sync_id is 'The sync: ops.sync_runs.sync_id.';
comment on column ops.sync_customers.customer_id is 'CustomerId in AMS360.';
comment on column ops.sync_customers.read_at is
    'When the customer was stored in raw, or found to need no reading; null: still to read.';

comment on table ops.empty_customer_numbers is
    'CustomerNumbers that AMS360 has no customer for. The sweep asks for unlisted numbers one by one, and for these only '
    'every 28 days.';
comment on column ops.empty_customer_numbers.customer_number is 'CustomerNumber in AMS360.';
comment on column ops.empty_customer_numbers.asked_at is 'Start of the sync that last asked for the number.';

comment on table ops.quarantine is
    'Records that could not be read or interpreted. Raw keeps the previous content, and the row stays until a later sync '
    'succeeds.';
comment on column ops.quarantine.system is
    'Source system of the record: ams360, benefitpoint, hawksoft, qq_catalyst or mycase.';
comment on column ops.quarantine.entity is
    'Raw table of the record, or derivation: the record was read, but the rules failed on the customer.';
comment on column ops.quarantine.entity_id is
    'Id of the record in its source system; ''of ID'' for a whole listing of customer ID, ''prefix X'' for a list row '
    'without an id, ''listing'' for a whole table.';
comment on column ops.quarantine.customer_id is 'Customer that the record belongs to; null if unknown.';
comment on column ops.quarantine.reason is
    'unreadable: the response breaks the contract; vanished: listed, but not found when read; empty: a listing without any '
    'record was not believed; the rules failed: see detail.';
comment on column ops.quarantine.detail is 'What exactly was wrong, without personal data.';
comment on column ops.quarantine.sync_id is
    'The sync: ops.sync_runs.sync_id; null for failures of the rules. BenefitPoint syncs have ids that are not in '
    'sync_runs.';
comment on column ops.quarantine.at is 'When the record was quarantined.';

comment on table ops.source_cursors is
    'Where the next incremental sync of HawkSoft, QQ Catalyst or MyCase begins, one row per agency and system.';
comment on column ops.source_cursors.system is 'hawksoft, qq_catalyst or mycase.';
comment on column ops.source_cursors.changed_since is
    'The next sync asks for changes since then: the start of the last sync, minus an overlap.';
comment on column ops.source_cursors.full_at is 'Start of the last full sync, minus the same overlap.';

comment on table ops.benefitpoint_cursors is 'Where the next findChanges of BenefitPoint begins, one row per agency.';
comment on column ops.benefitpoint_cursors.changes_since is
    'BenefitPoint''s own time up to which changes were read. The next findChanges asks from here, minus an overlap.';
comment on column ops.benefitpoint_cursors.full_at is
    'When all accounts were last read; findChanges is trusted for seven days.';
comment on column ops.benefitpoint_cursors.synced_at is 'When the cursor was last moved, by our clock.';

comment on table ops.oauth_tokens is 'OAuth tokens that an agency granted, encrypted. One row per agency and system.';
comment on column ops.oauth_tokens.system is 'System that issued the tokens: mycase.';
comment on column ops.oauth_tokens.sealed is
    'The tokens, encrypted with the key in the environment variable that agencies.yaml names (token_key_env).';
comment on column ops.oauth_tokens.updated_at is 'When the tokens were last granted or renewed.';

------------------------------------------------------------------------------------------------------------------------
-- ops: decisions of people
------------------------------------------------------------------------------------------------------------------------

comment on table ops.user_mappings is
    'Maps an employee of the agency in a role to a platform user (O1, X2). Edit it by SQL or `ams-etl users map`; a '
    'trigger marks the contacts that depend on a row as due.';
comment on column ops.user_mappings.connection_type is 'Role in the source system, as in mart.connections.connection_type.';
comment on column ops.user_mappings.employee_code is 'Code or id of the employee, as in mart.connections.employee_code.';
comment on column ops.user_mappings.user_id is 'Id of the user in the platform.';
comment on column ops.user_mappings.user_name is 'Name of the user, for people; may be null.';
comment on column ops.user_mappings.updated_at is
    'When the row was inserted or last loaded; an edit by SQL may leave it unchanged.';

comment on table ops.name_overrides is
    'Names that were changed in the platform; no sync overwrites them (N12). May be edited by SQL; a trigger marks the '
    'contact as due.';
comment on column ops.name_overrides.contact_id is 'The contact: mart.contacts.contact_id.';
comment on column ops.name_overrides.first_name is 'First name to use; null: as derived.';
comment on column ops.name_overrides.last_name is 'Last name to use; null: as derived.';
comment on column ops.name_overrides.nickname is 'Nickname to use; null: as derived, unless the first name is overridden.';
comment on column ops.name_overrides.set_by is 'Who changed the name, as the event or the user gave it; may be null.';
comment on column ops.name_overrides.updated_at is
    'When the row was inserted or changed by an event; an edit by SQL may leave it unchanged.';

comment on table ops.account_links is
    'Which BenefitPoint account is which AMS360 customer (B1, B3, B8). The sync maintains the rows; people set only '
    'decided, decided_by and decided_at, by SQL or with `ams-etl links`.';
comment on column ops.account_links.ams360_customer_id is 'CustomerId in AMS360.';
comment on column ops.account_links.benefitpoint_account_id is 'accountID in BenefitPoint.';
comment on column ops.account_links.state is
    'confirmed: both records are one account; suggested: a user may confirm it; refused: a user said no; dormant: a user '
    'confirmed it, but one record is gone or linked to another.';
comment on column ops.account_links.evidence is
    'id: BenefitPoint holds the CustomerId; number: it holds the CustomerNumber; person: decided by a user; name: equal '
    'names, which is only ever a suggestion (B8).';
comment on column ops.account_links.score is
    'Likelihood from 0 to 1: 1 for confirmed links, 0.9 for a second claim on a customer or account, 0.5 to 0.95 for '
    'suggestions by name, 0 for refused ones.';
comment on column ops.account_links.detail is
    'What agrees (name, exact name, postal code, email, phone), or why the link is only suggested.';
comment on column ops.account_links.decided is
    'A user''s decision, confirmed or refused; null: none. It wins over every other evidence (B1).';
comment on column ops.account_links.decided_by is 'Who decided; null without a decision.';
comment on column ops.account_links.decided_at is 'When it was decided; null without a decision.';

comment on table ops.plan_links is
    'AMS360 policies that were made from benefit plans through the outbox (B5). Policies that a plan names itself '
    '(amsPolicyID) are not listed here.';
comment on column ops.plan_links.benefitpoint_plan_id is 'productID of the plan in BenefitPoint.';
comment on column ops.plan_links.ams360_policy_id is 'PolicyId of the policy in AMS360.';
comment on column ops.plan_links.linked_at is 'When the policy was made.';

comment on table ops.waiting_plans is
    'Benefit plans that would be policies of AMS360 but lack a code or a date (B5): one row for each thing that is '
    'missing. Each publish of accounts replaces the agency''s rows.';
comment on column ops.waiting_plans.benefitpoint_plan_id is 'productID of the plan in BenefitPoint.';
comment on column ops.waiting_plans.waits_for is
    'What is missing: carrier or line_of_business (a code in the settings), or effective_date (in BenefitPoint).';
comment on column ops.waiting_plans.account_id is 'The account: mart.accounts.account_id.';
comment on column ops.waiting_plans.benefitpoint_id is
    'carrierID or productTypeID without a usable code; null for effective_date.';
comment on column ops.waiting_plans.name is 'Name of the carrier or product type in BenefitPoint; null if it has none.';
comment on column ops.waiting_plans.code is
    'Code in the settings that AMS360 does not list; null: the settings have no code.';
comment on column ops.waiting_plans.reason is 'A sentence that says what to do.';
comment on column ops.waiting_plans.since is 'Since when the plan waits for it.';

comment on table ops.policy_shells is
    'Policies that we created empty for a won deal (W8). They do not make a customer a client until they carry a premium '
    'or a line of business (L1).';
comment on column ops.policy_shells.policy_id is 'PolicyId in AMS360.';
comment on column ops.policy_shells.created_at is 'When AMS360 confirmed the policy.';

------------------------------------------------------------------------------------------------------------------------
-- ops: notifications
------------------------------------------------------------------------------------------------------------------------

comment on table ops.notifications is
    'Outbound notifications of AMS360, stored before they are interpreted, so that none is lost. One row per notification; '
    'a request may carry several.';
comment on column ops.notifications.notification_id is 'Id in the order of arrival, unique over all agencies.';
comment on column ops.notifications.received_at is 'When the request arrived.';
comment on column ops.notifications.content_type is 'Content-Type of the request; null if it had none.';
comment on column ops.notifications.body is
    'Body of the request as received, with the authentication code and dropped secrets replaced by ***. Null in parts, and '
    'once retention has erased it.';
comment on column ops.notifications.part_of is
    'notification_id of the row that has the body. Null in that row itself. A request may carry several notifications: the '
    'first is the row with the body.';
comment on column ops.notifications.part is 'Position within the request, 0 for the row with the body.';
comment on column ops.notifications.state is
    'received: stored, not interpreted; pending: interpreted, waits for its run; done: its run has published; ignored: of '
    'a type that is not used, or abandoned; parked: not interpretable or failed too often, see reason.';
comment on column ops.notifications.reason is 'Why the notification is parked or ignored; null otherwise.';
comment on column ops.notifications.object_type is
    'What changed, in the words of notification_mapping.yaml: customer, customer_contact, policy, employee and so on; null '
    'until interpreted.';
comment on column ops.notifications.change is 'insert, update or delete; null until interpreted.';
comment on column ops.notifications.keys is
    'Ids of the changed record, member name to value, such as {"CustomerId": "..."}; null until interpreted.';
comment on column ops.notifications.attempts is 'Runs that served the notification and failed; after six it is parked.';
comment on column ops.notifications.not_before is
    'Not to be claimed before then: each failed run makes it wait longer. Null: at once.';
comment on column ops.notifications.sync_id is
    'Batch that serves the notification: ops.notification_batches.batch_id. Null: in none.';
comment on column ops.notifications.settled_at is 'When the notification became done or ignored; null until then.';

comment on table ops.notification_batches is
    'Notifications that one run serves together: one row per run, closed when it has ended.';
comment on column ops.notification_batches.batch_id is 'Id of the batch, also in ops.notifications.sync_id.';
comment on column ops.notification_batches.claimed_at is 'When the notifications were claimed.';
comment on column ops.notification_batches.closed_at is 'When the end of the run was recorded; null: open.';
comment on column ops.notification_batches.outcome is
    'done, failed, or ''never started'' (counts as no attempt); null: open.';
comment on column ops.notification_batches.notifications is 'Number of notifications in the batch.';
comment on column ops.notification_batches.customers is
    'Number of customers that the notifications name, as far as raw knows them.';

comment on table ops.notification_refusals is
    'Rejected notification requests, with an unknown agency or a wrong code: only their number per day, nothing about '
    'them.';
comment on column ops.notification_refusals.agency is
    'Agency id; empty if the request named an agency that is not configured.';
comment on column ops.notification_refusals.day is 'Day in the time zone of the database session.';
comment on column ops.notification_refusals.count is 'Number of requests rejected on that day.';

comment on table ops.lane_changes is
    'Changed records per sync and object type, and how many of them no notification had announced.';
comment on column ops.lane_changes.sync_id is 'The sync: ops.sync_runs.sync_id.';
comment on column ops.lane_changes.object_type is 'customer, customer_contact, customer_dependent or policy.';
comment on column ops.lane_changes.lane is
    'Trigger of the sync: notifications, daily, weekly or person, as in ops.sync_runs.';
comment on column ops.lane_changes.at is 'Start of the sync.';
comment on column ops.lane_changes.changed is 'Records that the sync found changed.';
comment on column ops.lane_changes.missed is
    'Of the changed: no notification announced them, though AMS360 should have. Counted in sweeps and full syncs only.';
comment on column ops.lane_changes.silent is 'Of the changed: only members changed that AMS360 sends no notification for.';
comment on column ops.lane_changes.overtaken is 'Of the changed: their notification has arrived and waits for its run.';

comment on table ops.missed_changes is 'The records counted in ops.lane_changes.missed: changed without a notification.';
comment on column ops.missed_changes.sync_id is 'The sync that found the change: ops.sync_runs.sync_id.';
comment on column ops.missed_changes.object_type is 'customer, customer_contact, customer_dependent or policy.';
comment on column ops.missed_changes.entity_id is 'Id of the record in AMS360.';
comment on column ops.missed_changes.customer_id is 'CustomerId that the record belongs to.';

comment on view ops.freshness is
    'Per agency, day and object type: how long a notification took to reach the mart, and the share of changes that no '
    'notification announced.';
comment on column ops.freshness.object_type is 'What changed, as in ops.notifications.object_type.';
comment on column ops.freshness.day is
    'Day on which the notification arrived or the sync started, in the time zone of the session.';
comment on column ops.freshness.notifications is 'Notifications of that day that are done.';
comment on column ops.freshness.brought_by_notification is 'Changed records that syncs triggered by notifications brought.';
comment on column ops.freshness.missed is 'Changed records that no notification announced, as in ops.lane_changes.missed.';
comment on column ops.freshness.silent is
    'Changed records that AMS360 sends no notification for, as in ops.lane_changes.silent.';
comment on column ops.freshness.missed_rate is 'missed / (brought_by_notification + missed), 0 to 1; null if both are 0.';
comment on column ops.freshness.staleness_p50_seconds is
    'Median seconds from the arrival of a notification to the published mart; null without notifications.';
comment on column ops.freshness.staleness_p95_seconds is '95th percentile of the same seconds.';

comment on function ops.forget_notification_bodies is
    'Erases the bodies of notifications that have been done or ignored for more than the given days; returns how many. A '
    'body stays while any part of its request still waits.';
comment on function ops.forget_parked_notifications is
    'Abandons notifications that are parked and arrived more than the given days ago: state ignored, body erased, row '
    'kept. Returns how many.';

------------------------------------------------------------------------------------------------------------------------
-- ops: platform events and the outbox
------------------------------------------------------------------------------------------------------------------------

comment on table ops.events is
    'Events of the platform, stored before they are interpreted. A row inserted by SQL counts like one from the inbound '
    'service (HTTP).';
comment on column ops.events.event_id is
    'Id of the event; the ids of its writes derive from it, so planning twice creates them once.';
comment on column ops.events.seq is 'Order of arrival.';
comment on column ops.events.idempotency_key is
    'Key that the sender chose: the same key is the same event, stored once per agency.';
comment on column ops.events.kind is
    'note, email, call, text, handwritten_card, meeting, voice_note, ticket_created, ticket_completed, deal_created, '
    'deal_won, contact_created, contact_updated, properties_found or name_changed; docs/events.md describes each.';
comment on column ops.events.payload is 'The event without its files; docs/events.schema.json is the schema.';
comment on column ops.events.received_at is 'When the event was stored.';
comment on column ops.events.state is
    'received: not interpreted yet; waiting: refers to a contact or ticket that is not known yet; planned: its writes are '
    'in ops.writebacks; done: it needed none; refused: it cannot be interpreted, see error.';
comment on column ops.events.look_again_at is
    'When the event is due to be interpreted, for the first time or again; the interval doubles.';
comment on column ops.events.looked is 'How often the event was interpreted so far.';
comment on column ops.events.error is 'Why the event waits or was refused; null otherwise.';

comment on table ops.event_attachments is
    'Files of an event, in a table of their own so that reading a thousand events does not read a thousand files.';
comment on column ops.event_attachments.event_id is 'The event: ops.events.event_id.';
comment on column ops.event_attachments.attachment_no is 'Position among the files of the event.';
comment on column ops.event_attachments.file_name is 'Name of the file, as the sender gave it.';
comment on column ops.event_attachments.content_type is 'Media type of the file, as the sender gave it.';
comment on column ops.event_attachments.content is 'The file itself; deleted once its event no longer needs it.';

comment on table ops.writebacks is
    'The outbox: one row per write to AMS360 or BenefitPoint. Rows of one lane are delivered one at a time, in order of '
    'position. Each write is sent once (W9).';
comment on column ops.writebacks.writeback_id is
    'Id of the write, derived from what asks for it, so that asking twice creates one row.';
comment on column ops.writebacks.system is 'System that is written to: ams360 or benefitpoint.';
comment on column ops.writebacks.position is 'Order within a lane, and of claims.';
comment on column ops.writebacks.event_id is
    'Event that asks for the write: ops.events.event_id. Null for benefit plans that become policies (B5).';
comment on column ops.writebacks.kind is 'Kind of the event that asks for the write, or of the benefit plan; for people.';
comment on column ops.writebacks.operation is
    'ams360: note, activity, suspense, complete_suspense, customer, update_customer, policy (a shell, W8), plan_policy '
    '(B5). benefitpoint: account, update_account, link_account, account_contact.';
comment on column ops.writebacks.lane is
    'Order key: the customer or account, or the key of a contact that has no record yet. A lane has at most one row that '
    'can be sent, so writes of one customer stay in order.';
comment on column ops.writebacks.customer_id is
    'Record in the system that is written to: CustomerId in AMS360, accountID in BenefitPoint. Null: not created yet.';
comment on column ops.writebacks.depends_on is
    'writeback_id of a write that must be delivered first; if it fails, this one fails with the note dependency. Null: '
    'none.';
comment on column ops.writebacks.request is 'Everything that the operation needs, under the system''s own member names.';
comment on column ops.writebacks.status is
    'waiting: an earlier row of the lane is open; pending: next of its lane; claimed: a deliverer has it, nothing was '
    'sent; delivering: it may have been sent; delivered; failed: refused or given up, see error; uncertain: it may have '
    'happened, a user decides (W9).';
comment on column ops.writebacks.check_first is
    'Whether a reply was lost: the record is looked up before anything is sent again (W9).';
comment on column ops.writebacks.attempts is 'Attempts to send so far.';
comment on column ops.writebacks.not_before is 'Not to be claimed before then: the next retry.';
comment on column ops.writebacks.claimed_by is 'Deliverer process that has, or last had, the row.';
comment on column ops.writebacks.claim_expires_at is
    'When the claim expires and another deliverer takes over; null: not claimed.';
comment on column ops.writebacks.target_id is 'Id of the record that was written, in that system; null until known.';
comment on column ops.writebacks.note is
    'Remark about the outcome; ''dependency'' marks a row that failed only because depends_on did.';
comment on column ops.writebacks.error is 'Why the row failed, is uncertain or is delayed; null otherwise.';
comment on column ops.writebacks.created_at is 'When the write was put into the outbox.';
comment on column ops.writebacks.settled_at is 'When the row became delivered, failed or uncertain; null while it is open.';

comment on table ops.writeback_contacts is
    'Contacts that events created, by each key that names them, before and after the system has a record for them.';
comment on column ops.writeback_contacts.system is 'System that the contact is created in: ams360 or benefitpoint.';
comment on column ops.writeback_contacts.contact_key is
    'contact:ID or email:ADDRESS, lower case; a contact may have several keys.';
comment on column ops.writeback_contacts.lane is
    'Lane of the contact''s writes: one of its keys, later the id of its record.';
comment on column ops.writeback_contacts.customer_id is
    'CustomerId in AMS360 or accountID in BenefitPoint; null: not created yet.';
comment on column ops.writeback_contacts.created_at is 'When an event first named the contact by this key.';

comment on table ops.writeback_targets is
    'Tickets of the platform, each with the write that creates its suspense, so that ticket_completed finds it (W5).';
comment on column ops.writeback_targets.system is 'System of the record: ams360.';
comment on column ops.writeback_targets.subject is 'ticket. The check also permits deal, which nothing writes.';
comment on column ops.writeback_targets.subject_id is 'Id of the ticket in the platform.';
comment on column ops.writeback_targets.writeback_id is
    'The write: ops.writebacks.writeback_id; its target_id is the suspense.';

comment on view ops.writeback_health is
    'The outbox at a glance: number and age of writes per agency, system, kind and status.';
select ops.copy_column_comments('ops.writebacks', 'ops.writeback_health');
comment on column ops.writeback_health.writebacks is 'Number of writes.';
comment on column ops.writeback_health.oldest is 'created_at of the oldest of them.';
comment on column ops.writeback_health.last_settled is 'Latest settled_at of them; null while all are open.';
comment on column ops.writeback_health.most_attempts is 'Largest number of attempts of one write.';

------------------------------------------------------------------------------------------------------------------------
-- stage
------------------------------------------------------------------------------------------------------------------------

comment on table stage.customers is 'Customers that the rules were applied to.';
comment on column stage.customers.derived_on is 'Date as of which the rules were last applied.';
comment on column stage.customers.review_on is
    'Date on which the result changes without a change in the source, such as an expiration; null: never.';

comment on table stage.dirty_customers is
    'Customers whose records, settings or rules changed, to be derived again. Written in the transaction that changed '
    'their source, so no crash loses one.';
comment on column stage.dirty_customers.since is 'When the customer first became due.';

comment on table stage.candidates is
    'Source records that may become, or join, a contact: the result of the rules per customer, before merging (rules C).';
comment on column stage.candidates.candidate_id is 'Id derived from agency, system, entity and entity_id.';
comment on column stage.candidates.contact_id is 'Contact that the candidate was last published in; null: in none yet.';
comment on column stage.candidates.document is
    'Everything the merge needs, as JSON; ams_etl/rules/model.py describes it (Candidate).';
comment on column stage.candidates.first_seen_at is
    'first_seen_at of the raw record. The earliest member of a contact yields the contact''s id (M3).';
comment on column stage.candidates.follows_candidate is
    'B11: candidate whose contact this one joins without contributing values. Null: it follows no candidate.';
comment on column stage.candidates.follows_email is
    'B11: email address whose contact this one joins without contributing values. Null: it follows no email.';

comment on table stage.candidate_emails is
    'Email addresses of candidates. Candidates that share one, directly or through a chain, become one contact (M1).';
comment on column stage.candidate_emails.email is 'Email address, lower case.';
comment on column stage.candidate_emails.candidate_id is 'The candidate: stage.candidates.candidate_id.';

comment on table stage.skips is
    'Source records that cannot become a contact, per customer: the result of the rules, before publishing to '
    'mart.skipped_contacts.';
comment on column stage.touched.kind is
    'candidate, contact or customer (whose skipped records changed). An override of a name marks the contact''s id as '
    'candidate: it is its oldest member''s.';
comment on table stage.touched is
    'What the next contact plan must evaluate, because its inputs changed since the last publish.';
comment on column stage.touched.id is 'candidate_id, contact_id or customer_id, by kind.';
comment on column stage.touched.planned is
    'Whether the current plan has evaluated it; publishing that plan deletes the row.';

comment on table stage.contacts is 'The published contacts as documents: what the next plan is compared with.';
comment on column stage.contacts.contact_id is 'The contact: mart.contacts.contact_id.';
comment on column stage.contacts.document is 'The contact with its dependent rows, as mart.* and mart.changes hold it.';

comment on table stage.plans is
    'The contact plan of each agency: the difference between what the mart should be and what it is. A new plan replaces '
    'it, a publish uses it up.';
comment on column stage.plans.plan_id is 'Id of the plan, for `ams-etl sync AGENCY --apply`.';
comment on column stage.plans.version is
    'stage.engine.version when the plan was made. A plan with an older version is not published.';
comment on column stage.plans.today is 'Date as of which the rules were applied.';
comment on column stage.plans.made_at is 'When the plan was made.';
comment on column stage.plans.counts is
    'Contacts to insert, update and delete, unchanged ones, owner changes, skipped rows, and how much was read.';
comment on column stage.plans.stopped_by is
    'Why the brake holds the plan until a user applies it; null: it may be published.';

comment on table stage.planned_contacts is 'Contacts that differ in the plan.';
comment on column stage.planned_contacts.contact_id is 'The contact: mart.contacts.contact_id.';
comment on column stage.planned_contacts.op is 'insert, update or delete.';
comment on column stage.planned_contacts.document is
    'The contact as it should be, with its dependent rows; null for a delete.';

comment on table stage.planned_members is 'Candidates that the plan evaluated, and the contact that each belongs to.';
comment on column stage.planned_members.candidate_id is 'The candidate: stage.candidates.candidate_id.';
comment on column stage.planned_members.contact_id is 'The contact that it belongs to by the plan.';

comment on table stage.planned_skips is 'Rows of mart.skipped_contacts that differ in the plan.';
comment on column stage.planned_skips.op is 'insert, update or delete.';
comment on column stage.planned_skips.reason is 'As in mart.skipped_contacts.reason; null for a delete.';
comment on column stage.planned_skips.rule is 'As in mart.skipped_contacts.rule; null for a delete.';

comment on table stage.engine is
    'State of the difference engine, one row per agency. Locking the row serializes derive, plan and publish.';
comment on column stage.engine.version is 'Rises whenever stage changes, so that an outdated plan is not published.';
comment on column stage.engine.fingerprint is
    'Hash of the settings and of the text of the rules. A new hash makes every customer due.';

comment on table stage.account_touches is
    'What the next publish of accounts and policies must evaluate. Rows are only appended and drained, so that a merge and '
    'a publish that overlap lose nothing.';
comment on column stage.account_touches.seq is 'Order of insertion.';
comment on column stage.account_touches.kind is
    'customer or account: its record changed, links are evaluated; linked_customer or linked_account: its links were '
    'evaluated, the account is published; policy or plan: its record changed; all_policies: names behind codes changed.';
comment on column stage.account_touches.id is 'Id in its source system, by kind; empty for all_policies.';

comment on table stage.account_customers is
    'AMS360 customers by what links and suggestions compare (B1, B8). The sync maintains it.';
comment on column stage.account_customers.customer_key is
    'CustomerId in lower case: BenefitPoint writes it in either case.';
comment on column stage.account_customers.customer_number is 'CustomerNumber in AMS360.';
comment on column stage.account_customers.name_key is
    'Name without case, accents, punctuation and legal endings, for suggestions (B8); empty if the customer has no name.';
comment on column stage.account_customers.document is 'The customer as an account: name, email, phone and address.';

do $$
begin
    perform ops.copy_column_comments('mart.skipped_contacts', 'stage.skips');
    perform ops.copy_column_comments('mart.skipped_contacts', 'stage.planned_skips');
end $$;

comment on function stage.touch_mapped_contacts is
    'Trigger: marks the contacts that depend on a changed row of ops.user_mappings as touched.';
comment on function stage.touch_renamed_contact is
    'Trigger: marks the contact of a changed row of ops.name_overrides as touched.';
comment on function stage.touch_accounts is
    'Trigger: appends changed raw records to stage.account_touches; its argument is the kind.';
comment on function stage.touch_all_policies is
    'Trigger: marks all policies of an agency as touched, since names behind codes changed.';
comment on function stage.touch_accounts_of_office is
    'Trigger: marks the BenefitPoint accounts of a changed office as touched.';
comment on function stage.touch_linked_plan is 'Trigger: marks the plan of a changed row of ops.plan_links as touched.';
comment on function stage.touch_decided is 'Trigger: marks the account of a decided link as touched.';
comment on function stage.dirty_benefitpoint_inserted is
    'Trigger: marks the accounts of inserted BenefitPoint records as due.';
comment on function stage.dirty_benefitpoint_updated is
    'Trigger: marks the accounts of updated BenefitPoint records as due, the previous account included.';
comment on function stage.dirty_benefitpoint_named is
    'Trigger: marks all live BenefitPoint accounts of an agency as due, since names behind ids changed.';
comment on function stage.dirty_linked_account is
    'Trigger: marks the account as due when a link becomes confirmed or ceases to be.';
comment on function raw_mycase.customers_of is
    'Returns the clients (client:ID) and companies (company:ID) of a case, its billing contact included if it says which '
    'it is.';
comment on function raw_mycase.link_case is 'Trigger: replaces the rows of raw_mycase.case_customers for a changed case.';

------------------------------------------------------------------------------------------------------------------------
-- Typed views
------------------------------------------------------------------------------------------------------------------------

comment on view ams360.customers is 'Live customers of AMS360 (raw_ams360.customers) with typed columns.';
comment on column ams360.customers.customer_id is 'CustomerId: the id of the customer.';
comment on column ams360.customers.customer_number is 'CustomerNumber: the number that people use.';
comment on column ams360.customers.customer_type is 'CustomerType, as AMS360 has it: C customer, P prospect, S suspect.';
comment on column ams360.customers.is_active is 'IsActive: whether the customer is active.';
comment on column ams360.customers.is_personal is 'IsPersonal: whether it is a personal customer (C4).';
comment on column ams360.customers.is_commercial is 'IsCommercial: whether it is a commercial customer (C4).';
comment on column ams360.customers.first_name is 'FirstName, as entered; may hold a nickname in parentheses (N1).';
comment on column ams360.customers.middle_name is 'MiddleName, as entered.';
comment on column ams360.customers.last_name is 'LastName, as entered.';
comment on column ams360.customers.firm_name is 'FirmName, as entered.';
comment on column ams360.customers.doing_business_as is 'DoingBusinessAs, as entered.';
comment on column ams360.customers.informal_salutation is 'InformalSalutation, as entered.';
comment on column ams360.customers.formal_salutation is 'FormalSalutation, as entered.';
comment on column ams360.customers.email is 'Email, as entered; may hold several addresses (C7).';
comment on column ams360.customers.city is 'City, as entered in AMS360.';
comment on column ams360.customers.state is 'State, as entered in AMS360.';
comment on column ams360.customers.zip_code is 'ZipCode, as entered in AMS360.';
comment on column ams360.customers.account_exec_code is 'AccountExecCode: employee code of the Executive.';
comment on column ams360.customers.account_rep_code is 'AccountRepCode: employee code of the Representative.';
comment on column ams360.customers.date_customer_added is
    'DateCustomerAdded, the day; 0001-01-01 is AMS360''s way to say none.';

comment on view ams360.customer_contacts is
    'Live contact people of AMS360 customers (raw_ams360.customer_contacts) with typed columns.';
comment on column ams360.customer_contacts.customer_contact_id is 'CustomerContactId: the id of the contact person.';
comment on column ams360.customer_contacts.contact_name is 'ContactName, the whole name as entered.';
comment on column ams360.customer_contacts.title is 'Title, as entered in AMS360.';
comment on column ams360.customer_contacts.email_address is 'EmailAddress, as entered; may hold several addresses (C7).';
comment on column ams360.customer_contacts.sort_order is
    'SortOrder: the first two contacts are the primary and the secondary one (C2).';

comment on view ams360.customer_dependents is
    'Live dependents of AMS360 customers (raw_ams360.customer_dependents) with typed columns.';
comment on column ams360.customer_dependents.dependent_id is 'DependentId: the id of the dependent.';
comment on column ams360.customer_dependents.first_name is 'FirstName, as entered in AMS360.';
comment on column ams360.customer_dependents.last_name is
    'LastName, as entered; may be empty, then it is the customer''s (C3).';
comment on column ams360.customer_dependents.relationship is
    'Relationship to the customer, as entered; it decides who is a second insured (C3).';
comment on column ams360.customer_dependents.email is 'Email, as entered in AMS360.';

comment on view ams360.policies is 'Live policies of AMS360 (raw_ams360.policies) with typed columns.';
comment on column ams360.policies.policy_id is 'PolicyId: the id of the policy.';
comment on column ams360.policies.policy_number is 'PolicyNumber, as entered in AMS360.';
comment on column ams360.policies.policy_status is
    'PolicyStatus, AMS360''s code: A active, C cancelled, N not renewed, others as they are.';
comment on column ams360.policies.effective_date is 'PolicyEffectiveDate: first day of the term.';
comment on column ams360.policies.expiration_date is 'PolicyExpirationDate: the policy is in force before this day (L1).';
comment on column ams360.policies.is_continuous is 'IsContinuous: whether the policy renews by itself.';
comment on column ams360.policies.writing_company_code is 'WritingCompanyCode: raw_ams360.companies.entity_id.';
comment on column ams360.policies.policy_sub_type is
    'PolicySubType: A (accounting) and S (submission) are not policies (L1).';
comment on column ams360.policies.full_term_premium is 'FullTermPremium, in the agency''s currency.';

comment on view ams360.employees is 'Live employees of AMS360 (raw_ams360.employees) with typed columns.';
comment on column ams360.employees.employee_code is 'EmployeeCode: the code in AccountExecCode and AccountRepCode.';
comment on column ams360.employees.first_name is 'FirstName, as entered in AMS360.';
comment on column ams360.employees.last_name is 'LastName, as entered in AMS360.';
comment on column ams360.employees.short_name is 'ShortName: the initials that tags show (T3).';
comment on column ams360.employees.employee_status is 'EmployeeStatus, AMS360''s code.';
comment on column ams360.employees.is_executive is 'Executive: whether the employee may be an Executive.';
comment on column ams360.employees.is_representative is 'Representative: whether the employee may be a Representative.';

comment on view benefitpoint.accounts is 'Live accounts of BenefitPoint (raw_benefitpoint.accounts) with typed columns.';
comment on column benefitpoint.accounts.account_id is 'accountID: the id of the account.';
comment on column benefitpoint.accounts.account_classification is 'accountClassification, as BenefitPoint spells it.';
comment on column benefitpoint.accounts.account_type is 'accountType, as BenefitPoint spells it.';
comment on column benefitpoint.accounts.active is 'active: null if BenefitPoint does not say; then it counts as active.';
comment on column benefitpoint.accounts.account_name is 'Name of the group, marketing group or agency, else of the person.';
comment on column benefitpoint.accounts.ams_customer_id is
    'amsCustomerId: CustomerId of the AMS360 customer, in either case; null if not linked there (B1).';
comment on column benefitpoint.accounts.ams_customer_number is
    'amsCustomerNumber: CustomerNumber of the AMS360 customer; null if not linked there (B1).';
comment on column benefitpoint.accounts.office_id is 'officeID: raw_benefitpoint.offices.entity_id.';
comment on column benefitpoint.accounts.department_id is 'departmentID; no operation lists the names.';

comment on view benefitpoint.contacts is
    'Live contact people of BenefitPoint accounts (raw_benefitpoint.contacts) with typed columns.';
comment on column benefitpoint.contacts.contact_id is 'contactID: the id of the contact person.';
comment on column benefitpoint.contacts.account_id is 'accountID: the account that the person belongs to.';
comment on column benefitpoint.contacts.first_name is 'firstName, as entered in BenefitPoint.';
comment on column benefitpoint.contacts.last_name is 'lastName, as entered in BenefitPoint.';
comment on column benefitpoint.contacts.email is 'email, as entered in BenefitPoint.';
comment on column benefitpoint.contacts.title is 'title, as entered in BenefitPoint.';
comment on column benefitpoint.contacts.is_primary is 'primary: whether the person is the account''s primary contact.';

comment on view benefitpoint.plans is
    'Live benefit plans (raw_benefitpoint.plans, the Product records) with typed columns.';
comment on column benefitpoint.plans.product_id is 'productID: the id of the plan.';
comment on column benefitpoint.plans.account_id is 'accountID: the account that the plan belongs to.';
comment on column benefitpoint.plans.name is 'name, as entered in BenefitPoint.';
comment on column benefitpoint.plans.policy_number is 'policyNumber; plans of one contract share it.';
comment on column benefitpoint.plans.product_status is 'productStatus, as BenefitPoint spells it.';
comment on column benefitpoint.plans.effective_as_of is 'effectiveAsOf: first day of the term.';
comment on column benefitpoint.plans.renewal_on is 'renewalOn: the day on which the term ends.';
comment on column benefitpoint.plans.continuous_policy is
    'continousPolicy (BenefitPoint''s spelling): whether the plan renews by itself.';
comment on column benefitpoint.plans.ams_policy_id is
    'amsPolicyID: PolicyId of the AMS360 policy that the plan names; null if none (B5).';

comment on view hawksoft.clients is 'Live clients of HawkSoft (raw_hawksoft.clients) with typed columns.';
comment on column hawksoft.clients.client_number is 'Number of the client.';
comment on column hawksoft.clients.company_name is 'details.companyName; null for people.';
comment on column hawksoft.clients.producer is
    'details.producer: name of the producer; HawkSoft has no directory of employees.';
comment on column hawksoft.clients.csr is 'details.csr: name of the CSR; HawkSoft has no directory of employees.';
comment on column hawksoft.clients.status is 'details.status, as HawkSoft spells it.';
comment on column hawksoft.clients.people is 'Number of people of the client.';
comment on column hawksoft.clients.policies is 'Number of policies of the client.';

comment on view qq_catalyst.contacts is
    'Live contacts of QQ Catalyst of every sub-type, with the agent and CSR of their AccountInfo.';
comment on column qq_catalyst.contacts.contact_id is 'EntityID: the id of the contact.';
comment on column qq_catalyst.contacts.customer_no is 'CustomerNo: the number that people use.';
comment on column qq_catalyst.contacts.contact_sub_type is
    'ContactSubType: C (customer) and P (prospect) become contacts of the mart (A3).';
comment on column qq_catalyst.contacts.display_name is 'DisplayName, as entered in QQ Catalyst.';
comment on column qq_catalyst.contacts.email is 'Email, as entered in QQ Catalyst.';
comment on column qq_catalyst.contacts.agent_id is 'AgentID: id of the producer; null without AccountInfo.';
comment on column qq_catalyst.contacts.agent is 'Agent: name of the producer; null without AccountInfo.';
comment on column qq_catalyst.contacts.csr_id is 'CsrID: id of the CSR; null without AccountInfo.';
comment on column qq_catalyst.contacts.csr is 'CSR: name of the CSR; null without AccountInfo.';

comment on view mycase.attorneys is 'Staff of each live case of MyCase: one row per case and member of staff.';
comment on column mycase.attorneys.agency is 'Agency id, the key of the agency in agencies.yaml.';
comment on column mycase.attorneys.case_id is 'The case: raw_mycase.cases.entity_id.';
comment on column mycase.attorneys.case_name is 'Name of the case, as entered in MyCase.';
comment on column mycase.attorneys.status is 'Status of the case, as MyCase spells it: open or closed.';
comment on column mycase.attorneys.staff_id is 'The member of staff: raw_mycase.staff.entity_id.';
comment on column mycase.attorneys.is_lead is 'lead_lawyer: whether the person is the Lead Attorney of the case.';
comment on column mycase.attorneys.is_originating is
    'originating_lawyer: whether the person is the Originating Attorney of the case.';
comment on column mycase.attorneys.updated_at is 'updated_at of the case; the most recently updated case decides (A4).';

do $$
declare
    typed text;
begin
    foreach typed in array array[
        'ams360.customers', 'ams360.customer_contacts', 'ams360.customer_dependents', 'ams360.policies', 'ams360.employees',
        'benefitpoint.accounts', 'benefitpoint.contacts', 'benefitpoint.plans', 'hawksoft.clients', 'qq_catalyst.contacts'
    ] loop
        perform ops.copy_column_comments(('raw_' || typed)::regclass, typed::regclass);
    end loop;
end $$;

------------------------------------------------------------------------------------------------------------------------
-- Names of indexes and constraints that Postgres chose. The convention is in sql/README.md; <table>_pkey,
-- <table>_<column>_check and <table>_<column>_seq follow it already.
------------------------------------------------------------------------------------------------------------------------

alter index raw_ams360.customer_contacts_agency_customer_id_idx rename to customer_contacts_by_customer_id;
alter index raw_ams360.customer_dependents_agency_customer_id_idx rename to customer_dependents_by_customer_id;
alter index raw_ams360.policies_agency_customer_id_idx rename to policies_by_customer_id;
alter index raw_benefitpoint.contacts_agency_customer_id_idx rename to contacts_by_customer_id;
alter index raw_benefitpoint.plans_agency_customer_id_idx rename to plans_by_customer_id;
alter index raw_qq_catalyst.policies_agency_customer_id_idx rename to policies_by_customer_id;
alter index raw_mycase.case_customers_agency_case_id_idx rename to case_customers_by_case_id;

alter index ops.sync_runs_agency_started_at_idx rename to sync_runs_by_started_at;
alter index ops.sync_customers_agency_sync_id_idx rename to sync_customers_unread;
alter index ops.notification_batches_agency_idx rename to notification_batches_open;
alter index ops.events_agency_look_again_at_seq_idx rename to events_due;
alter index ops.events_agency_received_at_idx rename to events_by_received_at;
alter index ops.writebacks_agency_event_id_idx rename to writebacks_by_event_id;
alter index ops.writebacks_agency_depends_on_idx rename to writebacks_by_depends_on;
alter index ops.writebacks_agency_created_at_idx rename to writebacks_by_created_at;
alter index ops.writeback_contacts_agency_system_lane_idx rename to writeback_contacts_by_lane;
alter index ops.account_links_agency_benefitpoint_account_id_idx rename to account_links_by_benefitpoint_account_id;
alter index ops.plan_links_agency_ams360_policy_id_idx rename to plan_links_by_ams360_policy_id;

alter index stage.customers_agency_review_on_idx rename to customers_by_review_on;
alter index stage.candidates_agency_customer_id_idx rename to candidates_by_customer_id;
alter index stage.candidates_agency_contact_id_idx rename to candidates_by_contact_id;
alter index stage.candidates_agency_follows_candidate_idx rename to candidates_by_follows_candidate;
alter index stage.candidates_agency_follows_email_idx rename to candidates_by_follows_email;
alter index stage.candidate_emails_agency_candidate_id_idx rename to candidate_emails_by_candidate_id;
alter index stage.account_customers_agency_customer_number_idx rename to account_customers_by_customer_number;
alter index stage.account_customers_agency_name_key_idx rename to account_customers_by_name;

alter index mart.contact_emails_agency_email_idx rename to contact_emails_by_email;
alter index mart.contact_sources_agency_contact_id_idx rename to contact_sources_by_contact_id;
alter index mart.contact_sources_agency_customer_id_idx rename to contact_sources_by_customer_id;
alter index mart.contact_tags_agency_tag_idx rename to contact_tags_by_tag;
alter index mart.connections_agency_connection_type_employee_code_idx rename to connections_by_type_and_employee;
alter index mart.skipped_contacts_agency_customer_id_idx rename to skipped_contacts_by_customer_id;
alter index mart.accounts_agency_lower_idx rename to accounts_in_benefitpoint_by_email;
alter index mart.policies_agency_account_id_idx rename to policies_by_account_id;

alter table ops.events rename constraint events_agency_idempotency_key_key to events_idempotency_key_unique;
alter table ops.event_attachments rename constraint event_attachments_agency_event_id_fkey to event_attachments_events_fkey;
alter table ops.notifications rename constraint notifications_notification_id_key to notifications_notification_id_unique;
alter table ops.notifications rename constraint notifications_check to notifications_part_check;
alter table ops.notifications rename constraint notifications_check1 to notifications_pending_check;

alter table stage.candidate_emails rename constraint candidate_emails_agency_candidate_id_fkey to candidate_emails_candidates_fkey;

alter table mart.contacts rename constraint contacts_contact_id_key to contacts_contact_id_unique;
alter table mart.key_facts rename constraint key_facts_agency_contact_id_kind_policy_id_fact_date_label_key to key_facts_unique;
alter table mart.accounts rename constraint accounts_account_id_key to accounts_account_id_unique;
alter table mart.accounts rename constraint accounts_agency_ams360_customer_id_key to accounts_ams360_customer_id_unique;
alter table mart.accounts rename constraint accounts_agency_benefitpoint_account_id_key to accounts_benefitpoint_account_id_unique;
alter table mart.accounts rename constraint accounts_check to accounts_ams360_synced_check;
alter table mart.accounts rename constraint accounts_check1 to accounts_benefitpoint_synced_check;
alter table mart.accounts rename constraint accounts_check2 to accounts_any_system_check;
alter table mart.policies rename constraint policies_policy_id_key to policies_policy_id_unique;
alter table mart.policies rename constraint policies_agency_ams360_policy_id_key to policies_ams360_policy_id_unique;
alter table mart.policies rename constraint policies_agency_benefitpoint_plan_id_key to policies_benefitpoint_plan_id_unique;
alter table mart.policies rename constraint policies_check to policies_any_system_check;
