-- The version before knows no windows: what was sealed with one is no longer what was approved there, so it asks again.
alter table {schema}.approvals drop constraint approvals_window_check;
alter table {schema}.approvals drop column publish_until;
alter table {schema}.approvals drop column publish_from;
