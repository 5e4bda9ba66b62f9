"""The chart, by Helm, Kubernetes' own schemas and those of the extensions it uses."""

import base64
import ipaddress
import json
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.kubernetes.helm import (
    CHART,
    EXAMPLES,
    MODELS,
    check_extensions,
    of_kind,
    pods,
    render,
    run,
    template,
    values,
)  # fmt: skip
from tests.stack import ROOT

pytestmark = pytest.mark.slow

SECRET = "$p'a\"ss @#$HOME%41 &*/:? {{ word }}+\\ é"
SCALED = {"celeryworker": {"autoscaling": {"enabled": True}}}
# Every way through the templates, each at least once.
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    **{name: (name, {}) for name in EXAMPLES},
    "canary": (
        "production",
        {"canary": {"enabled": True, "tag": "1.1", "weight": 25},
         "roles": {"maps": {"command": ["/start-maps"], "port": 8080, "paths": ["/maps"],
                            "grace": 30, "resources": {"requests": {"cpu": "1"},
                                                       "limits": {"memory": "1Gi"}}}}},
    ),
    "measured": (
        "production",
        {"metrics": {"serviceMonitor": True},
         "roles": {"gauge": {"command": ["/start-gauge"], "grace": 30, "replicas": 1,
                             "settings": {"GAUGE_METRICS_PORT": "9464"},
                             "resources": {"requests": {"cpu": "1"},
                                           "limits": {"memory": "1Gi"}}}}},
    ),
    "own gateway": (
        "production",
        {"route": {"gateway": {"create": True, "className": "nginx", "certificate": "tls"}},
         "hosts": ["www.example.org", "example.org"]},
    ),
    "hpa": (
        "production",
        {"workerScaling": {"by": "hpa"}, "roles": {"web": {"autoscaling": {"inFlight": 8}}}},
    ),
    "scaled ingress": ("ingress", {"roles": SCALED, "metrics": {"serviceMonitor": True}}),
    "placed": (
        "production",
        {"nodeSelector": {"disk": "ssd"}, "tolerations": [{"key": "jobs", "operator": "Exists"}],
         "imagePullSecrets": [{"name": "registry"}], "podAnnotations": {"team": "rivers"},
         "image": {"digest": "sha256:" + "0" * 64}, "networkPolicy": {"enabled": False},
         "serviceAccount": {"annotations": {"iam": "role"}}},
    ),
}  # fmt: skip
Rendered = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def rendered() -> Rendered:
    return {name: render(example, change) for name, (example, change) in VARIANTS.items()}


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_pass_helms_own_check(example: str) -> None:
    done = run("lint", "--strict", str(CHART), "--values", f"{CHART}/examples/{example}.yaml")
    assert done.returncode == 0, done.stdout


@pytest.mark.matrix
def test_objects_are_as_the_apis_have_them(rendered: Rendered, tmp_path: Path) -> None:
    everything = {json.dumps(one): one for objects in rendered.values() for one in objects}
    extensions = []
    for one in everything.values():
        if one["apiVersion"].split("/")[0] in MODELS:
            extensions.append(one)
        else:
            kubernetes_validate.validate(one, "1.37", strict=True)
    assert {one["apiVersion"].split("/")[0] for one in extensions} == set(MODELS)
    assert check_extensions(extensions, tmp_path) == ""


@pytest.mark.matrix
def test_the_checks_can_fail(rendered: Rendered, tmp_path: Path) -> None:
    (route,) = of_kind(rendered["canary"], "HTTPRoute").values()
    for words, spec in {
        "'\"hostname\"' does not exist": {"hostname": ["a"]},
        "port must be <= 65535": {"rules": [{"backendRefs": [{"name": "x", "port": 70000}]}]},
    }.items():
        folder = tmp_path / words[:5]
        folder.mkdir()
        assert words in check_extensions([route | {"spec": spec}], folder)
    deployment = json.loads(json.dumps(of_kind(rendered["dev"], "Deployment")["app-web"]))
    deployment["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, "1.37", strict=True)


@pytest.mark.parametrize("variant", VARIANTS)
def test_pods_may_do_nothing_they_need_not(rendered: Rendered, variant: str) -> None:
    made = pods(rendered[variant])
    assert made
    for name, pod in made.items():
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] >= 999, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["automountServiceAccountToken"] is False, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec), name
        assert all("hostPath" not in volume for volume in spec["volumes"]), name
        for container in spec["containers"]:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"] is True, name
            assert security["allowPrivilegeEscalation"] is False, name
            assert security["capabilities"] == {"drop": ["ALL"]}, name
            assert container["resources"]["limits"]["memory"], name
            assert container["resources"]["requests"], name
            if spec.get("restartPolicy") != "Never":
                assert container["livenessProbe"], name
                assert container["startupProbe"], name


