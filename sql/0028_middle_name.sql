-- A whole middle name is no part of the greeting, and must not be lost either.

alter table mart.contacts add column middle_name text;

comment on column mart.contacts.middle_name is
    'Middle name (N15), never part of the greeting; null where it is an initial, which follows the first name.';
