drop table public.resting_servers;
