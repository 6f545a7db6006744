-- The views of a case, schema version 1: from rows to states, one view per step of the reasoning.
-- They read only the case, never the clock. No view holds a limit: limits are rows of `definition`. `asked` says at which instant, with
-- which knowledge and over which run to judge; this stored one asks for the end of the evidence. To ask for another instant, make a
-- TEMP table or view `asked` with one such row and the texts below as TEMP views: unqualified names then find those first.
-- `WITH step AS MATERIALIZED` keeps a step from being dissolved into the next one, which SQLite's limit of 64 joined tables forbids;
-- edges are made by a cross join with (1), (-1), so that no step is computed twice. Windows are half-open [from, to).
-- Statements end with a semicolon and an empty line; each rests only on those above it.

CREATE VIEW stream_frontier AS
-- Latest covered end per stream of the newest edition, as far as it has settled; a reading of an instant counts one millisecond further.
SELECT s.stream, s.edition, max(
    ifnull((SELECT min(c.to_ms, c.collected_ms - s.settle_ms) FROM coverage c
             WHERE c.stream = s.stream AND c.from_ms < c.to_ms
               AND NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = c.collection)
               AND NOT EXISTS (SELECT 1 FROM collection_end e WHERE e.collection = c.collection AND e.status <> 'ok')
             ORDER BY c.to_ms DESC LIMIT 1), 0),
    ifnull((SELECT p.at_ms + 1 FROM snapshot p WHERE p.stream = s.stream
               AND NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = p.collection)
             ORDER BY p.at_ms DESC LIMIT 1), 0),
    ifnull((SELECT p.at_ms + 1 FROM probe p WHERE p.stream = s.stream
               AND NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = p.collection)
             ORDER BY p.at_ms DESC LIMIT 1), 0),
    ifnull((SELECT max((SELECT max(p.at_ms) + 1 FROM gauge p WHERE p.stream = s.stream AND p.series = d.series
               AND NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = p.collection)))
              FROM definition d WHERE d.edition = s.edition AND d.series IS NOT NULL), 0)) AS frontier_ms
FROM source s
WHERE s.edition = (SELECT max(id) FROM edition);

CREATE VIEW asked AS
-- The question: judge at as_of_ms, knowing what was stored up to known_seq, over the run since scope_start_ms (NULL: no run), by the
-- conditions of an edition. live = 1 lets a condition that was watched until a moment ago be judged at that moment. With a run, trend and
-- queue may look back to history_start_ms, if that is earlier: they speak of what came before, and only trips inside the run count.
SELECT coalesce(nullif((SELECT max(frontier_ms) FROM stream_frontier), 0), (SELECT max(at_ms) FROM chain), 0) AS as_of_ms,
       (SELECT max(seq) FROM chain) AS known_seq,
       (SELECT start_ms FROM scope ORDER BY id DESC LIMIT 1) AS scope_start_ms,
       0 AS live,
       (SELECT max(id) FROM edition) AS edition,
       NULL AS history_start_ms;

CREATE VIEW reach AS
-- Per condition: how far back coverage and matches may matter for this question. With a scope start, nothing before it does; that of trend
-- and queue may lie before the start of the run.
WITH step AS MATERIALIZED (
SELECT d.*, max(ifnull(d.scope_start_ms, 0), CASE WHEN d.scope_start_ms IS NOT NULL AND d.kind IN ('trend', 'ratio') THEN 0
           ELSE d.as_of_ms - d.live * d.stale_after_ms
                - CASE d.kind WHEN 'trend' THEN (d.rises + 2) * d.window_ms WHEN 'ratio' THEN d.window_ms + 60000 ELSE d.window_ms END
           END) AS cover_from_ms,
       ifnull(d.scope_start_ms, d.as_of_ms - d.live * d.stale_after_ms
              - CASE d.kind WHEN 'trend' THEN (d.rises + 2) * d.window_ms ELSE d.window_ms END) AS match_from_ms
FROM (SELECT d.*, a.as_of_ms - CASE d.kind WHEN 'ratio' THEN a.as_of_ms % 60000 ELSE 0 END AS as_of_ms, a.known_seq, a.live, a.scope_start_ms AS run_start_ms,
             CASE WHEN d.kind IN ('trend', 'queue') THEN min(a.scope_start_ms, ifnull(a.history_start_ms, a.scope_start_ms))
                  ELSE a.scope_start_ms END AS scope_start_ms
      FROM asked a CROSS JOIN definition d ON d.edition = a.edition) AS d)
SELECT * FROM step;

CREATE VIEW stretch AS
-- Unbroken captures per condition and stream, each up to where it has settled. Failed and truncated collections cover nothing; one
-- without an end is open or lost, and counts as its coverage says.
SELECT g.definition, g.stream, g.collection, g.from_ms, g.to_ms FROM (
    SELECT r.id AS definition, s.stream, c.collection, c.from_ms, r.known_seq,
           max(min(c.to_ms, c.collected_ms - s.settle_ms, r.as_of_ms)) AS to_ms
    FROM reach r CROSS JOIN definition_stream s ON s.definition = r.id
         CROSS JOIN coverage c ON c.stream = s.stream AND c.to_ms > r.cover_from_ms AND c.seq <= r.known_seq AND c.from_ms < r.as_of_ms
    GROUP BY r.id, s.stream, c.collection, c.from_ms) AS g
WHERE NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = g.collection AND x.seq <= g.known_seq)
  AND NOT EXISTS (SELECT 1 FROM collection_end e WHERE e.collection = g.collection AND e.status <> 'ok' AND e.seq <= g.known_seq);

CREATE VIEW lane AS
-- What must all be watched before a condition may claim that nothing happened: each of its streams, for each of its signatures.
SELECT r.id AS definition, s.stream, s.settle_ms, ifnull(g.signature, '') AS signature, g.sha256,
       r.as_of_ms, r.known_seq, ifnull(r.scope_start_ms, 0) AS scope_start_ms, r.cover_from_ms
FROM reach r CROSS JOIN definition_stream s ON s.definition = r.id
     LEFT JOIN definition_signature g ON g.definition = r.id;

CREATE VIEW watched AS
-- Time that was watched per lane. A collection covers a signature only if it looked for the same text and its form could show it.
SELECT l.definition, l.stream, l.signature, max(t.from_ms + ifnull(f.delay_ms, 0), l.cover_from_ms) AS from_ms, t.to_ms
FROM lane l JOIN stretch t ON t.definition = l.definition AND t.stream = l.stream
     LEFT JOIN looked_for f INDEXED BY sqlite_autoindex_looked_for_1 ON f.collection = t.collection AND f.signature = l.signature
WHERE max(t.from_ms + ifnull(f.delay_ms, 0), l.cover_from_ms) < t.to_ms
  AND (l.signature = '' OR (f.sha256 = l.sha256 AND f.can_prove = 1));

CREATE VIEW island AS
-- The union of watched time per lane: overlaps merge and pay for nothing twice.
SELECT definition, stream, signature, min(from_ms) AS from_ms, max(to_ms) AS to_ms
FROM (SELECT *, sum(reached IS NULL OR from_ms > reached) OVER (PARTITION BY definition, stream, signature ORDER BY from_ms, to_ms
                                                                 ROWS UNBOUNDED PRECEDING) AS number
      FROM (SELECT *, max(to_ms) OVER (PARTITION BY definition, stream, signature ORDER BY from_ms, to_ms
                                       ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW) AS reached FROM watched))
