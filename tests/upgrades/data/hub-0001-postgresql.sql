SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE public.container_logs (
    id character varying(36) NOT NULL,
    container_id character varying(300) NOT NULL,
    log_type character varying(20) NOT NULL,
    message text NOT NULL,
    "timestamp" timestamp with time zone NOT NULL
);

CREATE TABLE public.containers (
    id character varying(300) NOT NULL,
    "user" character varying(255) NOT NULL,
    name character varying(40) NOT NULL,
    status character varying(20) NOT NULL,
    resources json NOT NULL,
    config json NOT NULL,
    priority integer NOT NULL,
    degrade boolean NOT NULL,
    intent character varying(20) NOT NULL,
    language character varying(20) NOT NULL,
    node character varying(255),
    restarts integer NOT NULL,
    exit_code integer,
    reason json,
    last_log json NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    queued_at timestamp with time zone,
    started_at timestamp with time zone
);

CREATE TABLE public.mlws_version (
    version_num character varying(32) NOT NULL
);

CREATE TABLE public.reservations (
    "user" character varying(255) NOT NULL,
    id character varying(36) NOT NULL,
    node character varying(255) NOT NULL,
    resources json NOT NULL,
    devices json NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

INSERT INTO public.container_logs VALUES ('9b590f68-be5f-46f7-9ad0-62703b005da5', 'ada--default', 'event', 'started', '2026-11-25 12:00:00+00');

INSERT INTO public.containers VALUES ('ada--default', 'ada', '', 'running', '{"cpu": 1.0, "memory": "2G"}', '{"image": "mlws"}', 1, false, '', 'zh-CN', NULL, 0, NULL, NULL, '["ready"]', '2026-11-25 12:00:00+00', '2026-11-25 12:00:00+00', '2026-11-25 12:00:00+00', '2026-11-25 12:00:00+00');

INSERT INTO public.mlws_version VALUES ('0001');

ALTER TABLE ONLY public.container_logs
    ADD CONSTRAINT container_logs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.containers
    ADD CONSTRAINT containers_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.mlws_version
    ADD CONSTRAINT mlws_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY public.reservations
    ADD CONSTRAINT reservations_pkey PRIMARY KEY ("user");

CREATE INDEX ix_container_logs_by_time ON public.container_logs USING btree (container_id, "timestamp");

CREATE INDEX ix_containers_user ON public.containers USING btree ("user");

ALTER TABLE ONLY public.container_logs
    ADD CONSTRAINT container_logs_container_id_fkey FOREIGN KEY (container_id) REFERENCES public.containers(id) ON DELETE CASCADE;
