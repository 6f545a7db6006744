-- The verdict of a case, schema version 1: a window after a change (postfix) against one before it (baseline), one view per step.
-- Same rules as in views.sql: they read only the case, hold no limit of a runbook, and windows are half-open [from, to). `verdict_asked`
-- says which windows, by which knowledge and edition; this stored one asks for the newest recorded windows of these two names. The signals
-- are judged by the views of views.sql, which must be asked about the postfix window; without that everything here holds but
-- `verdict_signal` is empty, and `verdict` gives no verdict and says so. Any SQLite shell asks like this, and so does the program:
--   CREATE TEMP TABLE asked AS SELECT * FROM verdict_question;
--   SELECT replace(sql, 'CREATE VIEW', 'CREATE TEMP TABLE') || ';' FROM sqlite_schema WHERE type = 'view' AND name <> 'asked' ORDER BY rowid;
-- and runs what that prints: every step once, each from those before. Every name begins with `verdict`, so that judging the signals alone
-- need not compute any of this. `LIMIT -1` keeps a step from being dissolved into the next one.

CREATE VIEW verdict_asked AS
-- The question: which two windows, with what was stored up to known_seq, by the signatures of which edition.
SELECT b.from_ms AS baseline_from_ms, b.to_ms AS baseline_to_ms, p.from_ms AS postfix_from_ms, p.to_ms AS postfix_to_ms,
       (SELECT max(seq) FROM chain) AS known_seq, (SELECT max(id) FROM edition) AS edition
FROM (SELECT from_ms, to_ms FROM "window" WHERE name = 'baseline' ORDER BY id DESC LIMIT 1) AS b
     CROSS JOIN (SELECT from_ms, to_ms FROM "window" WHERE name = 'postfix' ORDER BY id DESC LIMIT 1) AS p;

CREATE VIEW verdict_question AS
-- What the signals are asked: their state at the end of the postfix window, trips latched from its start. Trend and queue may look back
-- to the last deploy, rollback or fix; of several marks with one name the newest row holds.
SELECT v.postfix_to_ms AS as_of_ms, v.known_seq, v.postfix_from_ms AS scope_start_ms, 0 AS live, v.edition,
       (SELECT max(m.at_ms) FROM mark m
         WHERE m.name IN ('deploy', 'rollback', 'fix') AND m.seq <= v.known_seq AND m.at_ms <= v.postfix_from_ms
           AND NOT EXISTS (SELECT 1 FROM mark n WHERE n.name = m.name AND n.id > m.id AND n.seq <= v.known_seq)) AS history_start_ms
FROM verdict_asked v;

CREATE VIEW verdict_chance AS
-- The one level of every test: one-sided 5 %, which a two-sided interval of 90 % agrees with.
SELECT 0.05 AS alpha;

CREATE VIEW verdict_window AS
-- The two windows as rows, with the whole minutes inside each [first_minute_ms, last_minute_ms).
SELECT side, from_ms, to_ms, (from_ms + 59999) / 60000 * 60000 AS first_minute_ms, to_ms / 60000 * 60000 AS last_minute_ms, known_seq, edition
FROM (SELECT 'baseline' AS side, baseline_from_ms AS from_ms, baseline_to_ms AS to_ms, known_seq, edition FROM verdict_asked
      UNION ALL
      SELECT 'postfix', postfix_from_ms, postfix_to_ms, known_seq, edition FROM verdict_asked);

CREATE VIEW verdict_signature AS
-- What is compared: every signature that a condition judges, and every target, judged or not. Targets are claimed to drop.
SELECT g.signature, g.id AS position, g.title, g.role, g.sha256, g.routes, g.edition
FROM verdict_asked v JOIN signature g ON g.edition = v.edition
WHERE g.role = 'target'
   OR EXISTS (SELECT 1 FROM definition d JOIN definition_signature s ON s.definition = d.id
               WHERE d.edition = g.edition AND s.signature = g.signature);

CREATE VIEW verdict_stream AS
-- Where each signature is looked for: the streams of the conditions that judge it, each with the longest settle time among them.
SELECT g.signature, g.sha256, t.stream, max(t.settle_ms) AS settle_ms
FROM verdict_signature g JOIN definition d ON d.edition = g.edition
     JOIN definition_signature s ON s.definition = d.id AND s.signature = g.signature
     JOIN definition_stream t ON t.definition = d.id
GROUP BY g.signature, g.sha256, t.stream;

CREATE VIEW verdict_stretch AS
-- Unbroken captures that touch a window, per signature and stream: seen_to_ms as captured, to_ms as far as settled. Failed and truncated
-- collections cover nothing; one without an end is open or lost, and counts as its coverage says.
SELECT g.side, s.signature, g.stream, g.collection, g.from_ms, g.seen_to_ms, g.to_ms, g.window_from_ms, g.window_to_ms, g.first_minute_ms, g.last_minute_ms,
       g.known_seq
FROM (SELECT w.side, s.stream, s.settle_ms, c.collection, c.from_ms, max(c.to_ms) AS seen_to_ms, max(min(c.to_ms, c.collected_ms - s.settle_ms)) AS to_ms,
             w.from_ms AS window_from_ms, w.to_ms AS window_to_ms, w.first_minute_ms, w.last_minute_ms, w.known_seq
      FROM verdict_window w CROSS JOIN (SELECT DISTINCT stream, settle_ms FROM verdict_stream) AS s
           CROSS JOIN coverage c ON c.stream = s.stream AND c.to_ms > w.from_ms AND c.from_ms < w.to_ms AND c.seq <= w.known_seq
      GROUP BY w.side, s.stream, s.settle_ms, c.collection, c.from_ms) AS g
     JOIN verdict_stream s ON s.stream = g.stream AND s.settle_ms = g.settle_ms
