-- When each tenant's next seven days are rehearsed next: each night, in the zone of its workspace.
alter table public.tenant_due add column forecast_due_at timestamptz;
create index tenant_due_forecast on public.tenant_due (forecast_due_at nulls first);
grant update (forecast_due_at) on public.tenant_due to public;
