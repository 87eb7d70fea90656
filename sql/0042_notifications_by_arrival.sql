-- Freshness is worked out for all agencies at once, from the last four weeks alone.
create index notifications_by_arrival on ops.notifications (agency, received_at);
create index lane_changes_by_time on ops.lane_changes (agency, at);
