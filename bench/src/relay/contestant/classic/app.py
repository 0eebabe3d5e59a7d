"""The relay as one writes it with Falcon and MariaDB: token, mapping, translation, intent and outcome of each change.

Each worker thread keeps one connection to the database and one to the backend.
"""

import hashlib
import ipaddress
import json
import os
import threading
import uuid

import falcon
import pymysql
import urllib3

BACKEND = os.environ["RELAY_BACKEND"]
SOCKET = os.environ["RELAY_DATABASE"]
TENANTS = {os.environ["RELAY_TOKEN_SHA256"]: "acme"}
VERDICTS = {"allow": "PERMIT", "deny": "DROP", "reject": "RESET"}
ACTIONS = {verdict: action for action, verdict in VERDICTS.items()}
PROTOCOLS = {"any": 0, "icmp": 1, "tcp": 6, "udp": 17}
PROTOCOL_NAMES = {number: name for name, number in PROTOCOLS.items()}

backend = urllib3.PoolManager(maxsize=64, retries=False, timeout=60)
local = threading.local()


def database():
    if not hasattr(local, "database"):
        local.database = pymysql.connect(unix_socket=SOCKET, user="root", database="relay", autocommit=False)
    return local.database


def subnet(network):
    parsed = ipaddress.IPv4Network(network)
    return {"addr": str(parsed.network_address), "mask": str(parsed.netmask)}


def network(subnet):
    return str(ipaddress.IPv4Network((subnet["addr"], subnet["mask"])))


def ports(text):
    low, _, high = text.partition("-")
    return {"low": int(low), "high": int(high or low)}


def stored(spec, marker):
    """A policy in the backend's words."""
    entries = []
    for rule in spec["rules"]:
        entry = {
            "label": rule["name"],
            "verdict": VERDICTS[rule["action"]],
            "ip-protocol": PROTOCOLS[rule["protocol"]],
            "src": subnet(rule["from"]),
            "dst": subnet(rule["to"]),
            "syslog": int(rule.get("log", False)),
            "sequence": rule.get("rank", 0),
        }
        if "ports" in rule:
            entry["dport"] = ports(rule["ports"])
        entries.append(entry)
    remark = f"{spec.get('description', '')} [{marker}]".strip()
    return {"policy-name": spec["name"], "remark": remark, "entries": entries}


def view(policy):
    """A policy in the CMP's words."""
    rules = []
    for entry in policy["entries"]:
        rule = {
            "name": entry["label"],
            "action": ACTIONS[entry["verdict"]],
            "protocol": PROTOCOL_NAMES[entry["ip-protocol"]],
            "from": network(entry["src"]),
            "to": network(entry["dst"]),
            "log": bool(entry["syslog"]),
            "rank": entry["sequence"],
        }
        if "dport" in entry:
            low, high = entry["dport"]["low"], entry["dport"]["high"]
            rule["ports"] = str(low) if low == high else f"{low}-{high}"
        rules.append(rule)
    description = policy["remark"].rpartition(" [")[0]
    return {
        "id": policy["id"],
        "revision": policy["revision"],
        "name": policy["policy-name"],
        "description": description,
        "rules": rules,
    }


class Authentication:
    def process_request(self, request, response):
        token = (request.auth or "").removeprefix("Bearer ")
        tenant = TENANTS.get(hashlib.sha256(token.encode()).hexdigest())
        if tenant is None:
            raise falcon.HTTPUnauthorized(description="an unknown token")
        request.context.tenant = tenant


class Policy:
    def on_get(self, request, response, cmp_id):
        key = (request.context.tenant, cmp_id)
        connection = database()
        with connection.cursor() as cursor:
            cursor.execute("SELECT backend_id, revision FROM mapping WHERE tenant = %s AND cmp_id = %s", key)
            row = cursor.fetchone()
        connection.commit()
        if row is None:
            raise falcon.HTTPNotFound()
        reply = backend.request("GET", f"{BACKEND}/policies/{row[0]}")
        if reply.status != 200:
            raise falcon.HTTPBadGateway(description=f"the backend answered {reply.status}")
        mapping = {"cmp_id": cmp_id, "backend_id": row[0], "revision": row[1], "state": "active"}
        response.media = {"mapping": mapping, "result": view(json.loads(reply.data))}

    def on_put(self, request, response, cmp_id):
        spec = request.media["spec"]
        operation = str(uuid.uuid4())
        key = (request.context.tenant, cmp_id)
        policy = stored(spec, f"xp-{operation[:20]}")
        connection = database()
        try:
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO mapping (tenant, cmp_id, operation) VALUES (%s, %s, %s)", (*key, operation))
                cursor.execute(
                    "INSERT INTO operation (id, tenant, cmp_id, state, spec) VALUES (%s, %s, %s, 'open', %s)",
                    (operation, *key, json.dumps(spec)),
                )
            connection.commit()
        except pymysql.err.IntegrityError:
            connection.rollback()
            raise falcon.HTTPConflict(description="the object exists already")
        body = json.dumps(policy).encode()
        reply = backend.request("POST", f"{BACKEND}/policies", body=body, headers={"content-type": "application/json"})
        if reply.status != 201:
            raise falcon.HTTPBadGateway(description=f"the backend answered {reply.status}; {operation} is in doubt")
        result, revision = view(json.loads(reply.data)), reply.headers.get("etag")
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE mapping SET backend_id = %s, revision = %s, operation = NULL WHERE tenant = %s AND cmp_id = %s",
                (result["id"], revision, *key),
            )
            cursor.execute(
                "UPDATE operation SET state = 'succeeded', spec = NULL, result = %s WHERE id = %s",
                (json.dumps(result), operation),
            )
        connection.commit()
        mapping = {"cmp_id": cmp_id, "backend_id": result["id"], "revision": revision, "state": "active"}
        response.status = falcon.HTTP_201
        response.media = {
            "mapping": mapping,
            "result": result,
            "operation": {"id": operation, "state": "succeeded", "result": result},
        }


app = falcon.App(middleware=[Authentication()])
app.add_route("/v1/backends/bench/objects/policy/{cmp_id}", Policy())
