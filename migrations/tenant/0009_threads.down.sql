drop index {schema}.publish_jobs_first_comment;
alter table {schema}.publish_jobs drop column first_comment_of;
alter table {schema}.content_versions drop column first_comment;
alter table {schema}.content_versions drop column thread;