GROUP BY definition, stream, signature, number;

CREATE VIEW covered AS
-- The intersection over lanes: spans in which everything that the condition needs was watched.
SELECT definition, at_ms AS from_ms, until_ms AS to_ms
FROM (SELECT definition, at_ms, sum(change) OVER (PARTITION BY definition ORDER BY at_ms ROWS UNBOUNDED PRECEDING) AS depth,
             lead(at_ms) OVER (PARTITION BY definition ORDER BY at_ms) AS until_ms
      FROM (SELECT i.definition, CASE edge.column1 WHEN 1 THEN i.from_ms ELSE i.to_ms END AS at_ms, sum(edge.column1) AS change
            FROM island i CROSS JOIN (VALUES (1), (-1)) AS edge GROUP BY 1, 2)) AS sweep
WHERE until_ms IS NOT NULL
  AND depth = (SELECT count(*) FROM definition_stream s WHERE s.definition = sweep.definition)
            * max(1, (SELECT count(*) FROM definition_signature g WHERE g.definition = sweep.definition));

CREATE VIEW lane_frontier AS
-- Latest watched end per lane; one before the reach is looked up by index, among the newest captures. Where there is none, why (1 is worst): 1 never collected,
-- 2 only failures, 3 not looked for, 4 the form cannot prove it, 5 nothing of the time that counts here.
SELECT b.definition, b.frontier_ms, CASE
        WHEN b.frontier_ms IS NOT NULL THEN NULL
        WHEN NOT EXISTS (SELECT 1 FROM collection k INDEXED BY collection_stream WHERE k.stream = b.stream AND k.seq <= b.known_seq
                           AND NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = k.id AND x.seq <= b.known_seq)) THEN 1
        WHEN NOT EXISTS (SELECT 1 FROM collection k INDEXED BY collection_stream WHERE k.stream = b.stream AND k.seq <= b.known_seq
                           AND NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = k.id AND x.seq <= b.known_seq)
                           AND NOT EXISTS (SELECT 1 FROM collection_end e WHERE e.collection = k.id AND e.status <> 'ok' AND e.seq <= b.known_seq)) THEN 2
        WHEN b.signature <> '' AND EXISTS (SELECT 1 FROM collection k INDEXED BY collection_stream CROSS JOIN looked_for f INDEXED BY sqlite_autoindex_looked_for_1 ON f.collection = k.id
                         WHERE k.stream = b.stream AND k.seq <= b.known_seq AND f.signature = b.signature AND f.sha256 = b.sha256 AND f.can_prove = 0
                           AND NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = k.id AND x.seq <= b.known_seq)) THEN 4
        WHEN b.signature <> '' AND NOT EXISTS (SELECT 1 FROM collection k INDEXED BY collection_stream CROSS JOIN looked_for f INDEXED BY sqlite_autoindex_looked_for_1 ON f.collection = k.id
                         WHERE k.stream = b.stream AND k.seq <= b.known_seq AND f.signature = b.signature AND f.sha256 = b.sha256
                           AND NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = k.id AND x.seq <= b.known_seq)) THEN 3
        WHEN NOT EXISTS (SELECT 1 FROM coverage c INDEXED BY coverage_stream WHERE c.stream = b.stream AND c.seq <= b.known_seq) THEN 4
        ELSE 5 END AS missing
FROM (SELECT l.*, coalesce(i.to_ms, (SELECT max(end_ms) FROM (
                 SELECT min(c.to_ms, c.collected_ms - l.settle_ms, l.as_of_ms) AS end_ms FROM coverage c
                   LEFT JOIN looked_for f INDEXED BY sqlite_autoindex_looked_for_1 ON f.collection = c.collection AND f.signature = l.signature
                  WHERE c.stream = l.stream AND c.to_ms > l.scope_start_ms AND c.from_ms < l.as_of_ms AND c.seq <= l.known_seq
                    AND max(c.from_ms + ifnull(f.delay_ms, 0), l.scope_start_ms) < min(c.to_ms, c.collected_ms - l.settle_ms, l.as_of_ms)
                    AND (l.signature = '' OR (f.sha256 = l.sha256 AND f.can_prove = 1))
                    AND NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = c.collection AND x.seq <= l.known_seq)
                    AND NOT EXISTS (SELECT 1 FROM collection_end e WHERE e.collection = c.collection AND e.status <> 'ok' AND e.seq <= l.known_seq)
                  ORDER BY c.to_ms DESC LIMIT 100))) AS frontier_ms
      FROM lane l LEFT JOIN (SELECT definition, stream, signature, max(to_ms) AS to_ms FROM island GROUP BY definition, stream, signature) AS i
           ON i.definition = l.definition AND i.stream = l.stream AND i.signature = l.signature) AS b;

CREATE VIEW judged AS
-- Per condition: the instant at which it is judged and its window [from, to). An exact question is judged at its own instant; a live
-- one at the frontier while that is fresh, so that it can be ok between two polls. A ratio goes by whole minutes, a trend by whole tiles.
WITH step AS MATERIALIZED (
SELECT t.id AS definition, t.*, t.instant_ms - CASE t.kind WHEN 'ratio' THEN t.instant_ms % 60000 ELSE 0 END AS at_ms,
       CASE t.kind WHEN 'trend' THEN t.instant_ms - t.instant_ms % t.window_ms - (t.rises + 1) * t.window_ms
                   WHEN 'level' THEN t.instant_ms - t.for_ms
                   WHEN 'ratio' THEN t.instant_ms - t.instant_ms % 60000 - t.window_ms
                   ELSE t.instant_ms - t.window_ms END AS from_ms,
       CASE t.kind WHEN 'trend' THEN t.instant_ms - t.instant_ms % t.window_ms
                   WHEN 'ratio' THEN t.instant_ms - t.instant_ms % 60000 ELSE t.instant_ms END AS to_ms,
       CASE t.kind WHEN 'trend' THEN (t.rises + 1) * t.window_ms WHEN 'level' THEN t.for_ms ELSE t.window_ms END AS want_ms
FROM (SELECT r.*, b.frontier_ms, b.missing,
             CASE WHEN r.live AND r.kind IN ('count', 'burst', 'trend', 'loop', 'ratio') AND b.missing IS NULL
                       AND r.as_of_ms - b.frontier_ms <= r.stale_after_ms THEN b.frontier_ms ELSE r.as_of_ms END AS instant_ms
      FROM reach r LEFT JOIN (SELECT definition, CASE WHEN count(missing) = 0 THEN min(frontier_ms) END AS frontier_ms, min(missing) AS missing
                              FROM lane_frontier GROUP BY definition) AS b ON b.definition = r.id) AS t)
SELECT * FROM step;

CREATE VIEW window_coverage AS
-- Watched milliseconds of each window, whether everything since the scope start was watched, and since when nothing is missing.
SELECT j.definition, ifnull(sum(max(0, min(c.to_ms, j.to_ms) - max(c.from_ms, j.from_ms))), 0) AS covered_ms,
       j.scope_start_ms > j.from_ms
         AND ifnull(sum(max(0, min(c.to_ms, j.at_ms) - max(c.from_ms, j.scope_start_ms))), 0) = j.at_ms - j.scope_start_ms AS since_scope,
       max(CASE WHEN c.from_ms <= j.to_ms AND c.to_ms >= j.to_ms THEN c.from_ms END) AS unbroken_ms
FROM judged j LEFT JOIN covered c ON c.definition = j.definition
GROUP BY j.definition;

