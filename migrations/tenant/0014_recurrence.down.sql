-- What was made from a rule or a slot stays planned, as posts of their own.
drop index {schema}.slots_one;
drop index {schema}.publish_jobs_slot;
drop index {schema}.publish_jobs_recurrence;
alter table {schema}.publish_jobs drop column occurrence;
alter table {schema}.publish_jobs drop column slot_id;
alter table {schema}.publish_jobs drop column recurrence_id;
drop table {schema}.recurrences;