@pytest.mark.parametrize("variant", VARIANTS)
def test_names_lead_to_something(rendered: Rendered, variant: str) -> None:
    """What pods, routes, services, budgets and scaling refer to is there, or the values name it."""
    objects, given = rendered[variant], json.dumps(values(*VARIANTS[variant]))
    kinds = ("ConfigMap", "Secret", "ExternalSecret", "PersistentVolumeClaim", "ServiceAccount")
    there = {kind: of_kind(objects, kind) for kind in (*kinds, "Service", "Deployment", "Gateway")}
    there["Secret"] |= there["ExternalSecret"]

    def known(kind: str, name: str) -> bool:
        return name in there[kind] or f'"{name}"' in given

    labels = [pod["metadata"]["labels"] for pod in pods(objects).values()]
    for name, pod in pods(objects).items():
        spec = pod["spec"]
        assert known("ServiceAccount", spec.get("serviceAccountName", "app")), name
        for volume in spec["volumes"]:
            if claim := volume.get("persistentVolumeClaim"):
                assert known("PersistentVolumeClaim", claim["claimName"]), name
        for container in spec["containers"]:
            mounted = {mount["name"] for mount in container["volumeMounts"]}
            assert mounted == {volume["name"] for volume in spec["volumes"]}, name
            for source in container.get("envFrom", []):
                assert known("ConfigMap", source["configMapRef"]["name"]), name
            for variable in container.get("env", []):
                if secret := variable.get("valueFrom", {}).get("secretKeyRef"):
                    assert known("Secret", secret["name"]), name
                    content = there["Secret"].get(secret["name"], {}).get("data")
                    assert content is None or secret["key"] in content or secret.get("optional")
    for service in there["Service"].values():
        chosen = service["spec"]["selector"].items()
        assert [label for label in labels if chosen <= label.items()], service
    for route in of_kind(objects, "HTTPRoute").values():
        for parent in route["spec"]["parentRefs"]:
            assert known("Gateway", parent["name"])
        for rule in route["spec"]["rules"]:
            for backend in rule.get("backendRefs", []):
                assert known("Service", backend["name"])
    for kind in ("HorizontalPodAutoscaler", "ScaledObject"):
        for one in of_kind(objects, kind).values():
            target = one["spec"]["scaleTargetRef"]["name"]
            # Two that decide how many there are would take turns.
            assert "replicas" not in there["Deployment"][target]["spec"]


