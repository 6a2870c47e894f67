-- The outbox of mails. What a mail says may hold a link that opens a door, so it is sealed and goes once it is sent.
alter table {schema}.deliveries add column purpose text check (purpose in ('invitation', 'reset', 'notification'));
alter table {schema}.deliveries add column subject_id uuid;
alter table {schema}.deliveries add column user_id uuid references {schema}.users (id) on delete cascade;
alter table {schema}.deliveries add column sealed bytea;
alter table {schema}.deliveries add constraint deliveries_mail check (kind <> 'mail' or purpose is not null);
create index deliveries_due on {schema}.deliveries (coalesce(lease_until, next_try_at)) where state in ('waiting', 'sending');
create index deliveries_subject on {schema}.deliveries (subject_id);
-- Whether notifications also come by mail.
alter table {schema}.users add column by_mail boolean not null default true;