CREATE VIEW skew AS
-- Largest difference between the clocks of two streams of one condition, over the collections that cover its window.
SELECT definition, max(high - low_elsewhere) AS skew_ms
FROM (SELECT definition, high, min(low) OVER (PARTITION BY definition ORDER BY stream ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
                                              EXCLUDE CURRENT ROW) AS low_elsewhere
      FROM (SELECT t.definition, t.stream, max(k.skew_ms) AS high, min(k.skew_ms) AS low
            FROM judged j JOIN stretch t ON t.definition = j.definition JOIN collection k ON k.id = t.collection
            WHERE t.to_ms > j.from_ms AND t.from_ms < j.to_ms GROUP BY t.definition, t.stream))
GROUP BY definition;

CREATE VIEW sighting AS
-- Log matches within reach of each condition, by signature or, for a loop, by group. The kind goes with them so that SQLite reads only
-- the matches of the kinds that a view asks for.
SELECT r.id AS definition, r.kind, m.stream, m."key", '' AS "group", m.at_ms, m.certain, m.collection, r.match_from_ms, r.known_seq
FROM reach r CROSS JOIN definition_signature g ON g.definition = r.id
     CROSS JOIN log_match m ON m.signature = g.signature AND m.at_ms >= r.match_from_ms AND m.at_ms < r.as_of_ms AND m.seq <= r.known_seq
     CROSS JOIN definition_stream s ON s.definition = r.id AND s.stream = m.stream
WHERE r.kind IN ('count', 'burst', 'trend')
UNION ALL
SELECT r.id, r.kind, m.stream, m."key", m."group", m.at_ms, m.certain, m.collection, r.match_from_ms, r.known_seq
FROM reach r CROSS JOIN definition_group g ON g.definition = r.id
     CROSS JOIN log_match m ON m."group" = g."group" AND m.at_ms >= r.match_from_ms AND m.at_ms < r.as_of_ms AND m.seq <= r.known_seq
     CROSS JOIN definition_stream s ON s.definition = r.id AND s.stream = m.stream
WHERE r.kind = 'loop';

CREATE VIEW failure AS
-- Each failure once, at its earliest known time; one that was already seen before the reach belongs to that earlier time.
SELECT e.definition, e.kind, e.at_ms, e."group", e.certain, e.stream, e."key"
FROM (SELECT definition, kind, stream, "key", "group", match_from_ms, known_seq, max(certain) AS certain,
             ifnull(min(CASE WHEN certain = 1 THEN at_ms END), min(at_ms)) AS at_ms
      FROM sighting s
      WHERE NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = s.collection AND x.seq <= s.known_seq)
      GROUP BY definition, kind, stream, "key", "group") AS e
WHERE NOT EXISTS (
    SELECT 1 FROM log_match m
    WHERE m."key" = e."key" AND m.stream = e.stream AND m.at_ms < e.match_from_ms AND m.seq <= e.known_seq AND m.certain >= e.certain
      AND CASE e."group" WHEN '' THEN EXISTS (SELECT 1 FROM definition_signature g WHERE g.definition = e.definition AND g.signature = m.signature)
                         ELSE m."group" = e."group" END
      AND NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = m.collection AND x.seq <= e.known_seq));

CREATE VIEW frame AS
-- The spans in which count, burst and loop are looked at: 1 the judged window, 2 on a live question the window that ends at the clock,
-- 3 with a scope start the whole run.
SELECT j.definition, f.column1 AS frame, j.kind, j.op, j.limit_value, j.watch_percent, j.window_ms, ifnull(j.slice_ms, j.window_ms) AS slice_ms,
       max(ifnull(j.scope_start_ms, 0), CASE f.column1 WHEN 1 THEN j.from_ms WHEN 2 THEN j.as_of_ms - j.window_ms ELSE 0 END) AS from_ms,
       CASE f.column1 WHEN 1 THEN j.to_ms ELSE j.as_of_ms END AS to_ms
FROM judged j CROSS JOIN (VALUES (1), (2), (3)) AS f
WHERE j.kind IN ('count', 'burst', 'loop') AND (f.column1 = 1 OR (f.column1 = 2 AND j.as_of_ms <> j.at_ms) OR (f.column1 = 3 AND j.scope_start_ms IS NOT NULL));

CREATE VIEW crowd AS
-- Count and burst: failures inside the slice that ends at each instant of a frame; a count is a burst whose slice is the window. Each
-- failure enters at its time and leaves one slice later. A trip is complete one millisecond after the failure that exceeds the limit.
SELECT f.definition, f.frame, f.op, f.limit_value, f.watch_percent, f.window_ms, f.slice_ms, w.at_ms, w.inside, w.unsure, w.entered,
       CASE f.op WHEN '>' THEN w.inside > f.limit_value ELSE w.inside >= f.limit_value END AS over
FROM frame f LEFT JOIN (
    SELECT definition, frame, at_ms, sum(sum(change)) OVER sofar AS inside, sum(sum(doubt)) OVER sofar AS unsure,
           sum(sum(max(change, 0))) OVER sofar AS entered
    FROM (SELECT f.definition, f.frame, CASE edge.column1 WHEN 1 THEN e.at_ms ELSE e.at_ms + f.slice_ms END AS at_ms,
                 edge.column1 * e.certain AS change, edge.column1 * (1 - e.certain) AS doubt
          FROM frame f JOIN failure e ON e.definition = f.definition AND e.kind IN ('count', 'burst') AND e.at_ms >= f.from_ms AND e.at_ms < f.to_ms
               CROSS JOIN (VALUES (1), (-1)) AS edge
          WHERE f.kind IN ('count', 'burst') AND (edge.column1 = 1 OR e.at_ms + f.slice_ms < f.to_ms))
    GROUP BY definition, frame, at_ms
    WINDOW sofar AS (PARTITION BY definition, frame ORDER BY at_ms ROWS UNBOUNDED PRECEDING)) AS w
    ON w.definition = f.definition AND w.frame = f.frame
WHERE f.kind IN ('count', 'burst');

CREATE VIEW crowd_peak AS
-- Count and burst per frame: the most failures in one slice, when that first exceeded the limit, and when it could be quiet again: once
-- the failure has left the window that ended the last crowd, or, where that crowd lasts to the end, the one that leaves too few behind.
SELECT definition, frame, ifnull(max(inside), 0) AS value, ifnull(max(unsure), 0) AS unsure, ifnull(max(over), 0) AS over,
       min(CASE WHEN over THEN at_ms END) AS over_ms,
       CASE WHEN crowded_ms IS NOT NULL
            THEN ifnull(min(CASE WHEN at_ms > crowded_ms THEN at_ms END) - slice_ms,
                        min(CASE WHEN behind = 0 OR behind * 100 < limit_value * watch_percent THEN at_ms END)) + window_ms + 1 END AS quiet_ms
FROM (SELECT *, max(entered) OVER frames - entered AS behind,
             max(CASE WHEN inside > 0 AND inside * 100 >= limit_value * watch_percent THEN at_ms END) OVER frames AS crowded_ms
      FROM crowd WINDOW frames AS (PARTITION BY definition, frame))
GROUP BY definition, frame;