def test_a_secret_stands_in_no_other_object() -> None:
    names = ["DJANGO_SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "EMAIL_URL"]
    objects = render("dev", {"secrets": {"values": {name: f"{SECRET} {name}" for name in names}}})
    for one in objects:
        if one["kind"] == "Secret":
            decoded = {key: base64.b64decode(value).decode() for key, value in one["data"].items()}
            assert {name: decoded[name] for name in names} == {
                name: f"{SECRET} {name}" for name in names
            }
        else:
            assert "$HOME%41" not in json.dumps(one, ensure_ascii=False), one["kind"]


def test_settings_arrive_as_they_were_written() -> None:
    odd = {"DEFAULT_FROM_EMAIL": 'é: "x" {{ y }} #1 <a@b.c>', "CELERY_CONCURRENCY": "010"}
    data = of_kind(render("dev", {"settings": odd}), "ConfigMap")["app"]["data"]
    assert {name: data[name] for name in odd} == odd


def test_a_canary_has_its_part_of_the_visitors(rendered: Rendered) -> None:
    """Of all that the route leads to."""
    (route,) = of_kind(rendered["canary"], "HTTPRoute").values()
    led_to = []
    for rule in route["spec"]["rules"]:
        stable, canary = rule["backendRefs"]
        assert (stable["weight"], canary["weight"]) == (75, 25)
        assert canary["name"] == f"{stable['name']}-canary"
        led_to += [stable["name"], canary["name"]]
    assert {"app-web-canary", "app-maps-canary"} <= set(led_to)
    images = {
        name: pod["spec"]["containers"][0]["image"].rpartition(":")[2]
        for name, pod in pods(rendered["canary"]).items()
        if name in led_to
    }
    assert images == {name: "1.1" if name.endswith("-canary") else "1.0" for name in led_to}
    selectors = {
        f"app-{one['spec']['selector']['app.kubernetes.io/component']}"
        for one in of_kind(rendered["canary"], "Service").values()
    }
    assert set(led_to) <= selectors


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name not in {"dev", "placed"}])
def test_a_route_leads_to_pods_that_may_be_called(rendered: Rendered, variant: str) -> None:
    """A policy about all pods lets nobody in whom no other one lets in."""
    objects = rendered[variant]
    services = of_kind(objects, "Service")
    text = json.dumps([one["spec"] for one in objects if one["kind"] in {"HTTPRoute", "Ingress"}])
    led_to = [one for name, one in services.items() if f'"{name}"' in text]
    assert led_to
    opened = {
        role
        for policy in of_kind(objects, "NetworkPolicy").values()
        for choice in policy["spec"]["podSelector"].get("matchExpressions", [])
        if {"port": "http"} in [port for rule in policy["spec"]["ingress"]
                                for port in rule.get("ports", [])]
        for role in choice["values"]
    }  # fmt: skip
    chosen = {one["spec"]["selector"]["app.kubernetes.io/component"] for one in led_to}
    assert chosen <= opened


def test_a_name_server_on_the_node_may_be_asked(rendered: Rendered) -> None:
    """NodeLocal DNSCache listens on a link-local address, as the cloud's secrets do."""
    rules = of_kind(rendered["production"], "NetworkPolicy")["app"]["spec"]["egress"]
    link_local = ipaddress.ip_network("169.254.0.0/16")
    opened = [
        (port["protocol"], port["port"])
        for rule in rules
        for to in rule["to"]
        if (block := to.get("ipBlock")) and link_local.overlaps(ipaddress.ip_network(block["cidr"]))
        if str(link_local) not in block.get("except", [])
        for port in rule["ports"]
    ]
    assert sorted(opened) == [("TCP", 53), ("UDP", 53)]


def test_what_hangs_is_not_waited_for(rendered: Rendered) -> None:
    """A pod that a probe has failed does nothing that its long grace is meant for."""
    for name, pod in pods(rendered["production"]).items():
        for container in pod["spec"]["containers"]:
            for probe in ("startupProbe", "livenessProbe"):
                if probe in container:
                    assert container[probe]["terminationGracePeriodSeconds"] <= 60, name


def test_what_is_measured_is_found_and_may_be_asked(rendered: Rendered) -> None:
    """By a Service, or by its pods; by Prometheus' namespace only."""
    objects = rendered["measured"]
    (monitor,) = of_kind(objects, "PodMonitor").values()
    (by_pods,) = monitor["spec"]["selector"]["matchExpressions"]
    ports = {
        pod["metadata"]["labels"]["app.kubernetes.io/component"]: {
            port["name"] for port in pod["spec"]["containers"][0].get("ports", [])
        }
        for pod in pods(objects).values()
    }
    by_service = {
        one["spec"]["selector"]["app.kubernetes.io/component"]
        for one in of_kind(objects, "Service").values()
        if "metrics" in [port["name"] for port in one["spec"]["ports"]]
    }
    assert "gauge" in by_pods["values"]
    measured = {role for role, names in ports.items() if "metrics" in names}
    assert measured == {*by_pods["values"], *by_service}
    opened = {
        role
        for policy in of_kind(objects, "NetworkPolicy").values()
        for choice in policy["spec"]["podSelector"].get("matchExpressions", [])
        for rule in policy["spec"]["ingress"]
        if rule["ports"] == [{"port": "metrics"}] and rule["from"]
        for role in choice["values"]
    }
    assert measured <= opened


