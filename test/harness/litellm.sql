-- LiteLLM's tables as its schema.prisma makes them, as far as an import reads them.

CREATE TABLE "LiteLLM_BudgetTable" (
  budget_id text PRIMARY KEY, max_budget double precision, soft_budget double precision, max_parallel_requests integer,
  tpm_limit bigint, rpm_limit bigint, model_max_budget jsonb, budget_duration text, budget_reset_at timestamp(3),
  allowed_models text[] DEFAULT '{}', created_at timestamp(3) NOT NULL DEFAULT now(), created_by text NOT NULL DEFAULT 'admin',
  updated_at timestamp(3) NOT NULL DEFAULT now(), updated_by text NOT NULL DEFAULT 'admin'
);
CREATE TABLE "LiteLLM_OrganizationTable" (
  organization_id text PRIMARY KEY, organization_alias text NOT NULL, budget_id text NOT NULL REFERENCES "LiteLLM_BudgetTable",
  metadata jsonb NOT NULL DEFAULT '{}', models text[], spend double precision NOT NULL DEFAULT 0, model_spend jsonb NOT NULL DEFAULT '{}',
  object_permission_id text, created_at timestamp(3) NOT NULL DEFAULT now(), created_by text NOT NULL DEFAULT 'admin',
  updated_at timestamp(3) NOT NULL DEFAULT now(), updated_by text NOT NULL DEFAULT 'admin'
);
CREATE TABLE "LiteLLM_ModelTable" (
  id serial PRIMARY KEY, aliases jsonb, created_at timestamp(3) NOT NULL DEFAULT now(), created_by text NOT NULL DEFAULT 'admin',
  updated_at timestamp(3) NOT NULL DEFAULT now(), updated_by text NOT NULL DEFAULT 'admin'
);
CREATE TABLE "LiteLLM_TeamTable" (
  team_id text PRIMARY KEY, team_alias text, organization_id text REFERENCES "LiteLLM_OrganizationTable", object_permission_id text,
  admins text[], members text[], members_with_roles jsonb NOT NULL DEFAULT '{}', metadata jsonb NOT NULL DEFAULT '{}',
  max_budget double precision, soft_budget double precision, spend double precision NOT NULL DEFAULT 0, models text[],
  max_parallel_requests integer, tpm_limit bigint, rpm_limit bigint, budget_duration text, budget_reset_at timestamp(3),
  blocked boolean NOT NULL DEFAULT false, created_at timestamp(3) NOT NULL DEFAULT now(), updated_at timestamp(3) NOT NULL DEFAULT now(),
  model_spend jsonb NOT NULL DEFAULT '{}', model_max_budget jsonb NOT NULL DEFAULT '{}', router_settings jsonb DEFAULT '{}',
  team_member_permissions text[] DEFAULT '{}', access_group_ids text[] DEFAULT '{}', policies text[] DEFAULT '{}',
  default_team_member_models text[] DEFAULT '{}', budget_limits jsonb, model_id integer UNIQUE REFERENCES "LiteLLM_ModelTable",
  allow_team_guardrail_config boolean NOT NULL DEFAULT false
);
CREATE TABLE "LiteLLM_UserTable" (
  user_id text PRIMARY KEY, user_alias text, team_id text, sso_user_id text UNIQUE, organization_id text, object_permission_id text,
  password text, teams text[] DEFAULT '{}', user_role text, max_budget double precision, spend double precision NOT NULL DEFAULT 0,
  user_email text, models text[], metadata jsonb NOT NULL DEFAULT '{}', max_parallel_requests integer, tpm_limit bigint,
  rpm_limit bigint, budget_duration text, budget_reset_at timestamp(3), allowed_cache_controls text[] DEFAULT '{}',
  policies text[] DEFAULT '{}', model_spend jsonb NOT NULL DEFAULT '{}', model_max_budget jsonb NOT NULL DEFAULT '{}',
  created_at timestamp(3) DEFAULT now(), updated_at timestamp(3) DEFAULT now()
);
CREATE TABLE "LiteLLM_VerificationToken" (
  token text PRIMARY KEY, key_name text, key_alias text, soft_budget_cooldown boolean NOT NULL DEFAULT false,
  spend double precision NOT NULL DEFAULT 0, expires timestamp(3), models text[], aliases jsonb NOT NULL DEFAULT '{}',
  config jsonb NOT NULL DEFAULT '{}', router_settings jsonb DEFAULT '{}', user_id text, team_id text, agent_id text, project_id text,
  permissions jsonb NOT NULL DEFAULT '{}', max_parallel_requests integer, metadata jsonb NOT NULL DEFAULT '{}', blocked boolean,
  tpm_limit bigint, rpm_limit bigint, max_budget double precision, budget_duration text, budget_reset_at timestamp(3),
  allowed_cache_controls text[] DEFAULT '{}', allowed_routes text[] DEFAULT '{}', policies text[] DEFAULT '{}',
  access_group_ids text[] DEFAULT '{}', model_spend jsonb NOT NULL DEFAULT '{}', model_max_budget jsonb NOT NULL DEFAULT '{}',
  budget_id text REFERENCES "LiteLLM_BudgetTable", organization_id text REFERENCES "LiteLLM_OrganizationTable",
  object_permission_id text, created_at timestamp(3) DEFAULT now(), created_by text, updated_at timestamp(3) DEFAULT now(),
  updated_by text, last_active timestamp(3), rotation_count integer DEFAULT 0, auto_rotate boolean DEFAULT false,
  rotation_interval text, last_rotation_at timestamp(3), key_rotation_at timestamp(3), budget_limits jsonb
);
CREATE TABLE "LiteLLM_DeprecatedVerificationToken" (
  id text PRIMARY KEY, token text NOT NULL UNIQUE, active_token_id text NOT NULL, revoke_at timestamp(3) NOT NULL,
  created_at timestamp(3) NOT NULL DEFAULT now()
);
CREATE TABLE "LiteLLM_EndUserTable" (
  user_id text PRIMARY KEY, alias text, spend double precision NOT NULL DEFAULT 0, allowed_model_region text, default_model text,
  budget_id text REFERENCES "LiteLLM_BudgetTable", object_permission_id text, blocked boolean NOT NULL DEFAULT false
);
CREATE TABLE "LiteLLM_TagTable" (
  tag_name text PRIMARY KEY, description text, models text[], model_info jsonb, spend double precision NOT NULL DEFAULT 0,
  budget_id text REFERENCES "LiteLLM_BudgetTable", created_at timestamp(3) NOT NULL DEFAULT now(), created_by text,
  updated_at timestamp(3) NOT NULL DEFAULT now()
);
CREATE TABLE "LiteLLM_TeamMembership" (
  user_id text NOT NULL, team_id text NOT NULL, spend double precision NOT NULL DEFAULT 0, total_spend double precision NOT NULL DEFAULT 0,
  budget_id text REFERENCES "LiteLLM_BudgetTable", PRIMARY KEY (user_id, team_id)
);
CREATE TABLE "LiteLLM_OrganizationMembership" (
  user_id text NOT NULL, organization_id text NOT NULL, user_role text, spend double precision DEFAULT 0,
  budget_id text REFERENCES "LiteLLM_BudgetTable", created_at timestamp(3) DEFAULT now(), updated_at timestamp(3) DEFAULT now(),
  PRIMARY KEY (user_id, organization_id)
);
CREATE TABLE "LiteLLM_ProxyModelTable" (
  model_id text PRIMARY KEY, model_name text NOT NULL, litellm_params jsonb NOT NULL, model_info jsonb, blocked boolean NOT NULL DEFAULT false,
  created_at timestamp(3) NOT NULL DEFAULT now(), created_by text NOT NULL DEFAULT 'admin', updated_at timestamp(3) NOT NULL DEFAULT now(),
  updated_by text NOT NULL DEFAULT 'admin'
);
CREATE TABLE "LiteLLM_SpendLogs" (request_id text PRIMARY KEY, spend double precision NOT NULL DEFAULT 0);
CREATE TABLE "LiteLLM_CredentialsTable" (credential_id text PRIMARY KEY, credential_name text UNIQUE);

