BEGIN TRANSACTION;
CREATE TABLE container_logs (
	id VARCHAR(36) NOT NULL, 
	container_id VARCHAR(300) NOT NULL, 
	log_type VARCHAR(20) NOT NULL, 
	message TEXT NOT NULL, 
	timestamp DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(container_id) REFERENCES containers (id) ON DELETE CASCADE
);
INSERT INTO "container_logs" VALUES('9b590f68-be5f-46f7-9ad0-62703b005da5','ada--default','event','started','2026-11-25 12:00:00.000000');
CREATE TABLE containers (
	id VARCHAR(300) NOT NULL, 
	user VARCHAR(255) NOT NULL, 
	name VARCHAR(40) NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	resources JSON NOT NULL, 
	config JSON NOT NULL, 
	priority INTEGER NOT NULL, 
	degrade BOOLEAN NOT NULL, 
	intent VARCHAR(20) NOT NULL, 
	language VARCHAR(20) NOT NULL, 
	node VARCHAR(255), 
	restarts INTEGER NOT NULL, 
	exit_code INTEGER, 
	reason JSON, 
	last_log JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	queued_at DATETIME, 
	started_at DATETIME, 
	PRIMARY KEY (id)
);
INSERT INTO "containers" VALUES('ada--default','ada','','running','{"cpu": 1.0, "memory": "2G"}','{"image": "mlws"}',1,0,'','zh-CN',NULL,0,NULL,NULL,'["ready"]','2026-11-25 12:00:00.000000','2026-11-25 12:00:00.000000','2026-11-25 12:00:00.000000','2026-11-25 12:00:00.000000');
CREATE TABLE mlws_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT mlws_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "mlws_version" VALUES('0001');
CREATE TABLE reservations (
	user VARCHAR(255) NOT NULL, 
	id VARCHAR(36) NOT NULL, 
	node VARCHAR(255) NOT NULL, 
	resources JSON NOT NULL, 
	devices JSON NOT NULL, 
	expires_at DATETIME NOT NULL, 
	PRIMARY KEY (user)
);
CREATE INDEX ix_containers_user ON containers (user);
CREATE INDEX ix_container_logs_by_time ON container_logs (container_id, timestamp);
COMMIT;
