alter table {schema}.social_accounts drop column rests_until;
