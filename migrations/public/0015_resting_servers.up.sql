-- Servers of platforms that take no more calls from this installation until then, whoever's accounts they are for.
create table public.resting_servers (
  host text primary key,
  until timestamptz not null
);
grant select, insert, update, delete on public.resting_servers to {app};
