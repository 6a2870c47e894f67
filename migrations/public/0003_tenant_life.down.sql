drop table public.former_slugs;
drop table public.tenant_keys;
alter table public.tenants drop column key_id;
alter table public.tenants drop column erase_after;
alter table public.tenants drop column suspended_at;
alter table public.tenants drop column state_reason;
-- A suspended workspace is served again: the version before knows no such state.
update public.tenants set state = 'active' where state = 'suspended';
alter table public.tenants drop constraint tenants_state_check;
alter table public.tenants add constraint tenants_state_check check (state in ('creating', 'active', 'erasing'));
