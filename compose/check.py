#!/usr/bin/env python3
"""Checks that the files of this folder fit each other and docs/telemetry.md.

Prints a line for each mistake, and ends with 1 if there is one. `--queries FILE` also writes every query of the
dashboards to FILE as a rule file of Prometheus, for promtool to parse.
"""

import argparse
import itertools
import json
import pathlib
import re
import sys

import yaml

FOLDER = pathlib.Path(__file__).resolve().parent
TELEMETRY = FOLDER.parent / "docs" / "telemetry.md"
IMAGE = "ragdoll:dev"
PORT = "7000"

# Labels that the collector's exporter sets (the first two), and that come with its metrics of spans.
LABELS = {"job", "instance"}
SPAN_LABELS = {"service_name", "service_instance_id", "span_name", "span_kind", "status_code", "server_address", "le"}
# What Grafana fills in, and something that it could be.
VARIABLES = {"$__rate_interval": "30s", "$service": ".*"}
# Words of a query that are neither a metric nor followed by a bracket.
WORDS = {"and", "or", "unless", "bool", "offset", "inf", "nan"}

mistakes = []


def mistake(where, what):
    folder = "" if where.startswith("docs/") else "compose/"
    mistakes.append(f"{folder}{where}: {what}")


def read(name):
    """A file of this folder as YAML, of which JSON is a part."""
    try:
        text = (FOLDER / name).read_text(encoding="utf-8")
        return json.loads(text) if name.endswith(".json") else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        mistake(name, str(error).replace("\n", " "))
        return None


def check_instances(services):
    """The instances are named, numbered and complete as `Topology::instances_of` has them."""
    shards = set()
    seen = set()
    for name, service in services.items():
        if service.get("image") != IMAGE:
            continue
        where = f"compose.yaml: {name}"
        command = service.get("command", [])
        arguments = dict(zip(command[::2], command[1::2]))
        role, index = arguments.get("--role"), arguments.get("--index")
        seen.add((role, index))
        shard = re.fullmatch(r"shard-(\d+)-(\d+)", name)
        if shard:
            shards.add((int(shard[1]), int(shard[2])))
        elif name != f"{role}-{index}":
            mistake(where, f"is {role} number {index} by its command")
        for key in ("healthcheck", "mem_limit", "memswap_limit", "cpus"):
            if key not in service:
                mistake(where, f"has no {key}")
    if len(seen) != sum(service.get("image") == IMAGE for service in services.values()):
        mistake("compose.yaml", "two services are the same instance")
    partitions = {partition for partition, _ in shards}
    replicas = {replica for _, replica in shards}
    if shards != set(itertools.product(range(len(partitions)), range(len(replicas)))):
        mistake("compose.yaml", "the shards are not every replica of every partition")
    for partition, replica in shards:
        index = partition * len(replicas) + replica
        command = services[f"shard-{partition}-{replica}"]["command"]
        if command != ["--role", "shard", "--index", str(index)]:
            mistake(f"compose.yaml: shard-{partition}-{replica}", f"is shard number {index}, its command is {command}")


def check_surroundings(services):
    """What containers mount is there, and what they publish stays on this machine."""
    for name, service in services.items():
        for volume in service.get("volumes", []):
            source = volume.rsplit(":", 2)[0]
            if not source.startswith("$") and not (FOLDER / source).exists():
                mistake(f"compose.yaml: {name}", f"mounts {source}, which is not there")
        for port in service.get("ports", []):
            if not port.startswith("127.0.0.1:"):
                mistake(f"compose.yaml: {name}", f"publishes {port} to the network: begin with 127.0.0.1:")
        if "mem_limit" not in service:
            mistake(f"compose.yaml: {name}", "has no mem_limit")


def check_addresses(services, plan, live, prometheus):
    """Whoever is called by name is there, and listens where it is called."""
    pattern = plan.get("addresses", {}).get("pattern")
    if pattern != "{instance}:" + PORT:
        mistake("plan.json", f"the pattern of addresses is {pattern}: services are at INSTANCE:{PORT}")
    collector, port = plan.get("otlp_endpoint", "").removeprefix("http://").split(":")
    receiver = live["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"]
    if collector not in services or not receiver.endswith(f":{port}"):
        mistake("plan.json", f"otlp_endpoint is {collector}:{port}, and no collector of compose.yaml listens there")
    exporter = live["exporters"]["prometheus"]["endpoint"]
    targets = prometheus["scrape_configs"][0]["static_configs"][0]["targets"]
    if targets != [f"{collector}:{exporter.rsplit(':', 1)[1]}"]:
        mistake("prometheus/prometheus.yml", f"asks {targets}, and the collector exports on {exporter}")


def check_pipelines(name, config):
    """Pipelines of a collector name components that it has, and it has none that they do not name."""
    pipelines = config["service"]["pipelines"]
    connectors = set(config.get("connectors") or {})
    for kind in ("receivers", "processors", "exporters"):
        # A connector ends one pipeline and begins another.
        there = set(config.get(kind) or {}) | (connectors if kind != "processors" else set())
        used = {component for parts in pipelines.values() for component in parts.get(kind, [])}
        for component in sorted(used - there):
            mistake(name, f"a pipeline names {component}, which is not among the {kind}")
        for component in sorted(there - used):
            mistake(name, f"no pipeline has {component} among its {kind}")


