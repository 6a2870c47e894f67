update {schema}.notifications set kind = 'comment', done_at = coalesce(done_at, public.clock()) where kind = 'different';
alter table {schema}.notifications drop constraint notifications_kind_check;
alter table {schema}.notifications add constraint notifications_kind_check check (kind in ('failed', 'unconfirmed', 'reconnect', 'review', 'changes', 'comment', 'brake'));
drop table {schema}.read_backs;
alter table {schema}.publish_attempts drop column sent;
alter table {schema}.publish_attempts drop column sent_sha256;
drop index {schema}.approvals_version;
alter table {schema}.approvals drop column seal_broken;
drop table {schema}.seals;
