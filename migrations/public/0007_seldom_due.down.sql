drop index public.tenant_due_swept;
drop index public.tenant_due_counts;
alter table public.tenant_due drop column swept_at;
alter table public.tenant_due drop column counts_due_at;