WHERE NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = g.collection AND x.seq <= g.known_seq)
  AND NOT EXISTS (SELECT 1 FROM collection_end e WHERE e.collection = g.collection AND e.status <> 'ok' AND e.seq <= g.known_seq);

CREATE VIEW verdict_watched AS
-- Watched time inside a window per lane. A lane is a signature on one of its streams: a collection counts only if it looked for the
-- very text and its form could show it. The lane '' is the stream's traffic: a collection counts if it counted requests at all.
SELECT t.side, t.signature, t.stream, max(t.from_ms + f.delay_ms, t.window_from_ms) AS from_ms, min(t.to_ms, t.window_to_ms) AS to_ms
FROM verdict_stretch t JOIN verdict_stream s ON s.signature = t.signature AND s.stream = t.stream
     JOIN looked_for f ON f.collection = t.collection AND f.signature = t.signature AND f.sha256 = s.sha256 AND f.can_prove = 1
          AND f.seq <= t.known_seq
UNION ALL
SELECT t.side, '', t.stream, max(t.from_ms, t.first_minute_ms), min(min(t.to_ms), t.last_minute_ms)
FROM verdict_stretch t
WHERE EXISTS (SELECT 1 FROM traffic r WHERE r.stream = t.stream AND r.collection = t.collection
                AND r.minute_ms > t.from_ms - 60000 AND r.minute_ms < t.seen_to_ms AND r.seq <= t.known_seq)
GROUP BY t.side, t.stream, t.collection, t.from_ms;

CREATE VIEW verdict_island AS
-- The union of watched time per lane: overlaps merge and pay for nothing twice.
SELECT side, signature, stream, min(from_ms) AS from_ms, max(to_ms) AS to_ms
FROM (SELECT *, sum(reached IS NULL OR from_ms > reached) OVER (PARTITION BY side, signature, stream ORDER BY from_ms, to_ms
                                                                 ROWS UNBOUNDED PRECEDING) AS number
      FROM (SELECT *, max(to_ms) OVER (PARTITION BY side, signature, stream ORDER BY from_ms, to_ms
                                       ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW) AS reached FROM verdict_watched WHERE from_ms < to_ms))
GROUP BY side, signature, stream, number;

CREATE VIEW verdict_coverage AS
-- Per window and signature: the time in which all of its streams were watched at once, which is all of the window or not enough.
SELECT w.side, g.signature, w.to_ms - w.from_ms AS window_ms, ifnull(s.covered_ms, 0) AS covered_ms,
       ifnull(s.covered_ms, 0) = w.to_ms - w.from_ms AS covered
FROM verdict_window w CROSS JOIN verdict_signature g LEFT JOIN (
    SELECT side, signature, sum(until_ms - at_ms) AS covered_ms
    FROM (SELECT side, signature, at_ms, sum(change) OVER (PARTITION BY side, signature ORDER BY at_ms ROWS UNBOUNDED PRECEDING) AS depth,
                 lead(at_ms) OVER (PARTITION BY side, signature ORDER BY at_ms) AS until_ms
          FROM (SELECT i.side, i.signature, CASE edge.column1 WHEN 1 THEN i.from_ms ELSE i.to_ms END AS at_ms, sum(edge.column1) AS change
                FROM verdict_island i CROSS JOIN (VALUES (1), (-1)) AS edge WHERE i.signature <> '' GROUP BY 1, 2, 3)) AS sweep
    WHERE until_ms IS NOT NULL AND depth = (SELECT count(*) FROM verdict_stream t WHERE t.signature = sweep.signature)
    GROUP BY side, signature) AS s
    ON s.side = w.side AND s.signature = g.signature;

CREATE VIEW verdict_failure AS
-- Each failure once, at its earliest known time; one that was already seen before the window belongs to that earlier time. An earlier
-- sighting is looked up by its key: `+` keeps SQLite from going through the signature's whole history instead.
SELECT e.side, e.signature, e.stream, e."key", e.at_ms, e.certain
FROM (SELECT w.side, w.from_ms, w.known_seq, m.signature, m.stream, m."key", max(m.certain) AS certain,
             ifnull(min(CASE WHEN m.certain = 1 THEN m.at_ms END), min(m.at_ms)) AS at_ms
      FROM verdict_window w CROSS JOIN verdict_stream s
           CROSS JOIN log_match m ON m.signature = s.signature AND m.at_ms >= w.from_ms AND m.at_ms < w.to_ms AND m.stream = s.stream
                AND m.seq <= w.known_seq
      WHERE NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = m.collection AND x.seq <= w.known_seq)
      GROUP BY w.side, m.signature, m.stream, m."key") AS e
WHERE NOT EXISTS (
    SELECT 1 FROM log_match m
    WHERE m."key" = e."key" AND m.stream = e.stream AND m.at_ms < e.from_ms AND +m.signature = e.signature AND m.seq <= e.known_seq
      AND m.certain >= e.certain
      AND NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = m.collection AND x.seq <= e.known_seq));

