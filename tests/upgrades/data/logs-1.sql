BEGIN TRANSACTION;
CREATE TABLE logs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    time REAL NOT NULL,
    source TEXT NOT NULL,
    level INTEGER NOT NULL,
    subject TEXT NOT NULL,
    message TEXT NOT NULL,
    facts TEXT NOT NULL
);
INSERT INTO "logs" VALUES(1,1.79590593337373518e+09,'server',30,'jupyter','The disk is nearly full','{"free": 5}');
CREATE TABLE read (place TEXT PRIMARY KEY, seq INTEGER NOT NULL);
INSERT INTO "read" VALUES('runs',7);
CREATE INDEX logs_by_source ON logs (source, seq);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('logs',1);
COMMIT;
