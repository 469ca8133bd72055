CREATE TABLE release_0_1.contact_fields (
    field text NOT NULL,
    type text NOT NULL
);
CREATE TABLE release_0_1.contacts (
    contact_id bigint NOT NULL,
    email text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    created_by_import bigint NOT NULL,
    updated_by_import bigint,
    name text,
    surname text,
    mobile_phone text,
    birthdate date,
    newsletter_subscription_status text,
    sms_subscription_status text,
    points bigint,
    city text,
    country text,
    total_spent numeric,
    vip boolean,
    gender text,
    interests text,
    last_purchase date,
    alternative_email text
)
WITH (fillfactor='90');
CREATE SEQUENCE release_0_1.contacts_contact_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE release_0_1.contacts_contact_id_seq OWNED BY release_0_1.contacts.contact_id;
CREATE TABLE release_0_1.import_columns (
    import_id bigint NOT NULL,
    column_name text NOT NULL,
    field text,
    outcome text NOT NULL,
    empty_cells bigint
);
CREATE TABLE release_0_1.imports (
    import_id bigint NOT NULL,
    source text NOT NULL,
    sha256 text,
    merge_policy text NOT NULL,
    status text NOT NULL,
    alive_key bigint,
    read bigint,
    accepted bigint,
    rejected bigint,
    inserted bigint,
    updated bigint,
    unchanged bigint,
    skipped bigint,
    segment text,
    segment_added bigint,
    rejections_found bigint,
    rejections_kept bigint,
    report text,
    error_code text,
    error_message text,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    flow_run_id text,
    retry_of bigint,
    series text,
    source_day text,
    fingerprint text,
    source_version text,
    repeats bigint,
    waits_until timestamp with time zone,
    first_import bigint
);
CREATE SEQUENCE release_0_1.imports_import_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE release_0_1.imports_import_id_seq OWNED BY release_0_1.imports.import_id;
CREATE TABLE release_0_1.mended_records (
    first_import bigint NOT NULL,
    record_number bigint NOT NULL,
    import_id bigint NOT NULL
);
CREATE TABLE release_0_1.rejections (
    import_id bigint NOT NULL,
    record_number bigint NOT NULL,
    line_number bigint,
    column_name text,
    field text,
    code text NOT NULL,
    message text,
    value text
);
CREATE TABLE release_0_1.segment_members (
    segment_id text NOT NULL,
    contact_id bigint NOT NULL,
    import_id bigint NOT NULL
);
CREATE TABLE release_0_1.segments (
    segment_id text NOT NULL,
    created_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY release_0_1.contacts ALTER COLUMN contact_id SET DEFAULT nextval('release_0_1.contacts_contact_id_seq'::regclass);
ALTER TABLE ONLY release_0_1.imports ALTER COLUMN import_id SET DEFAULT nextval('release_0_1.imports_import_id_seq'::regclass);
INSERT INTO release_0_1.contact_fields VALUES ('email', 'email');
INSERT INTO release_0_1.contact_fields VALUES ('name', 'text');
INSERT INTO release_0_1.contact_fields VALUES ('surname', 'text');
INSERT INTO release_0_1.contact_fields VALUES ('mobile_phone', 'phone');
INSERT INTO release_0_1.contact_fields VALUES ('birthdate', 'date');
INSERT INTO release_0_1.contact_fields VALUES ('newsletter_subscription_status', 'radio');
INSERT INTO release_0_1.contact_fields VALUES ('sms_subscription_status', 'radio');
INSERT INTO release_0_1.contact_fields VALUES ('points', 'integer');
INSERT INTO release_0_1.contact_fields VALUES ('city', 'text');
INSERT INTO release_0_1.contact_fields VALUES ('country', 'text');
INSERT INTO release_0_1.contact_fields VALUES ('total_spent', 'decimal');
INSERT INTO release_0_1.contact_fields VALUES ('vip', 'boolean');
INSERT INTO release_0_1.contact_fields VALUES ('gender', 'radio');
INSERT INTO release_0_1.contact_fields VALUES ('interests', 'checkbox');
INSERT INTO release_0_1.contact_fields VALUES ('last_purchase', 'date');
INSERT INTO release_0_1.contact_fields VALUES ('alternative_email', 'email');
INSERT INTO release_0_1.contacts VALUES (2, 'bob@example.com', '2026-11-28 18:08:04.500191+00', '2026-11-28 18:08:04.500191+00', 1, NULL, 'Bob', NULL, NULL, NULL, 'unsubscribed', NULL, 7, 'Reus', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO release_0_1.contacts VALUES (1, 'ann@example.com', '2026-11-28 18:08:04.500191+00', '2026-11-28 18:08:06.168498+00', 1, 2, 'Anna', NULL, NULL, NULL, 'subscribed', NULL, 6, 'Vic', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO release_0_1.contacts VALUES (3, 'cid@example.com', '2026-11-28 18:08:06.168498+00', '2026-11-28 18:08:06.168498+00', 2, NULL, 'Cid', NULL, NULL, NULL, 'none', NULL, 1, 'Olot', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO release_0_1.import_columns VALUES (1, 'email', 'email', 'imported', 0);
INSERT INTO release_0_1.import_columns VALUES (1, 'name', 'name', 'imported', 0);
INSERT INTO release_0_1.import_columns VALUES (1, 'city', 'city', 'imported', 0);
INSERT INTO release_0_1.import_columns VALUES (1, 'points', 'points', 'imported', 0);
INSERT INTO release_0_1.import_columns VALUES (1, 'newsletter_subscription_status', 'newsletter_subscription_status', 'imported', 0);
INSERT INTO release_0_1.import_columns VALUES (2, 'email', 'email', 'imported', 0);
INSERT INTO release_0_1.import_columns VALUES (2, 'name', 'name', 'imported', 0);
INSERT INTO release_0_1.import_columns VALUES (2, 'city', 'city', 'imported', 0);
INSERT INTO release_0_1.import_columns VALUES (2, 'points', 'points', 'imported', 0);
INSERT INTO release_0_1.import_columns VALUES (2, 'newsletter_subscription_status', 'newsletter_subscription_status', 'imported', 0);
INSERT INTO release_0_1.imports VALUES (1, '/exports/contacts.csv', '25ece186b9424e960b139229a12900e4254cf886c49709ce473eaf3121578c0f', 'insert-only', 'completed', NULL, 2, 2, 0, 2, 0, 0, 0, NULL, NULL, 0, 0, '{"import_id": 1, "status": "completed", "source": "/exports/contacts.csv", "sha256": "25ece186b9424e960b139229a12900e4254cf886c49709ce473eaf3121578c0f", "merge": "insert-only", "retry_of": null, "rows": {"read": 2, "accepted": 2, "rejected": 0}, "contacts": {"inserted": 2, "updated": 0, "unchanged": 0, "skipped": 0}, "dialect": {"encoding": "utf-8", "encoding_certainty": "every byte agrees", "delimiter": ",", "delimiter_certainty": "detected", "quote": "\"", "escape": null, "header": true, "skipped_lines": 0}, "preset": null, "columns": [{"position": 1, "column": "email", "field": "email", "outcome": "imported", "empty_cells": 0, "first_empty": [], "suggestion": null}, {"position": 2, "column": "name", "field": "name", "outcome": "imported", "empty_cells": 0, "first_empty": [], "suggestion": null}, {"position": 3, "column": "city", "field": "city", "outcome": "imported", "empty_cells": 0, "first_empty": [], "suggestion": null}, {"position": 4, "column": "points", "field": "points", "outcome": "imported", "empty_cells": 0, "first_empty": [], "suggestion": null}, {"position": 5, "column": "newsletter_subscription_status", "field": "newsletter_subscription_status", "outcome": "imported", "empty_cells": 0, "first_empty": [], "suggestion": null}], "translations": [], "rejections": {}, "rejections_kept": 0, "rejected_file": "/exports/imports/000001-7ce96c04/rejected.csv", "segment": null, "warnings": [], "seconds": 1.34}', NULL, NULL, '2026-11-28 18:08:03.283304+00', '2026-11-28 18:08:04.524863+00', '40c0c9a4-6c76-4f5c-9788-ad6c5659b1a7', NULL, '/exports/contacts.csv', NULL, 'fac7221d1d53dc02db44b42d438f7ed5553930227a42fcfed7e20013ceec5827', NULL, NULL, NULL, NULL);
INSERT INTO release_0_1.imports VALUES (2, '/exports/contacts.csv', 'd3a72ae3e3b5d28e0aa329719ad6c9beff89dc67dd66409458853d37b55c9ce4', 'overwrite', 'completed', NULL, 2, 2, 0, 1, 1, 0, 0, 'vip', 2, 0, 0, '{"import_id": 2, "status": "completed", "source": "/exports/contacts.csv", "sha256": "d3a72ae3e3b5d28e0aa329719ad6c9beff89dc67dd66409458853d37b55c9ce4", "merge": "overwrite", "retry_of": null, "rows": {"read": 2, "accepted": 2, "rejected": 0}, "contacts": {"inserted": 1, "updated": 1, "unchanged": 0, "skipped": 0}, "dialect": {"encoding": "utf-8", "encoding_certainty": "every byte agrees", "delimiter": ",", "delimiter_certainty": "detected", "quote": "\"", "escape": null, "header": true, "skipped_lines": 0}, "preset": null, "columns": [{"position": 1, "column": "email", "field": "email", "outcome": "imported", "empty_cells": 0, "first_empty": [], "suggestion": null}, {"position": 2, "column": "name", "field": "name", "outcome": "imported", "empty_cells": 0, "first_empty": [], "suggestion": null}, {"position": 3, "column": "city", "field": "city", "outcome": "imported", "empty_cells": 0, "first_empty": [], "suggestion": null}, {"position": 4, "column": "points", "field": "points", "outcome": "imported", "empty_cells": 0, "first_empty": [], "suggestion": null}, {"position": 5, "column": "newsletter_subscription_status", "field": "newsletter_subscription_status", "outcome": "imported", "empty_cells": 0, "first_empty": [], "suggestion": null}], "translations": [], "rejections": {}, "rejections_kept": 0, "rejected_file": "/exports/imports/000002-10cdde68/rejected.csv", "segment": {"id": "vip", "added": 2}, "warnings": [], "seconds": 0.932}', NULL, NULL, '2026-11-28 18:08:05.427218+00', '2026-11-28 18:08:06.209685+00', '1053042f-19aa-4df8-80c1-30fb9f9a9cc1', NULL, '/exports/contacts.csv', NULL, '71274aef355ecb8759bc67debc762783b4b58c2084f8e54bfe7df5149f20dd35', NULL, NULL, NULL, NULL);
INSERT INTO release_0_1.segment_members VALUES ('vip', 1, 2);
INSERT INTO release_0_1.segment_members VALUES ('vip', 3, 2);
INSERT INTO release_0_1.segments VALUES ('vip', '2026-11-28 18:07:20.809188+00');
SELECT pg_catalog.setval('release_0_1.contacts_contact_id_seq', 3, true);
SELECT pg_catalog.setval('release_0_1.imports_import_id_seq', 2, true);
ALTER TABLE ONLY release_0_1.contact_fields
    ADD CONSTRAINT contact_fields_pkey PRIMARY KEY (field);
ALTER TABLE ONLY release_0_1.contacts
    ADD CONSTRAINT contacts_email_key UNIQUE (email);
ALTER TABLE ONLY release_0_1.contacts
    ADD CONSTRAINT contacts_pkey PRIMARY KEY (contact_id);
ALTER TABLE ONLY release_0_1.imports
    ADD CONSTRAINT imports_pkey PRIMARY KEY (import_id);
ALTER TABLE ONLY release_0_1.mended_records
    ADD CONSTRAINT mended_records_pkey PRIMARY KEY (first_import, record_number);
ALTER TABLE ONLY release_0_1.segment_members
    ADD CONSTRAINT segment_members_pkey PRIMARY KEY (segment_id, contact_id);
ALTER TABLE ONLY release_0_1.segments
    ADD CONSTRAINT segments_pkey PRIMARY KEY (segment_id);
CREATE INDEX ix_import_columns_import_id ON release_0_1.import_columns USING btree (import_id);
CREATE INDEX ix_rejections_import_id ON release_0_1.rejections USING btree (import_id);
ALTER TABLE ONLY release_0_1.import_columns
    ADD CONSTRAINT import_columns_import_id_fkey FOREIGN KEY (import_id) REFERENCES release_0_1.imports(import_id);
ALTER TABLE ONLY release_0_1.rejections
    ADD CONSTRAINT rejections_import_id_fkey FOREIGN KEY (import_id) REFERENCES release_0_1.imports(import_id);
