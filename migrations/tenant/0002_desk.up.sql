-- Everything one team owns. Single top-level statements with qualified names, each ended by a semicolon at the end
-- of its line: they are sent one by one, so that creation stays fast and works on Citus.

create table {schema}.workspace (
  id uuid primary key,
  name text not null check (length(name) between 1 and 120),
  zone text not null,
  country text,
  approval_required boolean not null default false,
  created_at timestamptz not null default public.clock(),
  updated_at timestamptz not null default public.clock()
);

create table {schema}.users (
  id uuid primary key,
  name text not null check (length(name) between 1 and 120),
  email text not null check (length(email) between 3 and 254),
  role text not null check (role in ('owner', 'admin', 'editor', 'author', 'reviewer')),
  password_hash text not null,
  removed_at timestamptz,
  created_at timestamptz not null default public.clock(),
  updated_at timestamptz not null default public.clock()
);
create unique index users_email on {schema}.users (lower(email)) where removed_at is null;

create table {schema}.sessions (
  id uuid primary key,
  token_hash text not null unique,
  user_id uuid not null references {schema}.users (id) on delete cascade,
  door text not null check (door in ('page', 'api')),
  agent text,
  created_at timestamptz not null default public.clock(),
  expires_at timestamptz not null
);
create index sessions_user on {schema}.sessions (user_id);

create table {schema}.invitations (
  id uuid primary key,
  purpose text not null check (purpose in ('join', 'reset')),
  token_hash text not null unique,
  email text not null,
  role text check (role in ('admin', 'editor', 'author', 'reviewer')),
  user_id uuid references {schema}.users (id) on delete cascade,
  invited_by uuid references {schema}.users (id) on delete set null,
  created_at timestamptz not null default public.clock(),
  expires_at timestamptz not null,
  used_at timestamptz
);

create table {schema}.teams (
  id uuid primary key,
  name text not null check (length(name) between 1 and 120),
  created_at timestamptz not null default public.clock(),
  updated_at timestamptz not null default public.clock()
);

create table {schema}.team_members (
  id uuid primary key,
  team_id uuid not null references {schema}.teams (id) on delete cascade,
  user_id uuid not null references {schema}.users (id) on delete cascade,
  unique (team_id, user_id)
);

create table {schema}.social_accounts (
  id uuid primary key,
  platform text not null,
  name text not null,
  handle text not null,
  remote_id text not null,
  profile_url text,
  settings jsonb not null default '{}',
  limits jsonb not null,
  secret bytea,
  secret_version integer not null default 0,
  renewing_until timestamptz,
  state text not null default 'connected' check (state in ('connected', 'reconnect')),
  state_reason text,
  team_id uuid references {schema}.teams (id) on delete set null,
  connected_by uuid references {schema}.users (id) on delete set null,
  removed_at timestamptz,
  created_at timestamptz not null default public.clock(),
  updated_at timestamptz not null default public.clock()
);
create unique index social_accounts_remote on {schema}.social_accounts (platform, remote_id) where removed_at is null;

create table {schema}.media (
  id uuid primary key,
  type text not null check (type in ('image/jpeg', 'image/png', 'image/webp')),
  width integer not null,
  height integer not null,
  bytes integer not null,
  sha256 text not null,
  alt text not null default '',
  name text not null default '',
  source text not null default 'upload' check (source in ('upload', 'generated')),
  created_by uuid references {schema}.users (id) on delete set null,
  removed_at timestamptz,
  created_at timestamptz not null default public.clock(),
  updated_at timestamptz not null default public.clock()
);

create table {schema}.content (
  id uuid primary key,
  state text not null default 'draft' check (state in ('draft', 'in_review', 'changes_requested', 'approved', 'archived')),
  version_id uuid not null,
  tags text[] not null default '{}',
  created_by uuid references {schema}.users (id) on delete set null,
  created_at timestamptz not null default public.clock(),
  updated_at timestamptz not null default public.clock()
);
create index content_updated on {schema}.content (updated_at desc);
create index content_tags on {schema}.content using gin (tags);