CREATE VIEW verdict_count AS
-- Per window and signature: failures, and distinct minutes with at least one. `unsure` are records that would count if the status, which
-- their source left blank, were one of the signature's; `minutes_at_most` counts their minutes too.
SELECT w.side, g.signature, ifnull(sum(f.certain), 0) AS failures, ifnull(sum(1 - f.certain), 0) AS unsure,
       count(DISTINCT CASE WHEN f.certain = 1 THEN f.at_ms / 60000 END) AS bad_minutes, count(DISTINCT f.at_ms / 60000) AS minutes_at_most
FROM verdict_window w CROSS JOIN verdict_signature g LEFT JOIN verdict_failure f ON f.side = w.side AND f.signature = g.signature
GROUP BY w.side, g.signature;

CREATE VIEW verdict_piece AS
-- Requests per collection, minute and route, with the part of the minute that the collection saw. Its own rows add up. Of collections that
-- saw the very same part the one collected last counts.
SELECT side, stream, minute_ms, route, requests, last_ms - first_ms AS seen_ms
FROM (SELECT p.*, k.collected_ms,
             row_number() OVER (PARTITION BY p.side, p.stream, p.minute_ms, p.route, p.first_ms, p.last_ms
                                ORDER BY k.collected_ms DESC, p.requests DESC) AS place
      FROM (SELECT t.side, t.stream, r.minute_ms, r.route, r.collection, r.requests, min(max(t.from_ms, r.minute_ms)) AS first_ms,
                   max(min(t.seen_to_ms, r.minute_ms + 60000)) AS last_ms
            FROM (SELECT DISTINCT side, stream, collection, from_ms, seen_to_ms FROM verdict_stretch) AS t
                 JOIN (SELECT w.side, m.stream, m.minute_ms, m.route, m.collection, sum(min(m.requests, 1000000000000)) AS requests
                       FROM verdict_window w CROSS JOIN (SELECT DISTINCT stream FROM verdict_stream) AS s
                            CROSS JOIN traffic m ON m.stream = s.stream AND m.minute_ms >= w.first_minute_ms AND m.minute_ms < w.last_minute_ms
                                 AND m.seq <= w.known_seq
                       GROUP BY w.side, m.stream, m.minute_ms, m.route, m.collection) AS r
                   ON r.side = t.side AND r.collection = t.collection AND t.from_ms < r.minute_ms + 60000 AND t.seen_to_ms > r.minute_ms
            GROUP BY t.side, t.stream, r.minute_ms, r.route, r.collection, r.requests) AS p
           JOIN collection k ON k.id = p.collection)
WHERE place = 1;

CREATE VIEW verdict_minute AS
-- Requests per stream, minute and route: those of the piece that is the whole minute; other pieces add up as long as they do not overlap,
-- else the largest counts.
SELECT side, stream, minute_ms, route, CASE WHEN seen_ms = 60000 THEN requests WHEN all_ms <= 60000 THEN total ELSE largest END AS requests
FROM (SELECT *, row_number() OVER (PARTITION BY side, stream, minute_ms, route ORDER BY seen_ms DESC) AS place,
             sum(seen_ms) OVER cell AS all_ms, sum(requests) OVER cell AS total, max(requests) OVER cell AS largest
      FROM verdict_piece
      WINDOW cell AS (PARTITION BY side, stream, minute_ms, route))
WHERE place = 1;

CREATE VIEW verdict_pattern AS
-- Routes of the signatures, cut at the slashes: `*` is one segment, `**` a trailing rest, other segments stand for themselves.
SELECT g.signature, p.value AS pattern, substr(p.value, -3) = '/**' AS rest, '[' || replace(json_quote(p.value), '/', '","') || ']' AS segments
FROM verdict_signature g JOIN json_each(g.routes) AS p
LIMIT -1;

CREATE VIEW verdict_path AS
-- Routes under which the traffic of the windows was counted, cut at the slashes. A slash at the end makes an empty last segment.
SELECT route, route <> '/' AND substr(route, -1) = '/' AS open, '[' || replace(json_quote(route), '/', '","') || ']' AS segments
FROM (SELECT DISTINCT m.route
      FROM verdict_window w CROSS JOIN (SELECT DISTINCT stream FROM verdict_stream) AS s
           CROSS JOIN traffic m ON m.stream = s.stream AND m.minute_ms >= w.first_minute_ms AND m.minute_ms < w.last_minute_ms AND m.seq <= w.known_seq)
LIMIT -1;

CREATE VIEW verdict_route AS
-- Which routes of the traffic belong to which signature: whole paths, segment by segment; all routes where it names none. Traffic may be
-- counted under the pattern itself, but a rest is more than one segment.
SELECT DISTINCT p.signature, r.route
FROM verdict_pattern p CROSS JOIN verdict_path r
WHERE (p.rest OR json_array_length(r.segments) - r.open = json_array_length(p.segments))
  AND NOT EXISTS (SELECT 1 FROM json_each(p.segments) AS want LEFT JOIN json_each(r.segments) AS has ON has."key" = want."key"
                  WHERE CASE want.value WHEN '**' THEN has."key" IS NULL WHEN '*' THEN ifnull(has.value, '') IN ('', '**')
                                        ELSE has.value IS NOT want.value END)
