-- The version before knows no first comments: it would send their posts once more.
delete from {schema}.publish_jobs where first_comment_of is not null;
drop index {schema}.publish_jobs_first_comment;
alter table {schema}.publish_jobs drop column first_comment_of;
alter table {schema}.content_versions drop column first_comment;
alter table {schema}.content_versions drop column thread;
