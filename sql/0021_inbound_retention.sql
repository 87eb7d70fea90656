-- A body holds a customer's data: what nobody understands must not keep it for ever.
create function ops.forget_parked_notifications(of_agency text, days integer) returns bigint
language sql as $$
    with given_up as (
        update ops.notifications set body = null, state = 'ignored', settled_at = clock_timestamp(),
            reason = 'parked for ' || days || ' days and given up; ' || coalesce(reason, 'no reason was told')
        where agency = of_agency and state = 'parked' and received_at < now() - make_interval(days => days)
        returning 1
    )
    select count(*) from given_up
$$;
comment on function ops.forget_parked_notifications is
    'Gives up what was parked and came more than so many days ago: it is ignored, its body forgotten, its row stays';
comment on table ops.notifications is
    'received: stored, not yet understood; pending: understood, waits for its run; parked: not understood, see reason; '
    'ignored: understood, of a type nothing here uses, or parked for too long; done: its run succeeded';
