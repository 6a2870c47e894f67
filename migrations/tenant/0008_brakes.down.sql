-- The version before knows no brake: what one holds waits for a person's word, and is never sent unasked.
update {schema}.publish_jobs set held_for = 'late' where held_for = 'brake';
update {schema}.notifications set kind = 'comment', done_at = coalesce(done_at, public.clock()) where kind = 'brake';
alter table {schema}.notifications drop constraint notifications_kind_check;
alter table {schema}.notifications add constraint notifications_kind_check check (kind in ('failed', 'unconfirmed', 'reconnect', 'review', 'changes', 'comment'));
drop table {schema}.brakes;
alter table {schema}.publish_jobs drop constraint publish_jobs_held_for_check;
alter table {schema}.publish_jobs add constraint publish_jobs_held_for_check check (held_for in ('reconnect', 'approval', 'late'));
alter table {schema}.publish_jobs drop column wanted_at;
alter table {schema}.publish_jobs drop column late_minutes;
alter table {schema}.workspace drop column late_minutes;
