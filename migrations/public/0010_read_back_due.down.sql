drop index public.tenant_due_read_back;
alter table public.tenant_due drop column read_back_due_at;