CREATE VIEW loop_anchor AS
-- Loop: failures at which a slice begins that holds one failure of every group, and the failure that completes it.
SELECT definition, at_ms, max(next_ms) AS complete_ms
FROM (SELECT e.definition, e.at_ms, r.slice_ms,
             min(CASE WHEN e."group" = g."group" THEN e.at_ms END) OVER (PARTITION BY e.definition, g."group" ORDER BY e.at_ms DESC) AS next_ms
      FROM failure e JOIN definition r ON r.id = e.definition AND r.kind = 'loop' JOIN definition_group g ON g.definition = e.definition
      WHERE e.kind = 'loop')
GROUP BY definition, at_ms
HAVING count(next_ms) = count(*) AND max(next_ms) < at_ms + max(slice_ms);

CREATE VIEW loop_slice AS
-- Distinct slices per frame, chosen greedily from the earliest anchor, which gives the most.
WITH RECURSIVE anchor AS MATERIALIZED (
    SELECT f.definition, f.frame, a.at_ms, f.slice_ms
    FROM frame f JOIN loop_anchor a ON a.definition = f.definition AND a.at_ms >= f.from_ms AND a.complete_ms < f.to_ms
    WHERE f.kind = 'loop' AND f.frame < 3),
chosen (definition, frame, at_ms, slice_ms) AS (
    SELECT definition, frame, min(at_ms), slice_ms FROM anchor GROUP BY definition, frame
    UNION ALL
    SELECT c.definition, c.frame, (SELECT min(a.at_ms) FROM anchor a WHERE a.definition = c.definition AND a.frame = c.frame
                                      AND a.at_ms >= c.at_ms + c.slice_ms), c.slice_ms
    FROM chosen c WHERE c.at_ms IS NOT NULL)
SELECT definition, frame, at_ms FROM chosen WHERE at_ms IS NOT NULL;

CREATE VIEW loop_trip AS
-- Loop: the first instant at which enough distinct slices lie in one window. From every anchor hop back to the newest anchor at least one
-- slice earlier; the chain that starts latest decides.
WITH RECURSIVE anchor AS MATERIALIZED (
    SELECT a.definition, a.at_ms, a.complete_ms, d.slice_ms, d.window_ms,
           CASE d.op WHEN '>' THEN d.limit_value + 1 ELSE max(d.limit_value, 1) END AS needed
    FROM loop_anchor a JOIN reach d ON d.id = a.definition WHERE d.scope_start_ms IS NOT NULL),
hop AS MATERIALIZED (
    SELECT definition, for_ms, newest AS back_ms
    FROM (SELECT definition, for_ms, asks, max(own_ms) OVER (PARTITION BY definition ORDER BY at_ms, asks ROWS UNBOUNDED PRECEDING) AS newest
          FROM (SELECT definition, at_ms - asks.column1 * slice_ms AS at_ms, asks.column1 AS asks,
                       CASE asks.column1 WHEN 0 THEN at_ms END AS own_ms, at_ms AS for_ms
                FROM anchor CROSS JOIN (VALUES (0), (1)) AS asks))
    WHERE asks = 1 AND newest IS NOT NULL),
chosen (definition, complete_ms, at_ms, held, needed, window_ms) AS (
    SELECT definition, complete_ms, at_ms, 1, needed, window_ms FROM anchor
    UNION ALL
    SELECT c.definition, c.complete_ms, h.back_ms, c.held + 1, c.needed, c.window_ms
    FROM chosen c JOIN hop h ON h.definition = c.definition AND h.for_ms = c.at_ms
    WHERE c.held < c.needed AND h.back_ms >= c.complete_ms + 1 - c.window_ms)
SELECT definition, min(complete_ms) + 1 AS first_trip_ms FROM chosen
WHERE held = needed AND at_ms >= complete_ms + 1 - window_ms GROUP BY definition;

CREATE VIEW tile AS
-- Trend: complete epoch-aligned tiles up to the judged instant, each with its failures and whether all of it was watched.
WITH RECURSIVE span (definition, rises, floor, z2_micro, window_ms, from_ms, last_ms) AS (
    SELECT definition, rises, floor, z2_micro, window_ms,
           min(from_ms, CASE WHEN scope_start_ms IS NULL THEN from_ms ELSE scope_start_ms - scope_start_ms % window_ms END), to_ms
    FROM judged WHERE kind = 'trend'
    UNION ALL
    SELECT definition, rises, floor, z2_micro, window_ms, from_ms + window_ms, last_ms FROM span WHERE from_ms + window_ms < last_ms)
SELECT s.definition, s.rises, s.floor, s.z2_micro, s.window_ms, s.from_ms, s.from_ms + s.window_ms AS to_ms, s.last_ms,
       ifnull(n.failures, 0) AS failures,
       (SELECT ifnull(sum(max(0, min(c.to_ms, s.from_ms + s.window_ms) - max(c.from_ms, s.from_ms))), 0) FROM covered c
         WHERE c.definition = s.definition) = s.window_ms AS full
FROM span s LEFT JOIN (SELECT e.definition, e.at_ms - e.at_ms % d.window_ms AS from_ms, count(*) AS failures
                       FROM failure e JOIN definition d ON d.id = e.definition AND d.kind = 'trend' WHERE e.kind = 'trend' AND e.certain = 1 GROUP BY 1, 2) AS n
     ON n.definition = s.definition AND n.from_ms = s.from_ms;

CREATE VIEW trend_end AS
-- Trend at the end of each tile: `rises` rises in a row, the newest tile at the floor or above, the whole rise significant (score test
-- without a square root), all of it watched; and the same for the newest pair alone.
SELECT definition, to_ms, last_ms, failures, counts,
       failures >= floor AND number - last_fall >= rises AND number - last_hole > rises
         AND (failures - first) * (failures - first) * 1000000 >= z2_micro * (failures + first) AS tripped,
       failures >= floor AND failures > before AND number - last_hole > 1
         AND (failures - before) * (failures - before) * 1000000 >= z2_micro * (failures + before) AS paired
FROM (SELECT *, max(CASE WHEN before IS NULL OR failures <= before THEN number ELSE 0 END) OVER sofar AS last_fall,
             max(CASE WHEN full THEN 0 ELSE number END) OVER sofar AS last_hole
      FROM (SELECT *, row_number() OVER sofar AS number, lag(failures) OVER sofar AS before, lag(failures, rises) OVER sofar AS first,
                   json_group_array(failures) OVER (PARTITION BY definition ORDER BY from_ms ROWS UNBOUNDED PRECEDING) AS counts
            FROM tile WINDOW sofar AS (PARTITION BY definition ORDER BY from_ms))
      WINDOW sofar AS (PARTITION BY definition ORDER BY from_ms ROWS UNBOUNDED PRECEDING));

CREATE VIEW sound_snapshot AS
-- Snapshots that queue conditions may use: known, not withdrawn, of collections that did not fail and were not cut.
SELECT r.id AS definition, p.id, p.stream, p.at_ms, p.pending + p.running AS depth, p.failed, p.collection
FROM reach r CROSS JOIN definition_stream s ON s.definition = r.id CROSS JOIN snapshot p ON p.stream = s.stream AND p.at_ms < r.as_of_ms AND p.seq <= r.known_seq
WHERE r.kind = 'queue'
  AND p.at_ms >= ifnull(r.scope_start_ms, ifnull((SELECT n.at_ms FROM snapshot n WHERE n.stream = s.stream AND n.at_ms < (
            SELECT l.at_ms FROM snapshot l WHERE l.stream = s.stream AND l.at_ms < r.as_of_ms AND l.seq <= r.known_seq
               AND NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = l.collection AND x.seq <= r.known_seq)
               AND NOT EXISTS (SELECT 1 FROM collection_end e WHERE e.collection = l.collection AND e.status <> 'ok' AND e.seq <= r.known_seq)
             ORDER BY l.at_ms DESC LIMIT 1) - r.window_ms - r.max_gap_ms AND n.seq <= r.known_seq
               AND NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = n.collection AND x.seq <= r.known_seq)
               AND NOT EXISTS (SELECT 1 FROM collection_end e WHERE e.collection = n.collection AND e.status <> 'ok' AND e.seq <= r.known_seq)
             ORDER BY n.at_ms DESC LIMIT 1), 0))
  AND NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = p.collection AND x.seq <= r.known_seq)
  AND NOT EXISTS (SELECT 1 FROM collection_end e WHERE e.collection = p.collection AND e.status <> 'ok' AND e.seq <= r.known_seq);

