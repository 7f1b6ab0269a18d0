BEGIN TRANSACTION;
CREATE TABLE events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        time REAL NOT NULL,
        record TEXT NOT NULL
    );
INSERT INTO "events" VALUES(1,'run-1',1.7959059528858416e+09,'{"type": "run", "node": null, "status": "PENDING", "record": {"jobs": 2, "origin": "Ada (terminal)", "request": {"targets": null}, "counts": {"PENDING": 3}}}');
INSERT INTO "events" VALUES(2,'run-1',1.79590595288628673e+09,'{"type": "run", "node": null, "status": "RUNNING", "record": {"jobs": 2, "origin": "Ada (terminal)", "request": {"targets": null}, "pid": 1, "pid_start": 1.0, "started": 1795905952.8862274, "counts": {"PENDING": 3}}}');
INSERT INTO "events" VALUES(3,'run-1',1.79590595288639855e+09,'{"type": "node", "node": "load", "status": "QUEUED", "record": {}}');
INSERT INTO "events" VALUES(4,'run-1',1.79590595288650393e+09,'{"type": "node", "node": "load", "status": "RUNNING", "record": {"reasons": [["it has never run", "\u4ece\u672a\u8fd0\u884c"]], "started": 1795905952.8864887, "attempt": 1}}');
INSERT INTO "events" VALUES(5,'run-1',1.79590595288658428e+09,'{"type": "node", "node": "load", "status": "COMPLETED", "record": {"reasons": [["it has never run", "\u4ece\u672a\u8fd0\u884c"]], "started": 1795905952.8864887, "attempt": 1, "exit_code": 0, "outputs": {"data.csv": "d41d8cd98f00b204e9800998ecf8427e"}, "ended": 1795905952.8865721}}');
INSERT INTO "events" VALUES(6,'run-1',1.7959059528866527e+09,'{"type": "node", "node": "train", "status": "QUEUED", "record": {}}');
INSERT INTO "events" VALUES(7,'run-1',1.7959059528867197e+09,'{"type": "node", "node": "train", "status": "RUNNING", "record": {"reasons": [["its command changed", "\u547d\u4ee4\u5df2\u66f4\u6539"]], "started": 1795905952.886712, "attempt": 1}}');
INSERT INTO "events" VALUES(8,'run-1',1.79590595288679146e+09,'{"type": "node", "node": "train", "status": "FAILED", "record": {"reasons": [["its command changed", "\u547d\u4ee4\u5df2\u66f4\u6539"]], "started": 1795905952.886712, "attempt": 1, "error": {"code": "40101", "facts": {"node": "train", "exit_code": 1, "log": "Traceback\nValueError: no rows"}}, "exit_code": 1, "ended": 1795905952.8867798}}');
INSERT INTO "events" VALUES(9,'run-1',1.79590595288686966e+09,'{"type": "node", "node": "report", "status": "SKIPPED", "record": {"ended": 1795905952.8868635}}');
INSERT INTO "events" VALUES(10,'run-1',1.79590595288861942e+09,'{"type": "run", "node": null, "status": "FAILED", "record": {"jobs": 2, "origin": "Ada (terminal)", "request": {"targets": null}, "pid": 1, "pid_start": 1.0, "started": 1795905952.8862274, "error": {"code": "40101", "facts": {"node": "train", "exit_code": 1, "log": "Traceback\nValueError: no rows"}}, "ended": 1795905952.8869307, "counts": {"COMPLETED": 1, "FAILED": 1, "SKIPPED": 1}}}');
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
    , origin TEXT NOT NULL DEFAULT 'api', kernel TEXT, process TEXT, message TEXT, memory INTEGER, snapshot TEXT, run TEXT, signature TEXT, outputs TEXT, saves TEXT, deadline REAL);
INSERT INTO "executions" VALUES(1,'e1','call-1','nb-1','a.ipynb','c1','x = 1','SUCCESS',1.79590595894217729e+09,0.25,1,NULL,NULL,NULL,'1c8254248b4845b3bef1aefd5e6e7353','lab','kernel-1','process-1','message-1',1000,NULL,NULL,NULL,'[]',NULL,NULL);
INSERT INTO "executions" VALUES(2,'e2','call-2','nb-1','a.ipynb','c1','1/0','ERROR',1.79590595897594618e+09,0.5,2,'ZeroDivisionError',1,'{"code": "20202", "facts": {"ename": "ZeroDivisionError", "evalue": "division by zero", "line": 1, "traceback": ["Traceback"]}}','1c8254248b4845b3bef1aefd5e6e7353','api','kernel-1','process-1',NULL,NULL,NULL,NULL,'ZeroDivisionError: division by zero','[]',NULL,NULL);
CREATE TABLE nodes (
        run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        node TEXT NOT NULL,
        position INTEGER NOT NULL,
        status TEXT NOT NULL,
        record TEXT NOT NULL,
        PRIMARY KEY (run, node)
    );
INSERT INTO "nodes" VALUES('run-1','load',0,'COMPLETED','{"reasons": [["it has never run", "\u4ece\u672a\u8fd0\u884c"]], "started": 1795905952.8864887, "attempt": 1, "exit_code": 0, "outputs": {"data.csv": "d41d8cd98f00b204e9800998ecf8427e"}, "ended": 1795905952.8865721}');
INSERT INTO "nodes" VALUES('run-1','train',1,'FAILED','{"reasons": [["its command changed", "\u547d\u4ee4\u5df2\u66f4\u6539"]], "started": 1795905952.886712, "attempt": 1, "error": {"code": "40101", "facts": {"node": "train", "exit_code": 1, "log": "Traceback\nValueError: no rows"}}, "exit_code": 1, "ended": 1795905952.8867798}');
INSERT INTO "nodes" VALUES('run-1','report',2,'SKIPPED','{"ended": 1795905952.8868635}');
CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        workflow TEXT NOT NULL,
        status TEXT NOT NULL,
        created REAL NOT NULL,
        record TEXT NOT NULL
    );
INSERT INTO "runs" VALUES('run-1','dvc.yaml','FAILED',1.79590595288532614e+09,'{"jobs": 2, "origin": "Ada (terminal)", "request": {"targets": null}, "pid": 1, "pid_start": 1.0, "started": 1795905952.8862274, "error": {"code": "40101", "facts": {"node": "train", "exit_code": 1, "log": "Traceback\nValueError: no rows"}}, "ended": 1795905952.8869307}');
CREATE INDEX runs_by_workflow ON runs (workflow, created);
CREATE INDEX runs_by_age ON runs (created);
CREATE INDEX events_by_run ON events (run, seq);
CREATE INDEX executions_by_notebook ON executions (notebook, seq);
CREATE INDEX executions_by_request ON executions (request);
CREATE INDEX executions_running ON executions (server) WHERE status = 'RUNNING';
CREATE INDEX executions_by_cell ON executions (notebook, cell, seq);
CREATE INDEX executions_by_error ON executions (ename, seq) WHERE ename IS NOT NULL;
CREATE INDEX executions_with_outputs ON executions (seq) WHERE outputs IS NOT NULL;
CREATE INDEX executions_by_kernel ON executions (kernel, seq) WHERE kernel IS NOT NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('events',10);
INSERT INTO "sqlite_sequence" VALUES('executions',2);
COMMIT;
PRAGMA user_version = 3;
