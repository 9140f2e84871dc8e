drop index if exists events_received_at;
alter table events drop column if exists received_at;
