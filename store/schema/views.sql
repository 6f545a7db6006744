-- views
CREATE VIEW log_count AS
SELECT signature, at_ms - at_ms % 60000 AS minute_ms, count(*) AS matches FROM log_match GROUP BY 1, 2;

