delete from {schema}.notifications where kind = 'webhook' or not in_app;
alter table {schema}.notifications drop constraint notifications_kind_check;
alter table {schema}.notifications add constraint notifications_kind_check check (kind in ('failed', 'unconfirmed', 'reconnect', 'review', 'changes', 'comment', 'brake', 'different'));
alter table {schema}.notifications drop column in_app;
alter table {schema}.users drop column quiet_urgent;
alter table {schema}.users drop column quiet_zone;
alter table {schema}.users drop column quiet_until;
alter table {schema}.users drop column quiet_from;
alter table {schema}.users drop column channels;
drop index {schema}.deliveries_webhook;
-- The version before calls nobody: what waits would keep it looking for ever.
update {schema}.deliveries set state = 'failed', next_try_at = null, lease_until = null, ended_at = public.clock() where kind = 'webhook' and state in ('waiting', 'sending');
alter table {schema}.deliveries drop column tries_before;
alter table {schema}.deliveries drop column attempts;
alter table {schema}.webhooks drop column paused_until;
alter table {schema}.webhooks drop column failing_since;
alter table {schema}.webhooks drop column failures;
alter table {schema}.webhooks drop column state_reason;