UNION
SELECT g.signature, r.route FROM verdict_signature g CROSS JOIN verdict_path r WHERE g.routes = '[]';

CREATE VIEW verdict_traffic AS
-- Per window and signature: requests on its routes in the whole minutes of the window; known if all of these were watched on every stream
-- by collections that count requests.
SELECT w.side, g.signature, (w.last_minute_ms - w.first_minute_ms) / 60000 AS minutes, ifnull(r.requests, 0) AS requests,
       ifnull(k.streams = (SELECT count(*) FROM verdict_stream s WHERE s.signature = g.signature), 0) AS known
FROM verdict_window w CROSS JOIN verdict_signature g
     LEFT JOIN (SELECT m.side, s.signature, sum(m.requests) AS requests
                FROM verdict_stream s JOIN verdict_minute m ON m.stream = s.stream JOIN verdict_route r ON r.signature = s.signature AND r.route = m.route
                GROUP BY m.side, s.signature) AS r ON r.side = w.side AND r.signature = g.signature
     LEFT JOIN (SELECT x.side, s.signature, count(*) AS streams
                FROM verdict_window x JOIN verdict_island i ON i.side = x.side AND i.signature = '' AND x.first_minute_ms < x.last_minute_ms
                     AND i.from_ms <= x.first_minute_ms AND i.to_ms >= x.last_minute_ms
                     JOIN verdict_stream s ON s.stream = i.stream
                GROUP BY x.side, s.signature) AS k ON k.side = w.side AND k.signature = g.signature;

CREATE VIEW verdict_look AS
-- Collections that looked into a window, by what they were asked or by what they covered, however they ended.
SELECT w.side, k.stream, k.id AS collection, w.known_seq
FROM verdict_window w CROSS JOIN (SELECT DISTINCT stream FROM verdict_stream) AS s
     CROSS JOIN collection k ON k.stream = s.stream AND k.from_ms < w.to_ms AND k.to_ms > w.from_ms AND k.seq <= w.known_seq
UNION
SELECT w.side, c.stream, c.collection, w.known_seq
FROM verdict_window w CROSS JOIN (SELECT DISTINCT stream FROM verdict_stream) AS s
     CROSS JOIN coverage c ON c.stream = s.stream AND c.to_ms > w.from_ms AND c.from_ms < w.to_ms AND c.seq <= w.known_seq;

CREATE VIEW verdict_text AS
-- Which text of each signature the collections of a window looked for: that of the asked edition if any of them did.
SELECT DISTINCT side, stream, signature, sha256
FROM (SELECT k.side, s.stream, s.signature, f.sha256, s.sha256 AS asked,
             max(f.sha256 = s.sha256) OVER (PARTITION BY k.side, s.stream, s.signature) AS found
      FROM verdict_look k JOIN verdict_stream s ON s.stream = k.stream
           JOIN looked_for f ON f.collection = k.collection AND f.signature = s.signature AND f.seq <= k.known_seq
      WHERE NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = k.collection AND x.seq <= k.known_seq))
WHERE sha256 = asked OR NOT found;

CREATE VIEW verdict_matched AS
-- Whether the windows may be compared at all, and the first reason why not: equally long to the millisecond, apart from each other, and
-- searched for the same texts wherever both were searched.
SELECT CASE WHEN v.baseline_to_ms - v.baseline_from_ms <> v.postfix_to_ms - v.postfix_from_ms THEN 'unmatched_length'
            WHEN v.baseline_from_ms < v.postfix_to_ms AND v.postfix_from_ms < v.baseline_to_ms THEN 'windows_overlap'
            WHEN EXISTS (SELECT 1 FROM verdict_text t
                          WHERE EXISTS (SELECT 1 FROM verdict_text o WHERE o.side <> t.side AND o.stream = t.stream)
                            AND NOT EXISTS (SELECT 1 FROM verdict_text o WHERE o.side <> t.side AND o.stream = t.stream
                                              AND o.signature = t.signature AND o.sha256 = t.sha256)) THEN 'signature_set_differs'
       END AS unmatched
FROM verdict_asked v;

CREATE VIEW verdict_side AS
-- Everything that is known of a signature in one window. `odd`: failures happened where no request was counted, so that requests must have
-- been counted under other routes; then the traffic of both windows is doubtful.
SELECT *, max(odd) OVER (PARTITION BY signature) AS doubtful
FROM (SELECT c.side, c.signature, c.failures, c.unsure, c.bad_minutes, c.minutes_at_most, v.covered, v.covered_ms, t.minutes, t.requests, t.known,
             t.known AND t.requests = 0 AND c.failures > 0 AS odd
      FROM verdict_count c JOIN verdict_coverage v ON v.side = c.side AND v.signature = c.signature
           JOIN verdict_traffic t ON t.side = c.side AND t.signature = c.signature);

CREATE VIEW verdict_pair AS
-- Both windows of a signature side by side, each read once. The exposures are in proportion to requests per minute, or equal where traffic is unknown.
WITH side AS MATERIALIZED (SELECT * FROM verdict_side)
SELECT *, b_known AND p_known AS known, matched AND b_covered AND p_covered AS comparable,
       CASE WHEN b_known AND p_known AND b_requests + p_requests > 0 THEN 1.0 * b_requests * p_traffic_minutes ELSE 1.0 END AS b_exposure,
       CASE WHEN b_known AND p_known AND b_requests + p_requests > 0 THEN 1.0 * p_requests * b_traffic_minutes ELSE 1.0 END AS p_exposure
