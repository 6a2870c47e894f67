alter table public.tenant_keys drop column resealed_at;

alter policy own on public.sign_in_directory
  using (role = coalesce(nullif(current_setting('masthead.tenant', true), ''), current_user)::name);
alter policy own on public.tenant_due
  using (role = coalesce(nullif(current_setting('masthead.tenant', true), ''), current_user)::name);
