-- A new candidate is written with its own id as its contact's, which most become: publishing had rewritten every one of them.

comment on column stage.candidates.contact_id is
    'Contact that the candidate was last published in; before its first publish its own id, which no contact has yet.';