FROM (SELECT g.signature, g.position, g.title, g.role, (SELECT unmatched FROM verdict_matched) IS NULL AS matched,
             b.failures AS b_failures, b.unsure AS b_unsure, b.bad_minutes AS b_minutes, b.minutes_at_most AS b_minutes_at_most,
             p.failures AS p_failures, p.unsure AS p_unsure, p.bad_minutes AS p_minutes, p.minutes_at_most AS p_minutes_at_most,
             b.covered AS b_covered, b.covered_ms AS b_covered_ms, p.covered AS p_covered, p.covered_ms AS p_covered_ms,
             b.known AND NOT b.doubtful AS b_known, b.requests AS b_requests, b.minutes AS b_traffic_minutes,
             p.known AND NOT p.doubtful AS p_known, p.requests AS p_requests, p.minutes AS p_traffic_minutes
      FROM verdict_signature g JOIN side b ON b.signature = g.signature AND b.side = 'baseline'
           JOIN side p ON p.signature = g.signature AND p.side = 'postfix'
      LIMIT -1)
LIMIT -1;

CREATE VIEW verdict_test AS
-- The tests of a pair: of n failures, hits fell into the postfix window, each with the odds p_exposure to b_exposure if nothing changed.
-- Records of unknown status count where they speak against the claim.
SELECT signature, test, b_exposure, p_exposure, hits, hits + misses AS n
FROM (SELECT p.signature, t.column1 AS test, p.b_exposure, p.p_exposure,
             CASE t.column1 WHEN 'improved' THEN p_failures + p_unsure WHEN 'regressed' THEN p_failures WHEN 'improved_minutes' THEN p_minutes_at_most
                            ELSE p_minutes END AS hits,
             CASE t.column1 WHEN 'improved' THEN b_failures WHEN 'regressed' THEN b_failures + b_unsure WHEN 'improved_minutes' THEN b_minutes
                            ELSE b_minutes_at_most END AS misses
      FROM verdict_pair p CROSS JOIN (VALUES ('improved'), ('regressed'), ('improved_minutes'), ('regressed_minutes')) AS t
      WHERE p.matched LIMIT -1)
LIMIT -1;

CREATE VIEW verdict_tail AS
-- The exact binomial probability of so few hits (improved) or so many (regressed). Weights begin with 1 at the likeliest number of hits and
-- follow the ratio of neighbours to both sides, so that nothing overflows; the tail is divided by the sum of all. The way down does not
-- count its first weight again.
WITH RECURSIVE weight (signature, test, n, hits, odds, step, counts, k, w) AS (
    SELECT signature, test, n, hits, CASE step.column1 WHEN 1 THEN p_exposure / b_exposure ELSE b_exposure / p_exposure END, step.column1,
           step.column1 = 1, min(n, CAST((n + 1) * (p_exposure / (b_exposure + p_exposure)) AS INTEGER)), 1.0
    FROM verdict_test CROSS JOIN (VALUES (1), (-1)) AS step
    UNION ALL
    SELECT signature, test, n, hits, odds, step, 1, k + step, w * odds * CASE step WHEN 1 THEN (n - k) / (k + 1.0) ELSE k / (n - k + 1.0) END
    FROM weight WHERE k + step BETWEEN 0 AND n AND w > 1e-300)
SELECT signature, test, min(1.0, ifnull(sum(w) FILTER (WHERE CASE WHEN test IN ('improved', 'improved_minutes') THEN k <= hits ELSE k >= hits END), 0.0)
                                 / sum(w)) AS p
FROM weight WHERE counts GROUP BY signature, test;

CREATE VIEW verdict_interval AS
-- Clopper-Pearson, 90 % two-sided, as bounds of the share of failures in the postfix window: the share at which the tail beyond the hits
-- would be alpha. Newton's step, or half of the bracket where that leaves it; each round computes a tail as in verdict_tail. side 1 is the
-- lower bound, -1 the upper. Without a failure, or at the end of the range, there is no bound.
WITH RECURSIVE bound (signature, n, hits, side, alpha, round, low, high, share, shift) AS (
    SELECT t.signature, t.n, t.hits, side.column1, c.alpha, 0, 0.0, 1.0, (t.hits - 0.5 * side.column1) / t.n, NULL
    FROM verdict_test t CROSS JOIN verdict_chance c CROSS JOIN (VALUES (1), (-1)) AS side
    WHERE t.test = CASE side.column1 WHEN 1 THEN 'regressed' ELSE 'improved' END AND CASE side.column1 WHEN 1 THEN t.hits > 0 ELSE t.hits < t.n END
    UNION ALL
    SELECT signature, n, hits, side, alpha, round + 1, CASE WHEN shift < 0 THEN share ELSE low END, CASE WHEN shift > 0 THEN share ELSE high END,
           CASE WHEN shift IS NULL THEN share WHEN share - shift > low AND share - shift < high THEN share - shift
                WHEN shift < 0 THEN (share + high) / 2 ELSE (low + share) / 2 END,
           CASE WHEN shift IS NULL THEN (
               WITH RECURSIVE weight (step, counts, k, w) AS (
                   SELECT step.column1, step.column1 = 1, CAST((b.n + 1) * b.share AS INTEGER), 1.0 FROM (VALUES (1), (-1)) AS step
                   UNION ALL
                   SELECT step, 1, k + step, w * CASE step WHEN 1 THEN (b.n - k) * b.share / ((k + 1) * (1 - b.share))
                                                           ELSE k * (1 - b.share) / ((b.n - k + 1) * b.share) END
                   FROM weight WHERE k + step BETWEEN 0 AND b.n AND w > 1e-20)
               SELECT ifnull((tail - b.alpha * whole)
                             / (b.side * spot * CASE b.side WHEN 1 THEN b.hits / b.share ELSE (b.n - b.hits) / (1 - b.share) END),
                             CASE WHEN (tail < b.alpha * whole) = (b.side = 1) THEN -1.0 ELSE 1.0 END)
               FROM (SELECT sum(w) AS whole, ifnull(sum(w) FILTER (WHERE (k - b.hits) * b.side >= 0), 0.0) AS tail,
                            max(w) FILTER (WHERE k = b.hits) AS spot FROM weight WHERE counts)) END
    FROM bound b WHERE round < 200 AND (shift IS NULL OR abs(shift) > 4e-16 * share))