def known_metrics(live):
    """Metrics of docs/telemetry.md and of the collector's connector, as Prometheus shows them."""
    text = TELEMETRY.read_text(encoding="utf-8")
    section = re.search(r"^## Metrics$(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| (`[^|]*) \|", section[1] if section else "", re.MULTILINE)
    documented = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    if not documented:
        mistake("docs/telemetry.md", "has no table of metrics below `## Metrics`")
    exporter, connector = live["exporters"]["prometheus"], live["connectors"]["spanmetrics"]
    if exporter.get("add_metric_suffixes") is not False or connector["histogram"].get("unit") != "s":
        mistake("collector/live.yaml", "the queries need add_metric_suffixes: false and histograms in seconds")
    prefix = connector["namespace"].replace(".", "_")
    of_spans = [f"{prefix}_calls"] + [f"{prefix}_duration_{part}" for part in ("bucket", "sum", "count")]
    return {name.replace(".", "_"): LABELS for name in documented} | {
        name: LABELS | SPAN_LABELS for name in of_spans
    } | {"up": LABELS}


def check_query(where, query, known):
    """A query names metrics that there are, and labels that they have."""
    bare = re.sub(r'"[^"]*"|\'[^\']*\'', '""', query)
    labels = set()
    for matchers in re.findall(r"\{([^}]*)\}", bare):
        labels |= set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
    grouping = r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)"
    for group in re.findall(grouping, bare):
        labels |= set(re.findall(r"\w+", group))
    bare = re.sub(grouping, " ", re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", bare))
    names = set(re.findall(r"(?<![\w:.])[a-zA-Z_:][\w:]*(?!\w*\s*\()(?![\w:])", bare)) - WORDS
    for name in sorted(names - set(known)):
        mistake(where, f"there is no metric {name}: see docs/telemetry.md, and write underscores for its dots")
    for label in sorted(labels - set().union(*(known.get(name, labels) for name in names))):
        mistake(where, f"the metrics {', '.join(sorted(names))} have no label {label}")
    if not names:
        mistake(where, "asks for no metric")


def dashboard_queries(name, dashboard, sources):
    """Place and text of every query of a dashboard."""
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    identifiers = [panel["id"] for panel in dashboard["panels"]]
    if len(set(identifiers)) != len(identifiers):
        mistake(name, "two panels have the same id")
    for panel in panels:
        where = f"{name}: {panel['title']}"
        if not panel.get("targets"):
            mistake(where, "has no query")
        for part in [panel, *panel.get("targets", [])]:
            if part["datasource"]["uid"] not in sources:
                mistake(where, f"asks {part['datasource']['uid']}, which is not provisioned")
        for target in panel.get("targets", []):
            query = target["expr"]
            for variable, value in VARIABLES.items():
                query = query.replace(variable, value)
            if "$" in query:
                mistake(where, f"there is no such variable: {query}")
            yield where, query
    for variable in dashboard["templating"]["list"]:
        inner = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"])
        yield f"{name}: variable {variable['name']}", f"{inner[1]}{{{inner[2]}!=\"\"}}" if inner else "?"


def as_rules(queries):
    """A rule file that has every query in it. A name of a rule may be used again with other labels."""
    rules = [{"record": "query", "expr": query, "labels": {"number": str(at)}} for at, query in enumerate(queries)]
    return {"groups": [{"name": "queries", "rules": rules}]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", metavar="FILE", help="where to write the dashboards' queries")
    arguments = parser.parse_args()

    names = ["compose.yaml", "plan.json", "collector/live.yaml", "collector/replay.yaml", "prometheus/prometheus.yml"]
    names += ["prometheus/rules.yml", "grafana/provisioning/datasources/ragdoll.yaml"]
    dashboards = sorted(f"grafana/dashboards/{path.name}" for path in (FOLDER / "grafana/dashboards").glob("*.json"))
    names += ["grafana/provisioning/dashboards/ragdoll.yaml", *dashboards]
    files = {name: read(name) for name in names}
    if not mistakes:
        services = files["compose.yaml"]["services"]
        live = files["collector/live.yaml"]
        check_instances(services)
        check_surroundings(services)
        check_addresses(services, files["plan.json"], live, files["prometheus/prometheus.yml"])
        for name in ("collector/live.yaml", "collector/replay.yaml"):
            check_pipelines(name, files[name])
        known = known_metrics(live)
        sources = {source["uid"] for source in files["grafana/provisioning/datasources/ragdoll.yaml"]["datasources"]}
        found = [query for name in dashboards for query in dashboard_queries(name, files[name], sources)]
        alerts = [rule for group in files["prometheus/rules.yml"]["groups"] for rule in group["rules"]]
        for where, query in found + [(f"prometheus/rules.yml: {rule['alert']}", rule["expr"]) for rule in alerts]:
            check_query(where, query, known)
        if arguments.queries:
            rules = as_rules([query for _, query in found])
            pathlib.Path(arguments.queries).write_text(yaml.safe_dump(rules), encoding="utf-8")
        print(f"{len(services)} services, {len(found)} queries, {len(alerts)} alerts")
    for line in mistakes:
        print(line, file=sys.stderr)
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