create table {schema}.content_versions (
  id uuid primary key,
  content_id uuid not null references {schema}.content (id) on delete cascade,
  number integer not null,
  text text not null,
  media uuid[] not null default '{}',
  variants jsonb not null default '[]',
  created_by uuid references {schema}.users (id) on delete set null,
  created_at timestamptz not null default public.clock(),
  unique (content_id, number)
);

create table {schema}.drafts (
  id uuid primary key,
  user_id uuid not null references {schema}.users (id) on delete cascade,
  content_id uuid references {schema}.content (id) on delete cascade,
  body jsonb not null,
  updated_at timestamptz not null default public.clock()
);
create unique index drafts_one on {schema}.drafts (user_id, content_id) nulls not distinct;

create table {schema}.approvals (
  id uuid primary key,
  content_id uuid not null references {schema}.content (id) on delete cascade,
  version_id uuid not null references {schema}.content_versions (id) on delete cascade,
  decision text not null check (decision in ('submitted', 'approved', 'changes_requested', 'withdrawn')),
  note text not null default '',
  user_id uuid references {schema}.users (id) on delete set null,
  created_at timestamptz not null default public.clock()
);
create index approvals_content on {schema}.approvals (content_id);

create table {schema}.comments (
  id uuid primary key,
  content_id uuid not null references {schema}.content (id) on delete cascade,
  user_id uuid references {schema}.users (id) on delete set null,
  text text not null,
  created_at timestamptz not null default public.clock()
);
create index comments_content on {schema}.comments (content_id);

create table {schema}.slots (
  id uuid primary key,
  account_id uuid not null references {schema}.social_accounts (id) on delete cascade,
  weekday integer not null check (weekday between 1 and 7),
  local text not null,
  zone text not null,
  created_at timestamptz not null default public.clock()
);

create table {schema}.publish_jobs (
  id uuid primary key,
  content_id uuid not null references {schema}.content (id) on delete cascade,
  version_id uuid not null references {schema}.content_versions (id),
  account_id uuid not null references {schema}.social_accounts (id),
  state text not null check (state in ('scheduled', 'publishing', 'published', 'failed', 'unconfirmed', 'cancelled', 'held')),
  run_at timestamptz not null,
  local text not null,
  zone text not null,
  next_try_at timestamptz,
  attempt_id uuid,
  lease_until timestamptz,
  tries integer not null default 0,
  first_try_at timestamptz,
  steps jsonb not null default '{}',
  remote_id text,
  remote_url text,
  published_at timestamptz,
  held_for text check (held_for in ('reconnect', 'approval')),
  error jsonb,
  created_by uuid references {schema}.users (id) on delete set null,
  created_at timestamptz not null default public.clock(),
  updated_at timestamptz not null default public.clock()
);
create index publish_jobs_due on {schema}.publish_jobs ((coalesce(next_try_at, run_at))) where state = 'scheduled';
create index publish_jobs_leased on {schema}.publish_jobs (lease_until) where state = 'publishing';
create index publish_jobs_run on {schema}.publish_jobs (run_at, id);
create index publish_jobs_content on {schema}.publish_jobs (content_id);
create index publish_jobs_account on {schema}.publish_jobs (account_id, state);

create table {schema}.publish_attempts (
  id uuid primary key,
  job_id uuid not null references {schema}.publish_jobs (id) on delete cascade,
  number integer not null,
  worker text not null,
  started_at timestamptz not null default public.clock(),
  armed_at timestamptz,
  ended_at timestamptz,
  outcome text,
  detail jsonb,
  notes jsonb not null default '[]',
  unique (job_id, number)
);

create table {schema}.rehearsal_posts (
  id uuid primary key,
  account_id uuid not null references {schema}.social_accounts (id) on delete cascade,
  key text not null,
  text text not null,
  images jsonb not null,
  arrived_at timestamptz not null default public.clock(),
  unique (account_id, key)
);

create table {schema}.analytics (
  id uuid primary key,
  job_id uuid not null references {schema}.publish_jobs (id) on delete cascade,
  metric text not null check (metric in ('likes', 'reposts', 'replies', 'quotes')),
  value bigint not null,
  taken_at timestamptz not null default public.clock(),
  unique (job_id, metric, taken_at)
);