SELECT signature, max(CASE WHEN side = 1 THEN share END) AS low, max(CASE WHEN side = -1 THEN share END) AS high
FROM (SELECT signature, side, share, row_number() OVER (PARTITION BY signature, side ORDER BY round DESC) AS age FROM bound)
WHERE age = 1 GROUP BY signature;

CREATE VIEW verdict_tested AS
-- Pairs with the probabilities of their four tests.
SELECT r.*, t.p_improved, t.p_regressed, t.p_improved_minutes, t.p_regressed_minutes,
       r.comparable AND r.role = 'target' AS in_improved, r.comparable AS in_regressed
FROM verdict_pair r
     LEFT JOIN (SELECT signature, max(p) FILTER (WHERE test = 'improved') AS p_improved, max(p) FILTER (WHERE test = 'regressed') AS p_regressed,
                       max(p) FILTER (WHERE test = 'improved_minutes') AS p_improved_minutes,
                       max(p) FILTER (WHERE test = 'regressed_minutes') AS p_regressed_minutes
                FROM verdict_tail GROUP BY signature) AS t ON t.signature = r.signature
LIMIT -1;

CREATE VIEW verdict_holm AS
-- Holm's order: the smallest p must stand against all tests of its family, the next against one less. Covered targets for improvement, all
-- covered signatures for regression. `holm` is the p that alpha may be compared with.
SELECT *, min(1.0, max(p_improved * (improved_size - improved_place + 1)) OVER (PARTITION BY in_improved ORDER BY improved_place)) AS improved_holm,
       min(1.0, max(p_regressed * (regressed_size - regressed_place + 1)) OVER (PARTITION BY in_regressed ORDER BY regressed_place)) AS regressed_holm
FROM (SELECT *, CASE WHEN in_improved THEN row_number() OVER (PARTITION BY in_improved ORDER BY p_improved, position) END AS improved_place,
             CASE WHEN in_improved THEN count(*) OVER (PARTITION BY in_improved) END AS improved_size,
             CASE WHEN in_regressed THEN row_number() OVER (PARTITION BY in_regressed ORDER BY p_regressed, position) END AS regressed_place,
             CASE WHEN in_regressed THEN count(*) OVER (PARTITION BY in_regressed) END AS regressed_size
      FROM verdict_tested);

CREATE VIEW verdict_row AS
-- One row per signature: what was counted, how the rates compare, and the class. The bad minutes must say the same as the failures: one
-- bad minute is one observation, however many failures were in it.
SELECT *, CASE WHEN NOT comparable THEN 'unknown'
               WHEN p_known AND p_requests = 0 THEN 'not_exercised'
               WHEN regressed_holm <= alpha AND p_regressed_minutes <= alpha THEN 'regressed'
               WHEN improved_holm <= alpha AND p_improved_minutes <= alpha THEN 'improved'
               WHEN b_failures + p_failures + b_unsure + p_unsure = 0 OR (role = 'target' AND b_failures = 0) THEN 'not_exercised'
               WHEN role = 'guard' AND b_exposure > 0 THEN 'no_regression_seen'
               ELSE 'unresolved' END AS class
FROM (SELECT r.*, a.alpha,
             CASE WHEN r.matched AND r.b_failures > 0 THEN r.p_failures * r.b_exposure / (r.b_failures * r.p_exposure) END AS rr,
             CASE WHEN r.matched AND r.b_failures + r.b_unsure + r.p_failures > 0
                  THEN ifnull(i.low / (1 - i.low), 0.0) * r.b_exposure / r.p_exposure END AS rr_low,
             CASE WHEN r.matched THEN i.high / (1 - i.high) * r.b_exposure / r.p_exposure END AS rr_high
      FROM verdict_holm r CROSS JOIN verdict_chance a LEFT JOIN verdict_interval i ON i.signature = r.signature
      LIMIT -1)
LIMIT -1;

CREATE VIEW verdict_signal AS
-- The signals at the end of the postfix window, trips latched from its start; no rows unless `asked` puts that question.
SELECT s.signal, s.position, s.title, s.state, s.reason, a.owner,
       s.state = 'tripped' AND EXISTS (SELECT 1 FROM condition_trip t JOIN definition d ON d.id = t.definition
                                        WHERE d.signal = s.signal AND d.kind = 'loop') AS loop