-- What a company has after a year of it. `:month` ends the window that is open, in UTC as everything here.

INSERT INTO "LiteLLM_BudgetTable" (budget_id, max_budget, budget_duration, budget_reset_at, allowed_models, tpm_limit) VALUES
  ('free', 1, '30d', :month, '{}', NULL),
  ('of-acme', 100, NULL, NULL, '{}', NULL),
  ('of-alice-in-research', 0.05, NULL, NULL, '{m-out,m-free}', 1000000000000),
  ('of-members', 0.02, '30d', :month, '{}', NULL),
  ('broken', 1, 'a fortnight', NULL, '{}', NULL);
INSERT INTO "LiteLLM_OrganizationTable" (organization_id, organization_alias, budget_id, spend, created_at) VALUES
  ('acme', 'Acme', 'of-acme', 12.5, '2025-01-02 03:04:05.678');
INSERT INTO "LiteLLM_UserTable" (user_id, user_email, user_role, max_budget, spend, teams, object_permission_id) VALUES
  ('alice', 'alice@example.com', 'internal_user', 10, 0.30000000000000004, '{research}', 'op-1'),
  ('bob', 'Alice@example.com', 'customer', NULL, 0, '{}', NULL),
  ('carol', NULL, 'internal_user', -1, 0, '{}', NULL),
  ('litellm-proxy-budget', NULL, NULL, 1000, 33, '{}', NULL);
