-- Shared by all tenants. {app} is the login that the process runs as; it owns nothing.

create table public.tenants (
  id uuid primary key,
  slug text not null unique check (slug ~ '^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$'),
  schema_name text not null unique check (schema_name ~ '^tenant_[0-9a-f]{8}_[0-9a-f]{4}_[0-9a-f]{4}_[0-9a-f]{4}_[0-9a-f]{12}$'),
  schema_version integer not null default 0,
  migration_error text,
  state text not null default 'creating' check (state in ('creating', 'active', 'erasing')),
  data_key bytea not null,
  created_at timestamptz not null default now()
);

create table public.countries (
  code text primary key check (code ~ '^[A-Z]{2}$'),
  name text not null
);

create table public.timezones (
  name text primary key
);

create table public.platforms (
  id text primary key,
  name text not null,
  limits jsonb not null
);

-- One row a tenant: when it next has something due. A tenant sees and lowers its own row only.
create table public.tenant_due (
  tenant_id uuid primary key references public.tenants (id) on delete cascade,
  role name not null unique check (role::text = 'tenant_' || replace(tenant_id::text, '-', '_')),
  next_due_at timestamptz
) with (fillfactor = 50);
create index tenant_due_next on public.tenant_due (next_due_at) where next_due_at is not null;
alter table public.tenant_due enable row level security;
create policy own on public.tenant_due
  using (role = coalesce(nullif(current_setting('masthead.tenant', true), ''), current_user)::name);
create policy clock on public.tenant_due for select to {app} using (true);

-- Where an address may sign in: keyed hashes only, never an address. The check keeps a tenant from entering another's.
create table public.sign_in_directory (
  address_hash bytea not null,
  role name not null check (role::text = 'tenant_' || replace(tenant_id::text, '-', '_')),
  tenant_id uuid not null references public.tenants (id) on delete cascade,
  primary key (address_hash, tenant_id)
);
create index sign_in_directory_tenant on public.sign_in_directory (tenant_id);
alter table public.sign_in_directory enable row level security;
create policy own on public.sign_in_directory
  using (role = coalesce(nullif(current_setting('masthead.tenant', true), ''), current_user)::name);
create policy sign_in on public.sign_in_directory for select to {app} using (true);

-- The one clock that SQL asks; tests and the demo move it by replacing this function.
create function public.clock() returns timestamptz language sql stable parallel safe as 'select now()';

create function public.update_updated_at_column() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
  new.updated_at = public.clock();
  return new;
end
$$;

revoke create on schema public from public;
grant usage on schema public to public;
grant select on public.countries, public.timezones, public.platforms to public;
grant select, update (next_due_at) on public.tenant_due to public;
grant select, insert, delete on public.sign_in_directory to public;
grant select on public.tenants, public.migrations to {app};
grant execute on function public.clock(), public.update_updated_at_column() to public;