FROM verdict_question q JOIN asked k ON k.as_of_ms = q.as_of_ms AND k.known_seq = q.known_seq AND k.scope_start_ms = q.scope_start_ms
          AND k.live = 0 AND k.edition = q.edition AND k.history_start_ms IS q.history_start_ms
     CROSS JOIN signal_state s JOIN signal a ON a.edition = q.edition AND a.signal = s.signal;

CREATE VIEW verdict_probe AS
-- Routes that did not answer as expected inside the postfix window, with the newest such answer and the signal that watches the route. A
-- route that no condition probes has no expected statuses: then only no answer, a server's fault or an outcome that says so is odd.
SELECT stream, route, status_text, at_ms, signal
FROM (SELECT p.stream, p.route, p.status_text, p.at_ms, c.signal,
             row_number() OVER (PARTITION BY p.stream, p.route ORDER BY p.at_ms DESC, p.id DESC, c.definition) AS place
      FROM verdict_window w CROSS JOIN probe p ON p.stream IN (SELECT stream FROM source WHERE edition = w.edition)
                AND p.at_ms >= w.from_ms AND p.at_ms < w.to_ms AND p.seq <= w.known_seq
           LEFT JOIN (SELECT d.edition, d.id AS definition, d.signal, s.stream, t.route
                      FROM definition d JOIN definition_stream s ON s.definition = d.id JOIN definition_route t ON t.definition = d.id) AS c
                ON c.edition = w.edition AND c.stream = p.stream AND c.route = p.route
      WHERE w.side = 'postfix'
        AND (p.status IS NULL OR p.outcome IN (SELECT outcome FROM odd_outcome)
             OR CASE WHEN c.definition IS NULL THEN p.status >= 500
                     ELSE p.status NOT IN (SELECT e.status FROM definition_status e WHERE e.definition = c.definition) END)
        AND NOT EXISTS (SELECT 1 FROM retraction r WHERE r.collection = p.collection AND r.seq <= w.known_seq))
WHERE place = 1;

CREATE VIEW verdict_carried AS
-- Watch items of the case before this one that nobody has settled by a note.
SELECT c.id, c.signal, c.text
FROM verdict_asked v JOIN carried_item c ON c.kind = 'watch' AND c.seq <= v.known_seq
WHERE NOT EXISTS (SELECT 1 FROM note n WHERE n.seq <= v.known_seq AND instr(' ' || n.cites || ' ', ' carried_item:' || c.id || ' ') > 0);

CREATE VIEW verdict_open AS
-- What this window leaves to be watched or found out, each with whom to ask: odd answers of probes, signals in watch, signals that nobody
-- could call ok, signatures that the comparison leaves open.
SELECT 'probe' AS kind, p.signal, p.route AS about, p.status_text AS detail, p.route || ' ' || p.status_text AS text, ifnull(a.owner, '[]') AS owner,
       1 AS part, p.at_ms AS place
FROM verdict_probe p LEFT JOIN signal a ON a.signal = p.signal AND a.edition = (SELECT edition FROM verdict_asked)
UNION ALL
SELECT CASE s.state WHEN 'watch' THEN 'signal' ELSE 'unknown' END, s.signal, s.signal, s.reason, s.signal || ': ' || s.reason, s.owner,
       CASE s.state WHEN 'watch' THEN 2 ELSE 3 END, s.position
FROM verdict_signal s
WHERE s.state IN ('no_data', 'stale', 'partial')
   OR (s.state = 'watch' AND NOT (s.reason = 'probe_failed' AND EXISTS (SELECT 1 FROM verdict_probe p WHERE p.signal = s.signal)))
UNION ALL
SELECT 'signature', j.signal, r.signature, r.open, r.signature || ': ' || r.open, ifnull(a.owner, '[]'), 4, r.position
FROM (SELECT *, CASE class WHEN 'improved' THEN 'traffic_unknown' ELSE class END AS open FROM verdict_row
       WHERE class IN ('unknown', 'unresolved') OR (role = 'target' AND (class = 'not_exercised' OR (class = 'improved' AND NOT known)))) AS r
     LEFT JOIN (SELECT g.signature, min(d.id) AS definition, d.signal, d.edition FROM definition d JOIN definition_signature g ON g.definition = d.id
                 WHERE d.edition = (SELECT edition FROM verdict_asked) GROUP BY g.signature) AS j ON j.signature = r.signature
     LEFT JOIN signal a ON a.signal = j.signal AND a.edition = j.edition;

CREATE VIEW verdict_watch_item AS
-- All of that, and what the case before left to be watched. An item that was left before and is here again is listed once, as one that
-- recurs: its scope is to be widened.
SELECT kind, signal, about, detail, text, owner, part, place, part < 5 AND latest = 5 AS recurs
FROM (SELECT *, min(part) OVER (PARTITION BY text) AS earliest, max(part) OVER (PARTITION BY text) AS latest
      FROM (SELECT * FROM verdict_open
            UNION ALL
            SELECT 'carried', c.signal, 'carried_item:' || c.id, c.text, c.text, ifnull(a.owner, '[]'), 5, c.id
            FROM verdict_carried c LEFT JOIN signal a ON a.signal = c.signal AND a.edition = (SELECT edition FROM verdict_asked)))
WHERE part < 5 OR earliest = 5;

