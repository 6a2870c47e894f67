-- A piece may go on in further parts, a thread, and may be followed by a first comment of its own.
alter table {schema}.content_versions add column thread jsonb not null default '[]';
alter table {schema}.content_versions add column first_comment text not null default '';
-- A first comment is a job of its own, planned when its post is out.
alter table {schema}.publish_jobs add column first_comment_of uuid;
create unique index publish_jobs_first_comment on {schema}.publish_jobs (first_comment_of) where first_comment_of is not null;
