CREATE DATABASE relay;
CREATE TABLE relay.mapping (
    tenant VARCHAR(63) NOT NULL,
    cmp_id VARCHAR(255) NOT NULL,
    backend_id VARCHAR(255),
    revision VARCHAR(255),
    operation CHAR(36),
    PRIMARY KEY (tenant, cmp_id),
    UNIQUE KEY (backend_id)
) ENGINE = InnoDB CHARACTER SET ascii;
CREATE TABLE relay.operation (
    id CHAR(36) CHARACTER SET ascii NOT NULL PRIMARY KEY,
    tenant VARCHAR(63) NOT NULL,
    cmp_id VARCHAR(255) NOT NULL,
    state VARCHAR(15) NOT NULL,
    spec MEDIUMTEXT,
    result MEDIUMTEXT
) ENGINE = InnoDB CHARACTER SET utf8mb4;
