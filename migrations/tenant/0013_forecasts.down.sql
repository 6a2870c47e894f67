-- The version before has no word for it.
delete from {schema}.notifications where kind = 'forecast';
alter table {schema}.notifications drop constraint notifications_kind_check;
alter table {schema}.notifications add constraint notifications_kind_check
  check (kind in ('failed', 'unconfirmed', 'reconnect', 'review', 'changes', 'comment', 'brake', 'different', 'webhook'));
drop table {schema}.forecast_jobs;
drop table {schema}.forecasts;
