-- The version before sends no mail: what waits would keep it looking for ever.
delete from {schema}.deliveries where kind = 'mail';
alter table {schema}.users drop column by_mail;
drop index {schema}.deliveries_subject;
drop index {schema}.deliveries_due;
alter table {schema}.deliveries drop constraint deliveries_mail;
alter table {schema}.deliveries drop column sealed;
alter table {schema}.deliveries drop column user_id;
alter table {schema}.deliveries drop column subject_id;
alter table {schema}.deliveries drop column purpose;
