-- When a published post of a tenant is to be read back next, so that nobody visits those that have none.
alter table public.tenant_due add column read_back_due_at timestamptz;
create index tenant_due_read_back on public.tenant_due (read_back_due_at) where read_back_due_at is not null;
grant update (read_back_due_at) on public.tenant_due to public;
