-- An address of too many unrelated customers brings nobody together; people are shown which addresses those are.

create table stage.over_shared_emails (
    agency text not null,
    email text not null,
    customers integer not null,
    constraint over_shared_emails_pkey primary key (agency, email)
);

comment on table stage.over_shared_emails is
    'Email addresses of more unrelated groups of customers than the setting shared_email_limit allows (M5): they stay where '
    'they are and bring nobody together. Worked out with each plan.';
comment on column stage.over_shared_emails.agency is 'Id of the agency in agencies.yaml.';
comment on column stage.over_shared_emails.email is 'Email address, lower case.';
comment on column stage.over_shared_emails.customers is 'How many customers have it.';