CREATE VIEW verdict_need AS
-- Per condition: how long a postfix window that begins at the asked moment must be before the condition can be ok. A trend needs whole
-- tiles and a ratio whole minutes; trend and queue may begin earlier, at the mark.
SELECT d.id AS definition, d.signal, d.kind,
       max(0, CASE d.kind WHEN 'trend' THEN (ifnull(q.history_start_ms, q.scope_start_ms) + d.window_ms - 1) / d.window_ms * d.window_ms
                                            + (d.rises + 1) * d.window_ms - q.scope_start_ms
                          WHEN 'queue' THEN ifnull(q.history_start_ms, q.scope_start_ms) + d.window_ms - q.scope_start_ms
                          WHEN 'ratio' THEN (q.scope_start_ms + 59999) / 60000 * 60000 + d.window_ms - q.scope_start_ms
                          WHEN 'level' THEN d.for_ms ELSE d.window_ms END) AS need_ms
FROM verdict_question q JOIN definition d ON d.edition = q.edition;

CREATE VIEW verdict_fact AS
-- What the rules look at, in one row.
SELECT r.*, s.*, (SELECT unmatched FROM verdict_matched) AS unmatched,
       (SELECT count(*) FROM verdict_probe) + (SELECT count(*) FROM verdict_carried) AS to_watch,
       (SELECT count(*) FROM signal WHERE edition = v.edition) AS signals
FROM verdict_asked v CROSS JOIN (
         SELECT count(*) FILTER (WHERE class = 'regressed') AS regressed, count(*) FILTER (WHERE role = 'target') AS targets,
                count(*) FILTER (WHERE role = 'target' AND class = 'improved') AS improved,
                count(*) FILTER (WHERE role = 'target' AND b_failures > 0) AS failed_before,
                count(*) FILTER (WHERE role = 'target' AND NOT (b_covered AND p_covered)) AS uncovered,
                count(*) FILTER (WHERE class IN ('unknown', 'unresolved') OR (role = 'target' AND class <> 'improved')) AS unresolved,
                count(*) FILTER (WHERE role = 'target' AND NOT known) AS traffic_unknown FROM verdict_row) AS r
     CROSS JOIN (
         SELECT count(*) AS judged, count(*) FILTER (WHERE state = 'tripped') AS tripped, count(*) FILTER (WHERE state <> 'ok') AS not_ok
         FROM verdict_signal) AS s
LIMIT -1;

CREATE VIEW verdict_rule AS
-- Every rule of the verdict in its order, and whether it holds. Where the signals were not asked there is no verdict.
SELECT r.column1 AS place, r.column2 AS verdict, r.column3 AS reason,
       CASE r.column3 WHEN 'signals_not_asked' THEN judged < signals
                      WHEN 'signal_tripped' THEN tripped > 0
                      WHEN 'regression' THEN regressed > 0
                      WHEN 'no_targets' THEN targets = 0
                      WHEN 'baseline_empty' THEN improved = 0 AND failed_before = 0
                      WHEN 'coverage' THEN improved = 0 AND uncovered > 0
                      WHEN 'no_significant_change' THEN improved = 0
                      WHEN 'unresolved_signature' THEN unresolved > 0
                      WHEN 'signal_not_ok' THEN not_ok > 0
                      WHEN 'watch_item' THEN to_watch > 0
                      WHEN 'traffic_unknown' THEN traffic_unknown > 0
                      WHEN 'all_targets_improved' THEN 1
                      ELSE unmatched IS r.column3 END AS holds
FROM verdict_fact CROSS JOIN (VALUES
    (1, NULL, 'signals_not_asked'),
    (2, 'rejected', 'signal_tripped'),
    (3, 'rejected', 'regression'),
    (4, 'inconclusive', 'unmatched_length'),
    (5, 'inconclusive', 'windows_overlap'),
    (6, 'inconclusive', 'signature_set_differs'),
    (7, 'inconclusive', 'no_targets'),
    (8, 'inconclusive', 'baseline_empty'),
    (9, 'inconclusive', 'coverage'),
    (10, 'inconclusive', 'no_significant_change'),
    (11, 'partially_confirmed', 'unresolved_signature'),
    (12, 'partially_confirmed', 'signal_not_ok'),
    (13, 'partially_confirmed', 'watch_item'),
    (14, 'partially_confirmed', 'traffic_unknown'),
    (15, 'confirmed', 'all_targets_improved')) AS r;

CREATE VIEW verdict_attempt AS
-- Which attempt this is: one more than the recorded postfix windows that ended earlier.
SELECT 1 + (SELECT count(*) FROM (SELECT DISTINCT w.from_ms, w.to_ms FROM "window" w
                                  WHERE w.name = 'postfix' AND w.seq <= v.known_seq AND w.to_ms < v.postfix_to_ms)) AS attempt
FROM verdict_asked v;

CREATE VIEW verdict AS
-- The verdict: the first rule that holds, whether the windows were matched, and the shortest postfix window that could confirm.
SELECT r.verdict, r.reason, (SELECT unmatched FROM verdict_matched) IS NULL AS matched, (SELECT unmatched FROM verdict_matched) AS unmatched,
       (SELECT max(need_ms) FROM verdict_need) AS shortest_ms, (SELECT attempt FROM verdict_attempt) AS attempt
FROM verdict_rule r WHERE r.holds ORDER BY r.place LIMIT 1;
