BEGIN TRANSACTION;
CREATE TABLE contact_fields (
	field TEXT NOT NULL, 
	type TEXT NOT NULL, 
	PRIMARY KEY (field)
);
INSERT INTO "contact_fields" VALUES('email','email');
INSERT INTO "contact_fields" VALUES('name','text');
INSERT INTO "contact_fields" VALUES('surname','text');
INSERT INTO "contact_fields" VALUES('mobile_phone','phone');
INSERT INTO "contact_fields" VALUES('birthdate','date');
INSERT INTO "contact_fields" VALUES('newsletter_subscription_status','radio');
INSERT INTO "contact_fields" VALUES('sms_subscription_status','radio');
INSERT INTO "contact_fields" VALUES('points','integer');
INSERT INTO "contact_fields" VALUES('city','text');
INSERT INTO "contact_fields" VALUES('country','text');
INSERT INTO "contact_fields" VALUES('total_spent','decimal');
INSERT INTO "contact_fields" VALUES('vip','boolean');
INSERT INTO "contact_fields" VALUES('gender','radio');
INSERT INTO "contact_fields" VALUES('interests','checkbox');
INSERT INTO "contact_fields" VALUES('last_purchase','date');
INSERT INTO "contact_fields" VALUES('alternative_email','email');
CREATE TABLE contacts (
	contact_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	email TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	created_by_import BIGINT NOT NULL, 
	updated_by_import BIGINT, name TEXT, surname TEXT, mobile_phone TEXT, birthdate DATE, newsletter_subscription_status TEXT, sms_subscription_status TEXT, points BIGINT, city TEXT, country TEXT, total_spent NUMERIC, vip BOOLEAN, gender TEXT, interests TEXT, last_purchase DATE, alternative_email TEXT, 
	UNIQUE (email)
);
INSERT INTO "contacts" VALUES(1,'ann@example.com','2026-11-28 18:06:59.255714','2026-11-28 18:07:00.429818',1,2,'Anna',NULL,NULL,NULL,'subscribed',NULL,6,'Vic',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "contacts" VALUES(2,'bob@example.com','2026-11-28 18:06:59.255714','2026-11-28 18:06:59.255714',1,NULL,'Bob',NULL,NULL,NULL,'unsubscribed',NULL,7,'Reus',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "contacts" VALUES(3,'cid@example.com','2026-11-28 18:07:00.429818','2026-11-28 18:07:00.429818',2,NULL,'Cid',NULL,NULL,NULL,'none',NULL,1,'Olot',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE import_columns (
	import_id INTEGER NOT NULL, 
	column_name TEXT NOT NULL, 
	field TEXT, 
	outcome TEXT NOT NULL, 
	empty_cells BIGINT, 
	FOREIGN KEY(import_id) REFERENCES imports (import_id)
);
INSERT INTO "import_columns" VALUES(1,'email','email','imported',0);
INSERT INTO "import_columns" VALUES(1,'name','name','imported',0);
INSERT INTO "import_columns" VALUES(1,'city','city','imported',0);
INSERT INTO "import_columns" VALUES(1,'points','points','imported',0);
INSERT INTO "import_columns" VALUES(1,'newsletter_subscription_status','newsletter_subscription_status','imported',0);
INSERT INTO "import_columns" VALUES(2,'email','email','imported',0);
INSERT INTO "import_columns" VALUES(2,'name','name','imported',0);
INSERT INTO "import_columns" VALUES(2,'city','city','imported',0);
INSERT INTO "import_columns" VALUES(2,'points','points','imported',0);
INSERT INTO "import_columns" VALUES(2,'newsletter_subscription_status','newsletter_subscription_status','imported',0);
CREATE TABLE imports (
	import_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	source TEXT NOT NULL, 
	sha256 TEXT, 
	merge_policy TEXT NOT NULL, 
	status TEXT NOT NULL, 
	alive_key BIGINT, 
	read BIGINT, 
	accepted BIGINT, 
	rejected BIGINT, 
	inserted BIGINT, 
	updated BIGINT, 
	unchanged BIGINT, 
	skipped BIGINT, 
	segment TEXT, 
	segment_added BIGINT, 
	rejections_found BIGINT, 
	rejections_kept BIGINT, 
	report TEXT, 
	error_code TEXT, 
	error_message TEXT, 
	started_at DATETIME NOT NULL, 
	finished_at DATETIME, 
	flow_run_id TEXT, 
	retry_of BIGINT, 
	series TEXT, 
	source_day TEXT, 
	fingerprint TEXT, 
	source_version TEXT, 
	repeats BIGINT, 
	waits_until DATETIME, 
	first_import BIGINT
);
INSERT INTO "imports" VALUES(1,'/exports/contacts.csv','25ece186b9424e960b139229a12900e4254cf886c49709ce473eaf3121578c0f','insert-only','completed',NULL,2,2,0,2,0,0,0,NULL,NULL,0,0,'{"import_id": 1, "status": "completed", "source": "/exports/contacts.csv", "sha256": "25ece186b9424e960b139229a12900e4254cf886c49709ce473eaf3121578c0f", "merge": "insert-only", "retry_of": null, "rows": {"read": 2, "accepted": 2, "rejected": 0}, "contacts": {"inserted": 2, "updated": 0, "unchanged": 0, "skipped": 0}, "dialect": {"encoding": "utf-8", "encoding_certainty": "every byte agrees", "delimiter": ",", "delimiter_certainty": "detected", "quote": "\"", "escape": null, "header": true, "skipped_lines": 0}, "preset": null, "columns": [{"position": 1, "column": "email", "field": "email", "outcome": "imported", "empty_cells": 0, "first_empty": [], "suggestion": null}, {"position": 2, "column": "name", "field": "name", "outcome": "imported", "empty_cells": 0, "first_empty": [], "suggestion": null}, {"position": 3, "column": "city", "field": "city", "outcome": "imported", "empty_cells": 0, "first_empty": [], "suggestion": null}, {"position": 4, "column": "points", "field": "points", "outcome": "imported", "empty_cells": 0, "first_empty": [], "suggestion": null}, {"position": 5, "column": "newsletter_subscription_status", "field": "newsletter_subscription_status", "outcome": "imported", "empty_cells": 0, "first_empty": [], "suggestion": null}], "translations": [], "rejections": {}, "rejections_kept": 0, "rejected_file": "/exports/imports/000001-3002cf9d/rejected.csv", "segment": null, "warnings": [], "seconds": 0.995}',NULL,NULL,'2026-11-28 18:06:58.404528','2026-11-28 18:06:59.284607','e8211469-fce9-4da4-9fdf-197f6f5c9b57',NULL,'/exports/contacts.csv',NULL,'fac7221d1d53dc02db44b42d438f7ed5553930227a42fcfed7e20013ceec5827',NULL,NULL,NULL,NULL);
INSERT INTO "imports" VALUES(2,'/exports/contacts.csv','d3a72ae3e3b5d28e0aa329719ad6c9beff89dc67dd66409458853d37b55c9ce4','overwrite','completed',NULL,2,2,0,1,1,0,0,'vip',2,0,0,'{"import_id": 2, "status": "completed", "source": "/exports/contacts.csv", "sha256": "d3a72ae3e3b5d28e0aa329719ad6c9beff89dc67dd66409458853d37b55c9ce4", "merge": "overwrite", "retry_of": null, "rows": {"read": 2, "accepted": 2, "rejected": 0}, "contacts": {"inserted": 1, "updated": 1, "unchanged": 0, "skipped": 0}, "dialect": {"encoding": "utf-8", "encoding_certainty": "every byte agrees", "delimiter": ",", "delimiter_certainty": "detected", "quote": "\"", "escape": null, "header": true, "skipped_lines": 0}, "preset": null, "columns": [{"position": 1, "column": "email", "field": "email", "outcome": "imported", "empty_cells": 0, "first_empty": [], "suggestion": null}, {"position": 2, "column": "name", "field": "name", "outcome": "imported", "empty_cells": 0, "first_empty": [], "suggestion": null}, {"position": 3, "column": "city", "field": "city", "outcome": "imported", "empty_cells": 0, "first_empty": [], "suggestion": null}, {"position": 4, "column": "points", "field": "points", "outcome": "imported", "empty_cells": 0, "first_empty": [], "suggestion": null}, {"position": 5, "column": "newsletter_subscription_status", "field": "newsletter_subscription_status", "outcome": "imported", "empty_cells": 0, "first_empty": [], "suggestion": null}], "translations": [], "rejections": {}, "rejections_kept": 0, "rejected_file": "/exports/imports/000002-1e429bb7/rejected.csv", "segment": {"id": "vip", "added": 2}, "warnings": [], "seconds": 0.483}',NULL,NULL,'2026-11-28 18:07:00.058213','2026-11-28 18:07:00.501765','1817865b-1ffe-4f6f-ac12-7012433e6ab9',NULL,'/exports/contacts.csv',NULL,'71274aef355ecb8759bc67debc762783b4b58c2084f8e54bfe7df5149f20dd35',NULL,NULL,NULL,NULL);
CREATE TABLE mended_records (
	first_import BIGINT NOT NULL, 
	record_number BIGINT NOT NULL, 
	import_id BIGINT NOT NULL, 
	PRIMARY KEY (first_import, record_number)
);
CREATE TABLE rejections (
	import_id INTEGER NOT NULL, 
	record_number BIGINT NOT NULL, 
	line_number BIGINT, 
	column_name TEXT, 
	field TEXT, 
	code TEXT NOT NULL, 
	message TEXT, 
	value TEXT, 
	FOREIGN KEY(import_id) REFERENCES imports (import_id)
);
CREATE TABLE segment_members (
	segment_id TEXT NOT NULL, 
	contact_id INTEGER NOT NULL, 
	import_id INTEGER NOT NULL, 
	PRIMARY KEY (segment_id, contact_id)
);
INSERT INTO "segment_members" VALUES('vip',1,2);
INSERT INTO "segment_members" VALUES('vip',3,2);
CREATE TABLE segments (
	segment_id TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (segment_id)
);
INSERT INTO "segments" VALUES('vip','2026-11-28 18:06:20.087174');
CREATE INDEX ix_import_columns_import_id ON import_columns (import_id);
CREATE INDEX ix_rejections_import_id ON rejections (import_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('imports',2);
INSERT INTO "sqlite_sequence" VALUES('contacts',3);
COMMIT;