CREATE VIEW queue_reading AS
-- Queue: depth at each instant; of several readings of one instant the one collected last. Without a run it is enough to go back one
-- window and one gap from the newest reading, and to the one reading before that, which tells a gap from a beginning.
SELECT definition, as_of_ms, at_ms, depth, failed, window_ms, max_gap_ms, min_snapshots, min_growth, scope_start_ms FROM (
    SELECT p.definition, r.as_of_ms, p.at_ms, p.depth, p.failed, r.window_ms, r.max_gap_ms, r.min_snapshots, r.min_growth, r.scope_start_ms,
           row_number() OVER (PARTITION BY p.definition, p.at_ms ORDER BY k.collected_ms DESC, p.depth DESC, p.failed DESC) AS place
    FROM sound_snapshot p JOIN reach r ON r.id = p.definition JOIN collection k ON k.id = p.collection)
WHERE place = 1;

CREATE VIEW queue_run AS
-- Queue: readings numbered by chain (no gap above max_gap) and by tail (part of a chain without any decrease).
SELECT *, sum(broken) OVER sofar AS chain, sum(broken OR dropped) OVER sofar AS tail, row_number() OVER sofar AS number
FROM (SELECT *, ifnull(at_ms - lag(at_ms) OVER (PARTITION BY definition ORDER BY at_ms) > max_gap_ms, 0) AS broken,
             ifnull(depth < lag(depth) OVER (PARTITION BY definition ORDER BY at_ms), 0) AS dropped
      FROM queue_reading)
WINDOW sofar AS (PARTITION BY definition ORDER BY at_ms ROWS UNBOUNDED PRECEDING);

CREATE VIEW queue_end AS
-- Queue at each reading: growth since its anchor, the newest reading of the same tail that is at least one window older.
SELECT *, snapshots >= min_snapshots AND growth >= min_growth AS tripped, row_number() OVER (PARTITION BY definition ORDER BY at_ms DESC) AS age
FROM (SELECT *, number - max(CASE WHEN ripe = 1 THEN number END) OVER anchor + 1 AS snapshots,
             depth - max(CASE WHEN ripe = 1 THEN depth END) OVER anchor AS growth,
             max(CASE WHEN ripe = 1 THEN depth END) OVER anchor AS anchor_depth,
             min(at_ms) OVER (PARTITION BY definition, chain, ripe ORDER BY at_ms ROWS UNBOUNDED PRECEDING) AS chain_from_ms,
             count(*) OVER (PARTITION BY definition, chain, ripe ORDER BY at_ms ROWS UNBOUNDED PRECEDING) AS chain_length,
             first_value(depth) OVER (PARTITION BY definition, chain, ripe ORDER BY at_ms) AS chain_depth,
             first_value(failed) OVER (PARTITION BY definition, chain, ripe ORDER BY at_ms) AS chain_failed,
             min(at_ms) OVER (PARTITION BY definition, tail, ripe ORDER BY at_ms ROWS UNBOUNDED PRECEDING) AS tail_from_ms,
             first_value(depth) OVER (PARTITION BY definition, tail, ripe ORDER BY at_ms) AS tail_depth
      FROM queue_run CROSS JOIN (SELECT column1 AS ripe FROM (VALUES (0), (1)))
      WINDOW anchor AS (PARTITION BY definition, tail ORDER BY at_ms + ripe * window_ms, 1 - ripe ROWS UNBOUNDED PRECEDING))
WHERE ripe = 0;

CREATE VIEW run_cell AS
-- Ratio: one cell per minute of the ledger; sound collections first, then the one collected last.
SELECT definition, minute_ms, total, failures, running FROM (
    SELECT r.id AS definition, p.minute_ms, p.total, p.failures, p.running,
           row_number() OVER (PARTITION BY r.id, p.stream, p.minute_ms
                              ORDER BY ifnull(e.status, 'ok') = 'ok' DESC, k.collected_ms DESC, p.failures DESC, p.total DESC) AS place
    FROM reach r CROSS JOIN definition_stream s ON s.definition = r.id
         CROSS JOIN run_count p ON p.stream = s.stream AND p."of" = r."of" AND p.minute_ms >= r.cover_from_ms AND p.minute_ms < r.as_of_ms
              AND p.seq <= r.known_seq
         CROSS JOIN collection k ON k.id = p.collection
         LEFT JOIN collection_end e ON e.collection = p.collection AND e.seq <= r.known_seq
    WHERE r.kind = 'ratio'
      AND NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = p.collection AND x.seq <= r.known_seq))
WHERE place = 1;

CREATE VIEW ratio_minute AS
-- Ratio at the end of each minute: runs and failures of the window that ends there, and how much of it was watched. Watched time up to an
-- instant t is t * (spans begun - spans ended) - (sum of begins - sum of ends): one pass over the edges gives it for every minute.
WITH RECURSIVE minute (definition, window_ms, at_ms, judged_ms, as_of_ms) AS (
    SELECT definition, window_ms, CASE WHEN scope_start_ms IS NULL THEN at_ms ELSE min(at_ms, scope_start_ms - scope_start_ms % 60000 + 60000) END,
           at_ms, as_of_ms
    FROM judged WHERE kind = 'ratio'
    UNION ALL
    SELECT definition, window_ms, at_ms + 60000, judged_ms, as_of_ms FROM minute WHERE at_ms + 60000 <= as_of_ms),
edge AS (
    SELECT definition, at_ms - (1 - asks.column1) / 2 * window_ms AS at_ms, asks.column1 AS asks, 0 AS begun, 0 AS edges, 0 AS total, 0 AS failures,
           at_ms AS minute_ms, judged_ms, as_of_ms
    FROM minute CROSS JOIN (VALUES (1), (-1)) AS asks
    UNION ALL
    SELECT c.definition, CASE side.column1 WHEN 1 THEN c.from_ms ELSE c.to_ms END, 0, side.column1,
           side.column1 * CASE side.column1 WHEN 1 THEN c.from_ms ELSE c.to_ms END, 0, 0, NULL, NULL, NULL
    FROM covered c JOIN definition d ON d.id = c.definition AND d.kind = 'ratio' CROSS JOIN (VALUES (1), (-1)) AS side
    UNION ALL
    SELECT definition, minute_ms, 0, 0, 0, total, failures, NULL, NULL, NULL FROM run_cell)
SELECT definition, minute_ms AS at_ms, judged_ms, as_of_ms, sum(asks * total) AS total, sum(asks * failures) AS failures, sum(asks * watched_ms) AS watched_ms
FROM (SELECT definition, asks, minute_ms, judged_ms, as_of_ms, at_ms * sum(begun) OVER sofar - sum(edges) OVER sofar AS watched_ms,
             sum(total) OVER sofar AS total, sum(failures) OVER sofar AS failures
      FROM edge WINDOW sofar AS (PARTITION BY definition ORDER BY at_ms, asks = 0 ROWS UNBOUNDED PRECEDING))
