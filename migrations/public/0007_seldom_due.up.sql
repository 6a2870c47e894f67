-- What is done for a tenant now and then, so that nobody visits thousands of tenants that need nothing: when numbers of
-- its posts are to be fetched next, and when it was last swept.
alter table public.tenant_due add column counts_due_at timestamptz;
update public.tenant_due set counts_due_at = now();
alter table public.tenant_due add column swept_at timestamptz not null default now();
create index tenant_due_counts on public.tenant_due (counts_due_at) where counts_due_at is not null;
create index tenant_due_swept on public.tenant_due (swept_at);
grant update (counts_due_at, swept_at) on public.tenant_due to public;