create table {schema}.workflows (
  id uuid primary key,
  name text not null check (length(name) between 1 and 120),
  trigger text not null check (trigger in ('publish_job.published')),
  path text not null,
  secret bytea not null,
  active boolean not null default true,
  created_by uuid references {schema}.users (id) on delete set null,
  created_at timestamptz not null default public.clock(),
  updated_at timestamptz not null default public.clock()
);

create table {schema}.workflow_runs (
  id uuid primary key,
  kind text not null check (kind in ('n8n', 'comfyui')),
  workflow_id uuid references {schema}.workflows (id) on delete cascade,
  state text not null check (state in ('waiting', 'running', 'succeeded', 'failed')),
  input jsonb not null,
  answer jsonb,
  outcome text,
  tries integer not null default 0,
  next_try_at timestamptz,
  lease_until timestamptz,
  started_by uuid references {schema}.users (id) on delete set null,
  created_at timestamptz not null default public.clock(),
  ended_at timestamptz
);
create index workflow_runs_due on {schema}.workflow_runs (coalesce(lease_until, next_try_at)) where state in ('waiting', 'running');

create table {schema}.notifications (
  id uuid primary key,
  user_id uuid not null references {schema}.users (id) on delete cascade,
  kind text not null check (kind in ('failed', 'unconfirmed', 'reconnect', 'review', 'changes', 'comment')),
  about text not null,
  path text not null,
  subject_id uuid not null,
  done_at timestamptz,
  created_at timestamptz not null default public.clock()
);
create unique index notifications_open on {schema}.notifications (user_id, kind, subject_id) where done_at is null;

create table {schema}.webhooks (
  id uuid primary key,
  url text not null,
  secret bytea not null,
  events text[] not null default '{}',
  state text not null default 'active' check (state in ('active', 'disabled')),
  created_at timestamptz not null default public.clock(),
  updated_at timestamptz not null default public.clock()
);

create table {schema}.deliveries (
  id uuid primary key,
  kind text not null check (kind in ('mail', 'webhook')),
  webhook_id uuid references {schema}.webhooks (id) on delete cascade,
  state text not null check (state in ('waiting', 'sending', 'delivered', 'failed')),
  body jsonb not null,
  tries integer not null default 0,
  next_try_at timestamptz,
  lease_until timestamptz,
  answer jsonb,
  created_at timestamptz not null default public.clock(),
  ended_at timestamptz
);

create table {schema}.api_keys (
  id uuid primary key,
  name text not null check (length(name) between 1 and 120),
  hint text not null,
  token_hash text not null unique,
  user_id uuid not null references {schema}.users (id) on delete cascade,
  last_used_at timestamptz,
  created_at timestamptz not null default public.clock()
);

create table {schema}.idempotency_keys (
  id uuid primary key,
  owner text not null,
  route text not null,
  key text not null,
  request_hash text not null,
  status integer not null,
  answer text not null,
  created_at timestamptz not null default public.clock(),
  unique (owner, route, key)
);

create table {schema}.events (
  id uuid primary key,
  type text not null,
  user_id uuid references {schema}.users (id) on delete set null,
  subject_id uuid not null,
  data jsonb not null default '{}',
  created_at timestamptz not null default public.clock()
);
create index events_subject on {schema}.events (subject_id);

create trigger touch before update on {schema}.workspace for each row execute function public.update_updated_at_column();
create trigger touch before update on {schema}.users for each row execute function public.update_updated_at_column();
create trigger touch before update on {schema}.teams for each row execute function public.update_updated_at_column();
create trigger touch before update on {schema}.social_accounts for each row execute function public.update_updated_at_column();
create trigger touch before update on {schema}.media for each row execute function public.update_updated_at_column();
create trigger touch before update on {schema}.content for each row execute function public.update_updated_at_column();
create trigger touch before update on {schema}.drafts for each row execute function public.update_updated_at_column();
create trigger touch before update on {schema}.publish_jobs for each row execute function public.update_updated_at_column();
create trigger touch before update on {schema}.workflows for each row execute function public.update_updated_at_column();
create trigger touch before update on {schema}.webhooks for each row execute function public.update_updated_at_column();

-- A saved version and the record of what happened are never rewritten.
revoke update, delete on {schema}.content_versions from {schema};
revoke update, delete on {schema}.events from {schema};