WHERE asks <> 0 GROUP BY definition, minute_ms;

CREATE VIEW ratio_end AS
-- Ratio at the end of each minute: beyond the limit, and whether floors and watched time suffice to call it a trip.
SELECT *, beyond AND failures >= min_failures AND total >= min_total AND watched_ms * 100 >= min_cover_percent * window_ms AS tripped
FROM (SELECT m.*, CASE d.op WHEN '>=' THEN m.failures > 0 AND m.failures * 100 >= d.limit_value * m.total
                            ELSE m.failures * 100 > d.limit_value * m.total END AS beyond,
             d.limit_value, d.watch_percent, d.min_failures, d.min_total, d.min_cover_percent, d.window_ms, d."of"
      FROM ratio_minute m JOIN definition d ON d.id = m.definition);

CREATE VIEW odd_outcome AS
-- Outcomes that no status makes good: the body or the configuration says otherwise.
SELECT column1 AS outcome FROM (VALUES ('failed'), ('degraded'), ('stuck'), ('misconfigured'), ('not_configured'));

CREATE VIEW probe_reading AS
-- Probes in the window; a reading is bad when its status is not among the expected ones or its outcome says so.
SELECT j.definition, p.route, p.at_ms, p.id,
       p.status IS NULL OR p.status NOT IN (SELECT e.status FROM definition_status e WHERE e.definition = j.definition)
         OR p.outcome IN (SELECT outcome FROM odd_outcome) AS bad,
       NOT EXISTS (SELECT 1 FROM collection_end e WHERE e.collection = p.collection AND e.status <> 'ok' AND e.seq <= j.known_seq) AS sound
FROM judged j CROSS JOIN definition_stream s ON s.definition = j.definition
     CROSS JOIN probe p ON p.stream = s.stream AND p.at_ms >= max(j.from_ms, ifnull(j.scope_start_ms, j.from_ms)) AND p.at_ms < j.to_ms
          AND p.seq <= j.known_seq
WHERE j.kind = 'probe'
  AND NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = p.collection AND x.seq <= j.known_seq);

CREATE VIEW probe_route AS
-- Probe: each watched route with its readings in the window.
SELECT d.id AS definition, d.window_ms, t.route, count(r.id) AS readings, ifnull(sum(r.sound), 0) AS sound, ifnull(sum(r.bad), 0) AS bad,
       max(CASE WHEN r.bad THEN r.at_ms END) AS bad_ms, max(r.at_ms) AS last_ms
FROM reach d CROSS JOIN definition_route t ON t.definition = d.id
     LEFT JOIN probe_reading r ON r.definition = t.definition AND r.route = t.route
WHERE d.kind = 'probe'
GROUP BY d.id, t.route;

CREATE VIEW gauge_reading AS
-- Level: each instant of the series once; of several readings the one collected last. A tail is a run of readings beyond the limit
-- without a gap above max_gap.
SELECT *, sum(NOT beyond OR before_ms IS NULL OR at_ms - before_ms > max_gap_ms OR NOT beyond_before)
           OVER (PARTITION BY definition ORDER BY at_ms ROWS UNBOUNDED PRECEDING) AS tail
FROM (SELECT *, lag(at_ms) OVER reading AS before_ms, lag(beyond) OVER reading AS beyond_before, lead(at_ms) OVER reading AS next_ms
      FROM (SELECT r.id AS definition, r.as_of_ms, r.scope_start_ms, r.series, r.for_ms, p.at_ms, p.value_micro, r.max_gap_ms,
                   CASE r.op WHEN '<' THEN p.value_micro < r.limit_value WHEN '>=' THEN p.value_micro >= r.limit_value
                             ELSE p.value_micro > r.limit_value END AS beyond,
                   row_number() OVER (PARTITION BY r.id, p.at_ms ORDER BY k.collected_ms DESC, p.value_micro DESC) AS place
            FROM reach r CROSS JOIN definition_stream s ON s.definition = r.id
                 CROSS JOIN gauge p ON p.stream = s.stream AND p.series = r.series AND p.at_ms < r.as_of_ms AND p.seq <= r.known_seq
                      AND p.at_ms >= ifnull(r.scope_start_ms, (SELECT l.at_ms FROM gauge l WHERE l.stream = s.stream AND l.series = r.series
                               AND l.at_ms < r.as_of_ms AND l.seq <= r.known_seq
                               AND NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = l.collection AND x.seq <= r.known_seq)
                               AND NOT EXISTS (SELECT 1 FROM collection_end e WHERE e.collection = l.collection AND e.status <> 'ok' AND e.seq <= r.known_seq)
                               ORDER BY l.at_ms DESC LIMIT 1) - r.for_ms - r.max_gap_ms)
                 CROSS JOIN collection k ON k.id = p.collection
            WHERE r.kind = 'level'
              AND NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = p.collection AND x.seq <= r.known_seq)
              AND NOT EXISTS (SELECT 1 FROM collection_end e WHERE e.collection = p.collection AND e.status <> 'ok' AND e.seq <= r.known_seq))
      WHERE place = 1
      WINDOW reading AS (PARTITION BY definition ORDER BY at_ms));

CREATE VIEW level_end AS
-- Level at each reading: beyond the limit for how long; time of the last `for` that lies no further than max_gap behind a reading.
SELECT *, beyond AND held >= 2 AND beyond_ms >= for_ms AS tripped, row_number() OVER (PARTITION BY definition ORDER BY at_ms DESC) AS age,
       sum(near_ms) OVER (PARTITION BY definition) AS covered_ms, min(at_ms) OVER (PARTITION BY definition) AS first_ms
FROM (SELECT *, at_ms - min(at_ms) OVER tail AS beyond_ms, count(*) OVER tail AS held,
             max(0, min(ifnull(next_ms, as_of_ms), at_ms + max_gap_ms, as_of_ms) - max(at_ms, as_of_ms - for_ms)) AS near_ms
      FROM gauge_reading
      WINDOW tail AS (PARTITION BY definition, tail ORDER BY at_ms ROWS UNBOUNDED PRECEDING));

