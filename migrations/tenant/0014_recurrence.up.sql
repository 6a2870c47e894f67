-- A content that goes out again and again by a rule in wall time, and the moments that were made from it.
create table {schema}.recurrences (
  id uuid primary key,
  content_id uuid not null references {schema}.content (id) on delete cascade,
  accounts uuid[] not null check (cardinality(accounts) between 1 and 50),
  rule text not null check (length(rule) <= 500),
  starts text not null,
  zone text not null,
  exceptions text[] not null default '{}',
  late_minutes integer check (late_minutes between 1 and 43200),
  state text not null default 'active' check (state in ('active', 'stopped')),
  stopped_for text check (stopped_for in ('person', 'change', 'archive', 'accounts')),
  planned_through timestamptz not null default public.clock(),
  created_by uuid references {schema}.users (id) on delete set null,
  created_at timestamptz not null default public.clock(),
  updated_at timestamptz not null default public.clock(),
  check ((state = 'stopped') = (stopped_for is not null))
);
create index recurrences_content on {schema}.recurrences (content_id);
create index recurrences_planned on {schema}.recurrences (planned_through) where state = 'active';
create trigger touch before update on {schema}.recurrences for each row execute function public.update_updated_at_column();
-- Which moment of which rule or slot a job is: its wall time by the rule, which no change of the zone's rules moves. No
-- foreign keys: a post that is out keeps saying where it came from when that is gone.
alter table {schema}.publish_jobs add column recurrence_id uuid;
alter table {schema}.publish_jobs add column slot_id uuid;
alter table {schema}.publish_jobs add column occurrence text;
create unique index publish_jobs_recurrence on {schema}.publish_jobs (recurrence_id, occurrence, account_id) where recurrence_id is not null;
create unique index publish_jobs_slot on {schema}.publish_jobs (slot_id, occurrence) where slot_id is not null and state <> 'cancelled';
create unique index slots_one on {schema}.slots (account_id, weekday, local, zone);
