-- How late a post may go out unasked: the workspace's minutes, a post's own, and since when its lateness counts anew
-- because a person wanted it sent all the same.
alter table {schema}.workspace add column late_minutes integer not null default 120 check (late_minutes between 1 and 43200);
alter table {schema}.publish_jobs add column late_minutes integer check (late_minutes between 1 and 43200);
alter table {schema}.publish_jobs add column wanted_at timestamptz;
alter table {schema}.publish_jobs drop constraint publish_jobs_held_for_check;
alter table {schema}.publish_jobs add constraint publish_jobs_held_for_check check (held_for in ('reconnect', 'approval', 'late', 'brake'));

-- What holds posts back. pattern is the tag or word as a regular expression; about names what is held, in words.
create table {schema}.brakes (
  id uuid primary key,
  scope text not null check (scope in ('workspace', 'account', 'tag', 'word')),
  value text check ((value is null) = (scope = 'workspace')),
  pattern text check ((pattern is null) = (scope in ('workspace', 'account'))),
  about text not null,
  reason text not null check (length(reason) between 1 and 500),
  ends_at timestamptz,
  created_by uuid references {schema}.users (id) on delete set null,
  created_at timestamptz not null default public.clock(),
  released_by uuid references {schema}.users (id) on delete set null,
  released_at timestamptz
);
create unique index brakes_on on {schema}.brakes (scope, value) nulls not distinct where released_at is null;

alter table {schema}.notifications drop constraint notifications_kind_check;
alter table {schema}.notifications add constraint notifications_kind_check check (kind in ('failed', 'unconfirmed', 'reconnect', 'review', 'changes', 'comment', 'brake'));