INSERT INTO "LiteLLM_OrganizationMembership" (user_id, organization_id, user_role) VALUES ('alice', 'acme', 'org_admin');
INSERT INTO "LiteLLM_ModelTable" (id, aliases) VALUES (7, '{"fast": "m-out"}');
INSERT INTO "LiteLLM_TeamTable" (team_id, team_alias, organization_id, members_with_roles, metadata, spend, model_id) VALUES
  ('research', 'Research', 'acme',
   '[{"role": "admin", "user_id": "alice", "user_email": null}, {"role": "user", "user_id": "bob", "user_email": null}]',
   '{"team_member_budget_id": "of-members", "tags": ["science"], "cost_center": 7}', 3, 7),
  ('blocked', NULL, NULL, '{}', '{}', 0, NULL);
UPDATE "LiteLLM_TeamTable" SET blocked = true WHERE team_id = 'blocked';
INSERT INTO "LiteLLM_TeamMembership" (user_id, team_id, spend, budget_id) VALUES
  ('alice', 'research', 0.049, 'of-alice-in-research'), ('bob', 'research', 0.02, 'of-members'), ('alice', 'long-gone', 1, NULL);
INSERT INTO "LiteLLM_EndUserTable" (user_id, alias, spend, budget_id) VALUES ('customer-1', 'Example Ltd', 1, 'free');
INSERT INTO "LiteLLM_TagTable" (tag_name, description, spend, budget_id) VALUES ('batch', 'Nightly', 1, 'free');
INSERT INTO "LiteLLM_VerificationToken"
  (token, key_name, key_alias, spend, max_budget, budget_duration, budget_reset_at, user_id, team_id, budget_id, models, metadata, expires, blocked, project_id) VALUES
  (encode(sha256('sk-of-the-pipeline'), 'hex'), 'sk-...line', 'ci', 0.09, 0.1, 'monthly', :month, 'maker', NULL, NULL, '{m-out}',
   '{"owner": "ops", "model_rpm_limit": {"m-out": 50}, "tags": ["nightly"]}', '2099-01-02 03:04:05', NULL, NULL),
  (encode(sha256('sk-with-the-same-name'), 'hex'), 'sk-...name', 'ci', 0, NULL, NULL, NULL, NULL, NULL, NULL, '{}', '{}', NULL, NULL, NULL),
  (encode(sha256('sk-of-last-month'), 'hex'), 'sk-...onth', NULL, 0.1, 0.1, '1h', '2026-01-01', NULL, NULL, NULL, '{}', '{}', NULL, NULL, NULL),
  (encode(sha256('sk-used-up-in-this-hour'), 'hex'), 'sk-...hour', NULL, 0.1, 0.1, '1h', :hour, NULL, NULL, NULL, '{}', '{}', NULL, NULL, NULL),
  (encode(sha256('sk-of-alice'), 'hex'), 'sk-...lice', NULL, 0, NULL, NULL, NULL, 'alice', 'research', NULL, '{}', '{}', NULL, NULL, NULL),
  (encode(sha256('sk-of-bob'), 'hex'), 'sk-...-bob', NULL, 0, NULL, NULL, NULL, 'bob', 'research', NULL, '{}', '{}', NULL, NULL, NULL),
  (encode(sha256('sk-of-carol'), 'hex'), 'sk-...arol', NULL, 0, NULL, NULL, NULL, 'carol', NULL, NULL, '{}', '{}', NULL, NULL, NULL),
  (encode(sha256('sk-expired'), 'hex'), 'sk-...ired', NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, '{}', '{}', '2026-01-01', NULL, NULL),
  (encode(sha256('sk-blocked'), 'hex'), 'sk-...cked', NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, '{}', '{}', NULL, true, NULL),
  (encode(sha256('sk-of-a-project'), 'hex'), 'sk-...ject', NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, '{}', '{}', NULL, NULL, 'p-1'),
  ('sk-never-hashed', NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, '{}', '{}', NULL, NULL, NULL);
INSERT INTO "LiteLLM_DeprecatedVerificationToken" (id, token, active_token_id, revoke_at) VALUES
  ('1', encode(sha256('sk-of-alice-before'), 'hex'), encode(sha256('sk-of-alice'), 'hex'), '2099-01-01');
INSERT INTO "LiteLLM_ProxyModelTable" (model_id, model_name, litellm_params, model_info) VALUES
  ('m-1', 'm-stored', :params, '{"id": "m-1", "db_model": true, "input_cost_per_token": 0, "output_cost_per_token": 0.001, "max_output_tokens": 100000}'),
  ('m-2', 'm-sealed-otherwise', :strangers_params, '{}');
INSERT INTO "LiteLLM_SpendLogs" VALUES ('r-1', 1), ('r-2', 2);
INSERT INTO "LiteLLM_CredentialsTable" VALUES ('c-1', 'azure');
