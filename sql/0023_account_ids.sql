-- An account keeps the id of the record that was seen first: the next publish looks at every linked one again.
comment on column mart.accounts.former_id is
    'B3: the id of the linked record that was seen later; the account may have been known by it until they were linked';
insert into stage.account_touches (agency, kind, id)
select agency, 'account', benefitpoint_account_id::text from ops.account_links where state = 'confirmed';
