#!/usr/bin/env bash
# Checks the deployment examples by the rules of those who read them: the schemas of Kubernetes, the compose
# specification, systemd. That the runner reads what they set is checked by tests/shipped/deploy.rs.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ROOT/scripts/lib/tools.sh"
cd "$ROOT/scripts/deploy"

python_tool deploy kubernetes-validate==1.37.0 ||
    lacks "kubernetes-validate is missing: pip install kubernetes-validate"
# Without a version, the newest that the package knows.
"$TOOLS/deploy/bin/kubernetes-validate" --strict kubernetes.yaml
"$TOOLS/deploy/bin/python3" - kubernetes.yaml docker-compose.yml prometheus-rules.yaml <<'PYTHON'
import re, sys, yaml

manifests, compose, rules = sys.argv[1:]
manifests = {d["kind"]: d for d in yaml.safe_load_all(open(manifests))}
deployment = manifests["Deployment"]["spec"]
pod = deployment["template"]["spec"]
[container] = pod["containers"]
assert deployment["replicas"] == 2
assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["seccompProfile"]
security = container["securityContext"]
assert security["readOnlyRootFilesystem"] and security["capabilities"]["drop"] == ["ALL"]
assert container["resources"]["requests"] == {"cpu": "50m", "memory": "32Mi"}
mounts = {m["name"] for m in container["volumeMounts"]}
assert mounts == {v["name"] for v in pod["volumes"]}

# The metrics can be reached: the listener's port is named, annotated, and let in.
labels = deployment["template"]["metadata"]["labels"]
variables = {v["name"]: v["value"] for v in container["env"]}
[port] = container["ports"]
assert variables["SEMILAYER_HEALTH_ADDR"] == f"0.0.0.0:{port['containerPort']}"
assert deployment["template"]["metadata"]["annotations"]["prometheus.io/port"] == str(port["containerPort"])
[ingress] = manifests["NetworkPolicy"]["spec"]["ingress"]
assert [p["port"] for p in ingress["ports"]] == [port["name"]] and ingress["from"]
assert variables["SEMILAYER_SECRETS_DIR"] in {m["mountPath"] for m in container["volumeMounts"]}
budget = manifests["PodDisruptionBudget"]["spec"]
assert budget["selector"]["matchLabels"] == labels
assert 0 < budget["minAvailable"] < deployment["replicas"]

names = set()
for group in yaml.safe_load(open(rules))["groups"]:
    for rule in group["rules"]:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}, rule
        assert re.fullmatch(r"[A-Za-z]+", rule["alert"]) and rule["alert"] not in names
        names.add(rule["alert"])
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["expr"].count("(") == rule["expr"].count(")")

compose = yaml.safe_load(open(compose))
runner = compose["services"]["runner"]
assert runner["read_only"] and runner["cap_drop"] == ["ALL"] and "ports" not in runner
assert set(runner["secrets"]) == set(compose["secrets"])
for name, value in runner["environment"].items():
    if name.endswith("_FILE"):
        assert value.removeprefix("/run/secrets/") in compose["secrets"], name
PYTHON

if have promtool; then
    promtool check rules prometheus-rules.yaml >&2
else
    say "promtool has not seen prometheus-rules.yaml: it is not installed"
fi

if docker compose version >/dev/null 2>&1; then
    SEMILAYER_RUNNER_ID=x docker compose --file docker-compose.yml config --quiet
elif have docker-compose || install_packages docker-compose; then
    SEMILAYER_RUNNER_ID=x docker-compose --file docker-compose.yml config --quiet
else
    say "docker compose has not seen docker-compose.yml: it is not installed"
fi

if have systemd-analyze; then
    unit=$(mktemp -d)
    trap 'rm -rf "$unit"' EXIT
    # The binary is not installed where the unit expects it.
    sed 's|/usr/local/bin/semilayer-runner|/bin/true|' semilayer-runner.service >"$unit/semilayer-runner.service"
    problems=$(systemd-analyze verify --man=no "$unit/semilayer-runner.service" 2>&1) && [ -z "$problems" ] || die "the unit: $problems"
    # What systemd 249 does not know.
    ! grep -nE '^[^#].*(%d|LoadCredentialEncrypted|ImportCredential|RestartSteps|RestartMode)' semilayer-runner.service ||
        die "the unit wants a newer systemd"
    # Of 100; what is left is mostly that it may use the network.
    systemd-analyze security --offline=true --threshold=15 "$unit/semilayer-runner.service" | tail -n 1 >&2
else
    say "systemd has not seen the unit: systemd-analyze is not installed"
fi
say "the deployment examples are sound"
