-- A tenant may be suspended, await its erasure, change its slug, and have more than one data key.

alter table public.tenants drop constraint tenants_state_check;
alter table public.tenants add constraint tenants_state_check
  check (state in ('creating', 'active', 'suspended', 'erasing'));
-- Why it is suspended, in words for its people.
alter table public.tenants add column state_reason text;
alter table public.tenants add column suspended_at timestamptz;
-- Set while an erasure can still be taken back: it is carried out after this moment.
alter table public.tenants add column erase_after timestamptz;
-- Which key data_key is; sealed bytes name the key they open with.
alter table public.tenants add column key_id integer not null default 1 check (key_id between 1 and 65535);

-- The keys that are not in use for sealing: one that every process shall know before it is, and former ones.
create table public.tenant_keys (
  tenant_id uuid not null references public.tenants (id) on delete cascade,
  key_id integer not null check (key_id between 1 and 65535),
  data_key bytea not null,
  made_at timestamptz not null default now(),
  retired_at timestamptz,
  primary key (tenant_id, key_id)
);

-- Addresses a workspace had before: they lead to it, and nobody else may take them.
create table public.former_slugs (
  slug text primary key,
  tenant_id uuid not null references public.tenants (id) on delete cascade,
  since timestamptz not null default now()
);
create index former_slugs_tenant on public.former_slugs (tenant_id);

grant select on public.tenant_keys, public.former_slugs to {app};