CREATE VIEW condition_level AS
-- What the known rows say, whatever is missing: the value and how near it is to the limit. `fault` names what the kind itself lacks
-- before it may claim ok; own_covered_ms is for kinds that go by readings.
WITH step AS MATERIALIZED (
SELECT c.definition, max(CASE WHEN c.frame = 1 OR (c.frame = 2 AND c.over) THEN c.value END) AS value, NULL AS share,
       max(c.frame < 3 AND c.over) AS tripped, CASE d.kind WHEN 'count' THEN 'count_over' ELSE 'burst_over' END AS trip_reason,
       max(c.frame = 1 AND c.value > 0 AND c.value * 100 >= d.limit_value * d.watch_percent) AS watch, 'approaching' AS watch_reason,
       CASE WHEN max(c.frame = 1 AND c.unsure > 0 AND CASE d.op WHEN '>' THEN c.value + c.unsure > d.limit_value
                                                               ELSE c.value + c.unsure >= d.limit_value END) THEN 'unknown_status' END AS fault,
       json_object('unknown_status', max(CASE WHEN c.frame = 1 THEN c.unsure END), 'slice_ms', d.slice_ms) AS detail,
       max(c.frame = 2 AND c.over) AS at_clock, NULL AS own_covered_ms, NULL AS last_ms, max(CASE WHEN c.frame = 1 THEN c.quiet_ms END) AS quiet_ms
FROM crowd_peak c JOIN definition d ON d.id = c.definition GROUP BY c.definition
UNION ALL
SELECT definition, max(CASE WHEN frame = 1 OR over THEN value END), NULL, max(over), 'loop', max(frame = 1 AND value >= 1), 'one_slice', NULL,
       json_object('slices', json(max(CASE WHEN frame = 1 THEN slices END))), max(frame = 2 AND over), NULL, NULL, max(last_ms) + max(window_ms) + 1
FROM (SELECT f.definition, f.frame, f.window_ms, count(s.at_ms) AS value, json_group_array(s.at_ms) FILTER (WHERE s.at_ms IS NOT NULL) AS slices,
             max(s.at_ms) AS last_ms,
             CASE f.op WHEN '>' THEN count(s.at_ms) > f.limit_value ELSE count(s.at_ms) >= f.limit_value END AS over
      FROM frame f LEFT JOIN loop_slice s ON s.definition = f.definition AND s.frame = f.frame
      WHERE f.kind = 'loop' AND f.frame < 3 GROUP BY f.definition, f.frame)
GROUP BY definition
UNION ALL
SELECT definition, failures, NULL, tripped, 'trend_up', paired, 'one_rise', NULL, json_object('counts', json(counts)), 0, NULL, NULL, NULL
FROM trend_end WHERE to_ms = last_ms
UNION ALL
SELECT definition, depth, NULL, tripped AND as_of_ms - at_ms <= max_gap_ms, 'queue_growth', watch_reason IS NOT NULL, watch_reason,
       CASE WHEN as_of_ms - at_ms > max_gap_ms THEN 'frontier_lag'
            WHEN at_ms - chain_from_ms >= window_ms THEN CASE WHEN chain_length < min_snapshots THEN 'too_few_snapshots' END
            WHEN chain > 0 THEN 'gap'
            WHEN scope_start_ms IS NOT NULL AND chain_from_ms - scope_start_ms <= max_gap_ms THEN 'window_short'
            WHEN chain_length < min_snapshots THEN 'too_few_snapshots' ELSE 'gap' END,
       json_object('growth', growth, 'ratio', CASE WHEN anchor_depth > 0 THEN round(1.0 * depth / anchor_depth, 6) END,
                   'snapshots', ifnull(snapshots, 0), 'failed', failed),
       0, min(window_ms, at_ms - chain_from_ms), at_ms, NULL
FROM (SELECT *, CASE WHEN tripped THEN 'growing'
                     WHEN growth = 0 AND depth > 0 THEN 'stalled'
                     WHEN growth > 0 AND growth < min_growth THEN 'slow_growth'
                     WHEN growth IS NULL AND (at_ms - tail_from_ms) * 2 >= window_ms AND depth - tail_depth >= min_growth THEN 'growing'
                     WHEN depth < chain_depth AND failed > chain_failed THEN 'draining_by_failure' END AS watch_reason
      FROM queue_end WHERE age = 1)
UNION ALL
SELECT definition, NULL, CASE WHEN total > 0 THEN round(1.0 * failures / total, 6) END, tripped, 'ratio_over',
       failures > 0 AND (beyond OR failures * 10000 >= total * limit_value * watch_percent),
       CASE WHEN beyond THEN 'small_sample' ELSE 'approaching' END, CASE WHEN total = 0 THEN 'zero_denominator' END,
       json_object('total', total, 'failures', failures, 'of', "of"), at_ms <> judged_ms, NULL, NULL, NULL
FROM (SELECT *, row_number() OVER (PARTITION BY definition ORDER BY tripped AND at_ms = as_of_ms DESC, at_ms = judged_ms DESC) AS place
      FROM ratio_end WHERE at_ms = judged_ms OR at_ms = as_of_ms)
WHERE place = 1
UNION ALL
SELECT definition, sum(bad > 0), NULL, 0, 'probe_failed', sum(bad) > 0, 'probe_failed',
       CASE WHEN sum(readings) = 0 THEN 'never_collected' WHEN sum(sound = 0) > 0 THEN 'routes_missing' END,
       json_object('bad', json(json_group_array(route) FILTER (WHERE bad > 0)), 'missing', json(json_group_array(route) FILTER (WHERE sound = 0))),
       0, 0, max(last_ms), max(bad_ms) + max(window_ms) + 1
FROM (SELECT * FROM probe_route ORDER BY definition, route) GROUP BY definition
UNION ALL
SELECT definition, NULL, value_micro / 1000000.0, tripped AND as_of_ms - at_ms <= max_gap_ms, 'level_over', beyond, 'approaching',
       CASE WHEN as_of_ms - at_ms > max_gap_ms THEN 'frontier_lag'
            WHEN covered_ms >= for_ms THEN NULL
            WHEN scope_start_ms > as_of_ms - for_ms AND first_ms - scope_start_ms <= max_gap_ms AND covered_ms = as_of_ms - first_ms THEN 'window_short'
            ELSE 'gap' END,
       json_object('series', series, 'beyond_ms', CASE WHEN beyond THEN beyond_ms ELSE 0 END), 0, covered_ms, at_ms, NULL
FROM level_end WHERE age = 1)
SELECT * FROM step;

CREATE VIEW condition_coverage AS
-- What was watched of each condition's window and the first thing that is lacking: no_data, then stale, then partial.
WITH step AS MATERIALIZED (
SELECT j.*, l.value, l.share, ifnull(l.tripped, 0) AS tripped, l.trip_reason, ifnull(l.watch, 0) AS watch, l.watch_reason, ifnull(l.detail, '{}') AS detail,
       ifnull(l.at_clock, 0) AS at_clock, l.last_ms AS own_last_ms, l.quiet_ms, w.unbroken_ms,
       ifnull(CASE WHEN j.kind IN ('queue', 'level', 'probe') THEN l.own_covered_ms ELSE w.covered_ms END, 0) AS covered_ms,
       CASE WHEN j.kind IN ('queue', 'level', 'probe') THEN
              CASE WHEN l.definition IS NULL OR l.fault = 'never_collected' THEN CASE WHEN EXISTS (
                       SELECT 1 FROM definition_stream s JOIN collection c INDEXED BY collection_stream ON c.stream = s.stream JOIN collection_end e ON e.collection = c.id
                        WHERE s.definition = j.definition AND e.status <> 'ok' AND e.seq <= j.known_seq
                          AND NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = c.id AND x.seq <= j.known_seq))
                     AND NOT EXISTS (
                       SELECT 1 FROM definition_stream s JOIN collection c INDEXED BY collection_stream ON c.stream = s.stream
                        WHERE s.definition = j.definition AND c.seq <= j.known_seq
                          AND NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = c.id AND x.seq <= j.known_seq)
                          AND NOT EXISTS (SELECT 1 FROM collection_end e WHERE e.collection = c.id AND e.status <> 'ok' AND e.seq <= j.known_seq))
                     THEN 'collector_failed' ELSE 'never_collected' END
                   ELSE l.fault END
            WHEN j.missing IS NOT NULL THEN CASE j.missing WHEN 2 THEN 'collector_failed' WHEN 3 THEN 'not_looked_for' WHEN 4 THEN 'cannot_prove'
                                                   ELSE 'never_collected' END
            WHEN j.kind = 'ratio' AND w.covered_ms = j.want_ms AND l.fault = 'zero_denominator' THEN 'zero_denominator'
            WHEN j.as_of_ms - j.frontier_ms > j.stale_after_ms THEN 'frontier_lag'
            WHEN w.covered_ms < j.want_ms THEN CASE WHEN w.since_scope THEN 'window_short' ELSE 'gap' END
            WHEN k.skew_ms > j.max_skew_ms THEN 'clock_skew'
            WHEN l.fault = 'unknown_status' THEN 'unknown_status' END AS lack_reason
