BEGIN TRANSACTION;
CREATE TABLE events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        time REAL NOT NULL,
        record TEXT NOT NULL
    );
INSERT INTO "events" VALUES(1,'run-1',1.79590592413066625e+09,'{"type": "run", "node": null, "status": "PENDING", "record": {"jobs": 2, "origin": "Ada (terminal)", "request": {"targets": null}, "counts": {"PENDING": 3}}}');
INSERT INTO "events" VALUES(2,'run-1',1.79590592413107585e+09,'{"type": "run", "node": null, "status": "RUNNING", "record": {"jobs": 2, "origin": "Ada (terminal)", "request": {"targets": null}, "pid": 1, "pid_start": 1.0, "started": 1795905924.1310275, "counts": {"PENDING": 3}}}');
INSERT INTO "events" VALUES(3,'run-1',1.79590592413122177e+09,'{"type": "node", "node": "load", "status": "QUEUED", "record": {}}');
INSERT INTO "events" VALUES(4,'run-1',1.79590592413132286e+09,'{"type": "node", "node": "load", "status": "RUNNING", "record": {"reasons": [["it has never run", "\u4ece\u672a\u8fd0\u884c"]], "started": 1795905924.1313047, "attempt": 1}}');
INSERT INTO "events" VALUES(5,'run-1',1.79590592413144159e+09,'{"type": "node", "node": "load", "status": "COMPLETED", "record": {"reasons": [["it has never run", "\u4ece\u672a\u8fd0\u884c"]], "started": 1795905924.1313047, "attempt": 1, "exit_code": 0, "outputs": {"data.csv": "d41d8cd98f00b204e9800998ecf8427e"}, "ended": 1795905924.1314244}}');
INSERT INTO "events" VALUES(6,'run-1',1.7959059241315422e+09,'{"type": "node", "node": "train", "status": "QUEUED", "record": {}}');
INSERT INTO "events" VALUES(7,'run-1',1.79590592413161683e+09,'{"type": "node", "node": "train", "status": "RUNNING", "record": {"reasons": [["its command changed", "\u547d\u4ee4\u5df2\u66f4\u6539"]], "started": 1795905924.1316063, "attempt": 1}}');
INSERT INTO "events" VALUES(8,'run-1',1.79590592413170146e+09,'{"type": "node", "node": "train", "status": "FAILED", "record": {"reasons": [["its command changed", "\u547d\u4ee4\u5df2\u66f4\u6539"]], "started": 1795905924.1316063, "attempt": 1, "error": {"code": "40101", "facts": {"node": "train", "exit_code": 1, "log": "Traceback\nValueError: no rows"}}, "exit_code": 1, "ended": 1795905924.1316874}}');
INSERT INTO "events" VALUES(9,'run-1',1.79590592413178205e+09,'{"type": "node", "node": "report", "status": "SKIPPED", "record": {"ended": 1795905924.131773}}');
INSERT INTO "events" VALUES(10,'run-1',1.7959059241318891e+09,'{"type": "run", "node": null, "status": "FAILED", "record": {"jobs": 2, "origin": "Ada (terminal)", "request": {"targets": null}, "pid": 1, "pid_start": 1.0, "started": 1795905924.1310275, "error": {"code": "40101", "facts": {"node": "train", "exit_code": 1, "log": "Traceback\nValueError: no rows"}}, "ended": 1795905924.1318514, "counts": {"COMPLETED": 1, "FAILED": 1, "SKIPPED": 1}}}');
CREATE TABLE executions (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        request TEXT NOT NULL,
        notebook TEXT NOT NULL,
        path TEXT NOT NULL,
        cell TEXT,
        source TEXT NOT NULL,
        status TEXT NOT NULL,
        started REAL NOT NULL,
        duration REAL,
        count INTEGER,
        ename TEXT,
        line INTEGER,
        error TEXT,
        server TEXT NOT NULL
    );
INSERT INTO "executions" VALUES(1,'e1','call-1','nb-1','a.ipynb','ce1','x = 1','SUCCESS',1.79590592480498814e+09,0.25,1,NULL,NULL,NULL,'6bdd9b2a06c24259aad900e524bc486b');
INSERT INTO "executions" VALUES(2,'e2','call-1','nb-1','a.ipynb','ce2','1/0','ERROR',1.79590592480535459e+09,0.5,2,'ZeroDivisionError',1,'{"code": "20202", "facts": {"ename": "ZeroDivisionError", "evalue": "division by zero", "line": 1, "traceback": ["Traceback"]}}','6bdd9b2a06c24259aad900e524bc486b');
INSERT INTO "executions" VALUES(3,'e3','call-1','nb-1','a.ipynb','ce3','while True: pass','LOST',1.79590592480550789e+09,NULL,NULL,NULL,NULL,NULL,'6bdd9b2a06c24259aad900e524bc486b');
CREATE TABLE nodes (
        run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        node TEXT NOT NULL,
        position INTEGER NOT NULL,
        status TEXT NOT NULL,
        record TEXT NOT NULL,
        PRIMARY KEY (run, node)
    );
INSERT INTO "nodes" VALUES('run-1','load',0,'COMPLETED','{"reasons": [["it has never run", "\u4ece\u672a\u8fd0\u884c"]], "started": 1795905924.1313047, "attempt": 1, "exit_code": 0, "outputs": {"data.csv": "d41d8cd98f00b204e9800998ecf8427e"}, "ended": 1795905924.1314244}');
INSERT INTO "nodes" VALUES('run-1','train',1,'FAILED','{"reasons": [["its command changed", "\u547d\u4ee4\u5df2\u66f4\u6539"]], "started": 1795905924.1316063, "attempt": 1, "error": {"code": "40101", "facts": {"node": "train", "exit_code": 1, "log": "Traceback\nValueError: no rows"}}, "exit_code": 1, "ended": 1795905924.1316874}');
INSERT INTO "nodes" VALUES('run-1','report',2,'SKIPPED','{"ended": 1795905924.131773}');
CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        workflow TEXT NOT NULL,
        status TEXT NOT NULL,
        created REAL NOT NULL,
        record TEXT NOT NULL
    );
INSERT INTO "runs" VALUES('run-1','dvc.yaml','FAILED',1.79590592413022708e+09,'{"jobs": 2, "origin": "Ada (terminal)", "request": {"targets": null}, "pid": 1, "pid_start": 1.0, "started": 1795905924.1310275, "error": {"code": "40101", "facts": {"node": "train", "exit_code": 1, "log": "Traceback\nValueError: no rows"}}, "ended": 1795905924.1318514}');
CREATE INDEX runs_by_workflow ON runs (workflow, created);
CREATE INDEX runs_by_age ON runs (created);
CREATE INDEX events_by_run ON events (run, seq);
CREATE INDEX executions_by_notebook ON executions (notebook, seq);
CREATE INDEX executions_by_request ON executions (request);
CREATE INDEX executions_running ON executions (server) WHERE status = 'RUNNING';
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('events',10);
INSERT INTO "sqlite_sequence" VALUES('executions',3);
COMMIT;
PRAGMA user_version = 2;
