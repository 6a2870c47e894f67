-- Until then the account's platform takes no more posts from it, as its own answers told.
alter table {schema}.social_accounts add column rests_until timestamptz;
