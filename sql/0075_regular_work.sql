-- Regular work of every system is listed: also what HawkSoft, QQ Catalyst and MyCase say has changed, every half hour.
alter table ops.due_work drop constraint due_work_kind_check;
alter table ops.due_work add constraint due_work_kind_check
    check (kind in ('weekly_resync', 'daily_sweep', 'changes', 'benefitpoint'));
comment on column ops.due_work.kind is 'weekly_resync, daily_sweep, changes (of HawkSoft, QQ Catalyst or MyCase) or benefitpoint.';
