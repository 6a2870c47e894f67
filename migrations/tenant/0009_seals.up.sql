-- What an approval pinned: for each account the post as it would be sent, and its hash. Without an account: what an
-- account gets that was connected later and has no words of its own.
create table {schema}.seals (
  id uuid primary key,
  approval_id uuid not null references {schema}.approvals (id) on delete cascade,
  content_id uuid not null references {schema}.content (id) on delete cascade,
  version_id uuid not null references {schema}.content_versions (id) on delete cascade,
  account_id uuid references {schema}.social_accounts (id) on delete cascade,
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  payload text not null,
  created_at timestamptz not null default public.clock(),
  unique nulls not distinct (approval_id, account_id)
);
create index seals_version on {schema}.seals (version_id, account_id);
create index seals_content on {schema}.seals (content_id);
-- An approval that was taken back because its seal broke, not by a person's word.
alter table {schema}.approvals add column seal_broken boolean not null default false;
create index approvals_version on {schema}.approvals (version_id);

-- What an attempt was about to send, and its hash.
alter table {schema}.publish_attempts add column sent_sha256 text;
alter table {schema}.publish_attempts add column sent text;

-- What stands there of a published post, compared with what was sent.
create table {schema}.read_backs (
  id uuid primary key,
  job_id uuid not null unique references {schema}.publish_jobs (id) on delete cascade,
  state text not null check (state in ('waiting', 'reading', 'same', 'explained', 'different', 'unread')),
  findings jsonb not null default '[]',
  tries integer not null default 0,
  next_try_at timestamptz,
  lease_until timestamptz,
  created_at timestamptz not null default public.clock(),
  ended_at timestamptz
);
create index read_backs_due on {schema}.read_backs (coalesce(lease_until, next_try_at)) where state in ('waiting', 'reading');

alter table {schema}.notifications drop constraint notifications_kind_check;
alter table {schema}.notifications add constraint notifications_kind_check check (kind in ('failed', 'unconfirmed', 'reconnect', 'review', 'changes', 'comment', 'brake', 'different'));
