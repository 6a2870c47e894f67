-- How a webhook fares: tries in a row that failed, since when, and until when nothing is sent there.
alter table {schema}.webhooks add column state_reason text;
alter table {schema}.webhooks add column failures integer not null default 0;
alter table {schema}.webhooks add column failing_since timestamptz;
alter table {schema}.webhooks add column paused_until timestamptz;
-- What became of each try, and how many there were before the delivery was asked for again. A waiting one without a
-- moment of its own stands in line behind another of its webhook.
alter table {schema}.deliveries add column attempts jsonb not null default '[]';
alter table {schema}.deliveries add column tries_before integer not null default 0;
create index deliveries_webhook on {schema}.deliveries (webhook_id, id) where webhook_id is not null;
-- What is told where: by kind of notification only what differs from the default; and when no mail shall come.
alter table {schema}.users add column channels jsonb not null default '{}';
alter table {schema}.users add column quiet_from text check (quiet_from ~ '^([01]\d|2[0-3]):[0-5]\d$');
alter table {schema}.users add column quiet_until text check (quiet_until ~ '^([01]\d|2[0-3]):[0-5]\d$');
alter table {schema}.users add column quiet_zone text;
alter table {schema}.users add column quiet_urgent boolean not null default true;
alter table {schema}.notifications add column in_app boolean not null default true;
alter table {schema}.notifications drop constraint notifications_kind_check;
alter table {schema}.notifications add constraint notifications_kind_check check (kind in ('failed', 'unconfirmed', 'reconnect', 'review', 'changes', 'comment', 'brake', 'different', 'webhook'));