FROM judged j JOIN window_coverage w ON w.definition = j.definition
     LEFT JOIN condition_level l ON l.definition = j.definition
     LEFT JOIN skew k ON k.definition = j.definition)
SELECT *, CASE WHEN lack_reason IN ('never_collected', 'collector_failed', 'not_looked_for', 'cannot_prove', 'zero_denominator') THEN 'no_data'
               WHEN lack_reason = 'frontier_lag' THEN 'stale' WHEN lack_reason IS NOT NULL THEN 'partial' END AS lack
FROM step;

CREATE VIEW condition_state AS
-- One state per condition: tripped > no_data > stale > partial > watch > ok. A trip is proven by what is known, whatever is missing;
-- watch and ok also claim that nothing was overlooked. clear_ms: when it could be ok at the earliest if nothing more happens and
-- collection goes on; NULL where that cannot be said.
WITH step AS MATERIALIZED (
SELECT definition, edition, signal, position, kind, op, limit_value,
       CASE WHEN tripped THEN 'tripped' WHEN lack IS NOT NULL THEN lack WHEN watch THEN 'watch' ELSE 'ok' END AS state,
       CASE WHEN tripped THEN trip_reason WHEN lack IS NOT NULL THEN lack_reason WHEN watch THEN watch_reason ELSE 'below' END AS reason,
       CASE WHEN tripped THEN 'tripped' WHEN watch THEN 'watch' ELSE 'none' END AS level,
       CASE lack WHEN 'no_data' THEN 'none' WHEN 'stale' THEN 'stale' WHEN 'partial' THEN 'partial' ELSE 'full' END AS coverage,
       coalesce(value, share, CASE WHEN kind IN ('count', 'burst', 'loop', 'probe', 'trend') THEN 0 END) AS value,
       covered_ms, want_ms, CASE WHEN at_clock THEN as_of_ms - window_ms ELSE from_ms END AS from_ms, CASE WHEN at_clock THEN as_of_ms ELSE to_ms END AS to_ms,
       CASE WHEN kind IN ('queue', 'level', 'probe') THEN own_last_ms ELSE frontier_ms END AS last_ms, detail, rises,
       CASE WHEN NOT tripped AND lack IS NULL AND NOT watch THEN at_ms
            WHEN kind IN ('queue', 'level') OR lack_reason IN ('clock_skew', 'unknown_status') THEN NULL
            ELSE max(CASE WHEN kind = 'probe' OR lack IS NULL THEN at_ms
                          WHEN kind = 'trend' THEN (CASE lack WHEN 'partial' THEN ifnull(unbroken_ms, to_ms) ELSE as_of_ms END + window_ms - 1)
                                                   / window_ms * window_ms + want_ms
                          ELSE CASE lack WHEN 'partial' THEN ifnull(unbroken_ms, to_ms) ELSE as_of_ms END + want_ms END,
                     CASE WHEN NOT tripped AND NOT watch THEN at_ms WHEN kind = 'trend' THEN to_ms + window_ms
                          WHEN kind = 'ratio' THEN at_ms + window_ms ELSE ifnull(quiet_ms, at_ms + window_ms) END) END AS clear_ms
FROM condition_coverage)
SELECT * FROM step;

CREATE VIEW condition_trip AS
-- The run latch: the first instant since the scope start at which a condition tripped, one pass per kind; none without a scope.
SELECT definition, over_ms + 1 AS first_trip_ms FROM crowd_peak WHERE frame = 3 AND over
UNION ALL
SELECT definition, first_trip_ms FROM loop_trip
UNION ALL
SELECT t.definition, min(t.to_ms) FROM trend_end t JOIN reach r ON r.id = t.definition WHERE t.tripped AND t.to_ms > ifnull(r.run_start_ms, 0) GROUP BY t.definition
UNION ALL
SELECT q.definition, min(q.at_ms) + 1 FROM queue_end q JOIN reach r ON r.id = q.definition WHERE q.tripped AND q.at_ms >= ifnull(r.run_start_ms, 0) GROUP BY q.definition
UNION ALL
SELECT definition, min(at_ms) FROM ratio_end WHERE tripped GROUP BY definition
UNION ALL
SELECT definition, min(at_ms) + 1 FROM level_end WHERE tripped GROUP BY definition;

CREATE VIEW signal_state AS
-- One row per signal: the worst state of its conditions and the reason of the first that holds it; with a scope start the run's latch
-- beside it: a trip since then stays, whatever came later.
SELECT a.edition, a.signal, a.position, a.title,
       CASE WHEN t.first_trip_ms IS NOT NULL THEN 'tripped' ELSE n.state END AS state,
       CASE WHEN n.state <> 'tripped' AND t.first_trip_ms IS NOT NULL
            THEN CASE t.kind WHEN 'count' THEN 'count_over' WHEN 'burst' THEN 'burst_over' WHEN 'trend' THEN 'trend_up' WHEN 'loop' THEN 'loop'
                             WHEN 'queue' THEN 'queue_growth' WHEN 'ratio' THEN 'ratio_over' ELSE 'level_over' END
            ELSE n.reason END AS reason,
       n.state AS now_state, n.reason AS now_reason, t.first_trip_ms, n.last_ms,
       CASE WHEN t.first_trip_ms IS NULL THEN n.clear_ms END AS earliest_ok_ms
FROM (SELECT * FROM (
        SELECT edition, signal, state, reason, min(last_ms) OVER (PARTITION BY signal) AS last_ms,
               CASE WHEN count(*) OVER (PARTITION BY signal) = count(clear_ms) OVER (PARTITION BY signal) THEN max(clear_ms) OVER (PARTITION BY signal) END AS clear_ms,
               row_number() OVER (PARTITION BY signal ORDER BY CASE state WHEN 'tripped' THEN 1 WHEN 'no_data' THEN 2 WHEN 'stale' THEN 3
                                                                    WHEN 'partial' THEN 4 WHEN 'watch' THEN 5 ELSE 6 END, position) AS place
        FROM condition_state)
      WHERE place = 1) AS n
     JOIN signal a ON a.edition = n.edition AND a.signal = n.signal
     LEFT JOIN (SELECT * FROM (
        SELECT r.signal, r.kind, t.first_trip_ms, row_number() OVER (PARTITION BY r.signal ORDER BY t.first_trip_ms, r.position) AS place
        FROM condition_trip t JOIN reach r ON r.id = t.definition WHERE r.scope_start_ms IS NOT NULL)
      WHERE place = 1) AS t ON t.signal = a.signal;

CREATE VIEW log_count AS
-- Matches per signature and minute, derived: distinct keys, of collections that were not withdrawn.
SELECT m.signature, m.stream, m.at_ms - m.at_ms % 60000 AS minute_ms, count(DISTINCT m."key") AS matches
FROM log_match m
WHERE NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = m.collection)
GROUP BY m.signature, m.stream, m.at_ms - m.at_ms % 60000;

