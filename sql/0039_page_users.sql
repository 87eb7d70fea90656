-- The integration page: who may sign in, in which role, their sessions, and what they did.

create table ops.page_users (
    user_name text not null,
    password_hash text,
    failed_sign_ins integer not null default 0,
    locked_until timestamptz,
    disabled_at timestamptz,
    created_at timestamptz not null default now(),
    last_sign_in_at timestamptz,
    constraint page_users_pkey primary key (user_name),
    constraint page_users_user_name_check check (user_name = lower(user_name) and user_name <> '')
);
comment on table ops.page_users is 'People who may sign in to the integration page; `ams-etl page-users` writes it.';
comment on column ops.page_users.user_name is 'The name a person signs in with, lower case.';
comment on column ops.page_users.password_hash is
    'The argon2id hash of the password; null where only a trusted proxy signs the person in.';
comment on column ops.page_users.failed_sign_ins is 'Wrong passwords since the last successful sign-in.';
comment on column ops.page_users.locked_until is 'Until then no password is accepted, after too many wrong ones.';
comment on column ops.page_users.disabled_at is 'Since when the person may not sign in; null while they may.';
comment on column ops.page_users.created_at is 'When the person was added.';
comment on column ops.page_users.last_sign_in_at is 'When the person last signed in.';

create table ops.page_roles (
    agency text not null,
    user_name text not null,
    role text not null,
    constraint page_roles_pkey primary key (agency, user_name),
    constraint page_roles_page_users_fkey foreign key (user_name) references ops.page_users on delete cascade,
    constraint page_roles_role_check check (role in ('viewer', 'operator', 'admin'))
);
create index page_roles_by_user_name on ops.page_roles (user_name);
comment on table ops.page_roles is 'What a person may see and do on the integration page, by agency.';
comment on column ops.page_roles.agency is 'The agency id, or * for every agency, also those added later.';
comment on column ops.page_roles.user_name is 'The person, as in ops.page_users.';
comment on column ops.page_roles.role is
    'viewer: sees everything; operator: also maps users, renames, syncs, resolves; admin: also applies a stopped plan.';

create table ops.page_sessions (
    token_hash bytea not null,
    user_name text not null,
    created_at timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    notice text,
    constraint page_sessions_pkey primary key (token_hash),
    constraint page_sessions_page_users_fkey foreign key (user_name) references ops.page_users on delete cascade
);
create index page_sessions_by_user_name on ops.page_sessions (user_name);
comment on table ops.page_sessions is 'Sessions of the integration page that have not ended.';
comment on column ops.page_sessions.token_hash is 'SHA-256 of the cookie: whoever reads this table cannot sign in with it.';
comment on column ops.page_sessions.user_name is 'Who signed in, as in ops.page_users.';
comment on column ops.page_sessions.created_at is 'When; a session ends some hours later whatever happens.';
comment on column ops.page_sessions.seen_at is 'When a page was last requested, to the minute; an idle session ends.';
comment on column ops.page_sessions.notice is 'What the next page says once, such as that a change was saved.';

create table ops.page_acts (
    agency text not null,
    act_id bigint generated always as identity,
    at timestamptz not null default now(),
    user_name text not null,
    act text not null,
    subject text not null,
    before jsonb,
    after jsonb,
    constraint page_acts_pkey primary key (agency, act_id)
);
create index page_acts_by_user_name on ops.page_acts (agency, user_name, act_id);
comment on table ops.page_acts is 'Who did what on the integration page; written in the transaction that did it.';
comment on column ops.page_acts.agency is 'The agency id, as agencies.yaml has it.';
comment on column ops.page_acts.act_id is 'Counts up over all agencies.';
comment on column ops.page_acts.at is 'When it was done.';
comment on column ops.page_acts.user_name is 'Who did it, as in ops.page_users.';
comment on column ops.page_acts.act is 'What was done, such as map_user or rename_contact.';
comment on column ops.page_acts.subject is 'What it was done to: a contact id, an employee in a role, a plan id.';
comment on column ops.page_acts.before is 'What was stored before; null where there was nothing.';
comment on column ops.page_acts.after is 'What is stored since; null where it was removed.';
