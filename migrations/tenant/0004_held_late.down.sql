-- The version before has no word for it: what waits so is cancelled, never sent unasked.
update {schema}.publish_jobs set state = 'cancelled', held_for = null where held_for = 'late';
alter table {schema}.publish_jobs drop constraint publish_jobs_held_for_check;
alter table {schema}.publish_jobs add constraint publish_jobs_held_for_check check (held_for in ('reconnect', 'approval'));
