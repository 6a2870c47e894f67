-- Which rows of the shared tables are a tenant's is told by its role alone. A setting can be made by any SQL inside a
-- scope, so the policies that also read one let a tenant reach another's rows.

alter policy own on public.tenant_due using (role = current_user);
alter policy own on public.sign_in_directory using (role = current_user);

-- Since when nothing that lasts is sealed with a former key. retired_at is the moment it stopped sealing.
alter table public.tenant_keys add column resealed_at timestamptz;
