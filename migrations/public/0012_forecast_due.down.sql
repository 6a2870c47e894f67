alter table public.tenant_due drop column forecast_due_at;
