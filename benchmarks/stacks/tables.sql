-- The part of Testamur's tables that creating a credential template touches, with every key and index, so that an
-- insert costs each side the same.
CREATE TABLE workspaces (
  id VARCHAR(26) NOT NULL PRIMARY KEY,
  name VARCHAR(255) NOT NULL,
  slug VARCHAR(63) NOT NULL UNIQUE,
  website_url VARCHAR(2048),
  support_email VARCHAR(254),
  time_zone VARCHAR(64) NOT NULL,
  created_at DATETIME NOT NULL,
  updated_at DATETIME NOT NULL
);

CREATE TABLE access_tokens (
  id VARCHAR(26) NOT NULL PRIMARY KEY,
  workspace_id VARCHAR(26) NOT NULL REFERENCES workspaces (id),
  name VARCHAR(255) NOT NULL,
  secret_hash VARCHAR(64) NOT NULL UNIQUE,
  secret_end VARCHAR(4) NOT NULL,
  created_at DATETIME NOT NULL,
  last_used_at DATETIME,
  revoked_at DATETIME
);
CREATE INDEX ix_access_tokens_workspace_id ON access_tokens (workspace_id, created_at);

CREATE TABLE designs (
  workspace_id VARCHAR(26) NOT NULL REFERENCES workspaces (id),
  id VARCHAR(26) NOT NULL PRIMARY KEY,
  name VARCHAR(255) NOT NULL,
  type VARCHAR(16) NOT NULL,
  version INTEGER NOT NULL,
  starter VARCHAR(64),
  created_at DATETIME NOT NULL,
  updated_at DATETIME NOT NULL,
  UNIQUE (workspace_id, id),
  UNIQUE (workspace_id, starter)
);
CREATE INDEX ix_designs_workspace_id ON designs (workspace_id, created_at, id);

CREATE TABLE credential_templates (
  workspace_id VARCHAR(26) NOT NULL REFERENCES workspaces (id),
  id VARCHAR(26) NOT NULL PRIMARY KEY,
  name VARCHAR(255) NOT NULL,
  learning_event_url VARCHAR(2048),
  created_at DATETIME NOT NULL,
  updated_at DATETIME NOT NULL,
  UNIQUE (workspace_id, id)
);
CREATE INDEX ix_credential_templates_workspace_id ON credential_templates (workspace_id, created_at, id);

CREATE TABLE credential_template_designs (
  workspace_id VARCHAR(26) NOT NULL,
  credential_template_id VARCHAR(26) NOT NULL,
  position INTEGER NOT NULL,
  design_id VARCHAR(26) NOT NULL,
  PRIMARY KEY (credential_template_id, position),
  UNIQUE (credential_template_id, design_id),
  FOREIGN KEY (workspace_id, credential_template_id)
    REFERENCES credential_templates (workspace_id, id) ON DELETE CASCADE,
  FOREIGN KEY (workspace_id, design_id) REFERENCES designs (workspace_id, id)
);
CREATE INDEX ix_credential_template_designs_design_id ON credential_template_designs (design_id);
