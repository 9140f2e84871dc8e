alter table events add column received_at timestamptz;
create index events_received_at on events (received_at);
