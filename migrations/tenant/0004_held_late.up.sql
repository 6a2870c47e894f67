-- A job whose moment passed while its workspace was suspended or put back waits for a person's word.
alter table {schema}.publish_jobs drop constraint publish_jobs_held_for_check;
alter table {schema}.publish_jobs add constraint publish_jobs_held_for_check check (held_for in ('reconnect', 'approval', 'late'));