@pytest.mark.parametrize("seconds", [3600, 900])
def test_a_start_may_take_as_long_as_its_migrations(rendered: Rendered, seconds: int) -> None:
    """What migrates for longer than a probe waits is killed, undone and begun anew, for ever."""
    objects = rendered["dev"]
    if seconds != 3600:
        objects = render("dev", {"startupSeconds": seconds})
    deployments = of_kind(objects, "Deployment")
    for role in yaml.safe_load((CHART / "values.yaml").read_text())["roles"]:
        spec = deployments[f"app-{role}"]["spec"]
        probe = spec["template"]["spec"]["containers"][0]["startupProbe"]
        assert probe["failureThreshold"] * probe["periodSeconds"] == seconds, role
        assert spec["progressDeadlineSeconds"] > seconds, role
    (job,) = of_kind(objects, "Job").values()
    assert job["spec"]["activeDeadlineSeconds"] == seconds


def test_the_schedule_runs_once(rendered: Rendered) -> None:
    for objects in rendered.values():
        beat = of_kind(objects, "Deployment")["app-celerybeat"]
        assert beat["spec"]["replicas"] == 1
        assert beat["spec"]["strategy"] == {"type": "Recreate"}


def test_scaling_in_lets_a_request_end(rendered: Rendered) -> None:
    """A pod that is taken away has the time that a request may take, and says so to the worker."""
    spec = pods(rendered["production"])["app-celeryworker"]["spec"]
    environment = {one["name"]: one.get("value") for one in spec["containers"][0]["env"]}
    grace = int(environment["PROCESSING_STOP_GRACE_SECONDS"])
    assert 3600 <= grace < spec["terminationGracePeriodSeconds"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hosts": []}, "hosts: name at least one"),
        ({"database": {"urlSecret": {}}}, "database: say where PostgreSQL is"),
        ({"redis": {"host": ""}}, "redis: say where Redis is"),
        ({"secrets": {"existing": ""}}, "secrets: name a Secret"),
        ({"roles": {"celerybeat": {"replicas": 2}}}, "roles.celerybeat: exactly one"),
        ({"route": {"gateway": {"name": ""}}}, "route.gateway: name the Gateway"),
        ({"canary": {"enabled": True}}, "canary: name its image"),
        (
            {"canary": {"enabled": True, "tag": "2"}, "route": {"kind": "none"}},
            "canary: the weights",
        ),
        ({"route": {"gateway": {"create": True}}}, "route.gateway.className"),
        ({"settings": {"WEB_CONCURRENCY": 2}}, "got number, want string"),
        ({"image": {"digest": "latest"}}, "does not match pattern"),
        ({"replicas": 3}, "additional properties 'replicas' not allowed"),
    ],
)  # fmt: skip
def test_what_could_not_start_is_refused_in_words(change: dict[str, Any], words: str) -> None:
    done = template(values("production", change))
    assert done.returncode
    assert words in done.stderr


def test_alarms_are_those_of_compose() -> None:
    """But for those of a machine, which a cluster has for all of its own."""
    docker = ROOT / "docker"
    there = {*docker.glob("*/prometheus/*.rules.yml"), docker / "prometheus" / "alerts.yml"}
    shared = {path for path in there if path.name != "machine.rules.yml"}
    assert {path.resolve() for path in (CHART / "files").iterdir()} == shared
    groups = [group for path in shared for group in yaml.safe_load(path.read_text())["groups"]]
    objects = render("production", {"metrics": {"rules": True}})
    (rules,) = of_kind(objects, "PrometheusRule").values()
    by_name = {group["name"]: group for group in rules["spec"]["groups"]}
    assert by_name == {group["name"]: group for group in groups}


def test_files_must_be_shared() -> None:
    done = template(values("ingress", {"files": {"volume": {"enabled": False}}}))
    assert "files: web and workers share no files" in done.stderr
