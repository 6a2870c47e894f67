-- The newest rehearsal of the next seven days, and what it found about each job. A finding holds for the version and the
-- moment that it looked at.
create table {schema}.forecasts (
  id uuid primary key,
  asked_by uuid references {schema}.users (id) on delete set null,
  until timestamptz not null,
  made_at timestamptz not null default public.clock()
);
create table {schema}.forecast_jobs (
  id uuid primary key,
  job_id uuid not null unique references {schema}.publish_jobs (id) on delete cascade,
  forecast_id uuid not null references {schema}.forecasts (id) on delete cascade,
  version_id uuid not null,
  run_at timestamptz not null,
  level text not null check (level in ('green', 'amber', 'red')),
  findings jsonb not null default '[]'
);
create index forecast_jobs_forecast on {schema}.forecast_jobs (forecast_id);
alter table {schema}.notifications drop constraint notifications_kind_check;
alter table {schema}.notifications add constraint notifications_kind_check
  check (kind in ('failed', 'unconfirmed', 'reconnect', 'review', 'changes', 'comment', 'brake', 'different', 'webhook', 'forecast'));
