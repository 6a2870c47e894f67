-- When what was approved may go out: from the first moment on, and before the second. It is a part of what is sealed.
alter table {schema}.approvals add column publish_from timestamptz;
alter table {schema}.approvals add column publish_until timestamptz;
alter table {schema}.approvals add constraint approvals_window_check check (publish_until > publish_from);
