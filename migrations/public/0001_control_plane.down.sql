drop table public.sign_in_directory;
drop table public.tenant_due;
drop table public.platforms;
drop table public.timezones;
drop table public.countries;
drop table public.tenants;
drop function public.update_updated_at_column();
drop function public.clock();
