"""Arithmetic between a pod and its load balancer: draining and keep-alive."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policy.alb import attribute, by_alb
from policy.backstage import configured, duration
from policy.kubernetes import INGRESS, SERVICE, SERVING, namespace, selecting, spec
from policy.node import Node
from policy.plan import Plan, Resource
from policy.rule import rule

PROPAGATION = 10  # s that the load balancer may still send requests to a pod that terminates
_DEREGISTRATION = 300  # s, the load balancer's default
_IDLE = 60  # s, the load balancer's default
_GRACE = 30  # s, Kubernetes' default
_KEEP_ALIVE, _HEADERS = 5, 60  # s, Node's defaults


def _ingresses(workload: Resource, plan: Plan) -> Iterator[Resource]:
    """Ingresses of AWS's controller that route to a workload."""
    services = {
        service.inputs.at("metadata", "name").text for service in selecting(workload, plan, SERVICE)
    }
    for ingress in plan.of(INGRESS):
        if namespace(ingress) != namespace(workload) or not by_alb(ingress, plan):
            continue
        routed = {
            path.at("backend", "service", "name").text
            for entry in ingress.inputs.at("spec", "rules").items
            for path in entry.at("http", "paths").items
        }
        routed.add(ingress.inputs.at("spec", "defaultBackend", "service", "name").text)
        if services & routed:
            yield ingress


def _number(text: str | None, default: float) -> float:
    return float(text) if text else default


@rule(
    "drain",
    *SERVING,
    severity="high",
    whole=True,
    what="a terminating pod serves until its load balancer has deregistered it",
    fix="preStop.sleep above the propagation, terminationGracePeriodSeconds above preStop plus "
    "shutdown, and deregistration_delay.timeout_seconds at most as long as the pod serves; in this "
    "project backend.lifecycle.serverShutdownDelay in appConfigPaths or env",
)
def drain(resource: Resource, plan: Plan) -> Iterator[str]:
    for ingress in _ingresses(resource, plan):
        pod = spec(resource)
        everyone = pod.at("containers").items
        listening = [each for each in everyone if each.at("ports").items] or everyone
        pre_stop = min((_pre_stop(each) for each in listening), default=0)
        shutdown = duration(
            configured(resource, plan), "backend", "lifecycle", "serverShutdownDelay"
        )
        grace = _number(pod.at("terminationGracePeriodSeconds").text, _GRACE)
        delay = attribute(ingress, plan, "deregistration_delay.timeout_seconds", "target-group")
        deregistration = _number(delay, _DEREGISTRATION)
        serving = pre_stop + (shutdown or 0)
        if pre_stop < PROPAGATION:
            yield (
                f"preStop waits {pre_stop:g} s: requests of the {PROPAGATION} s until the load "
                "balancer knows are refused"
            )
        if grace <= serving:
            yield f"SIGKILL after {grace:g} s, before the pod has served its {serving:g} s"
        if deregistration > grace:
            yield (
                f"the load balancer waits {deregistration:g} s for requests of a pod that is "
                f"killed after {grace:g} s"
            )
        elif shutdown is not None and deregistration > serving:
            yield (
                f"the load balancer waits {deregistration:g} s for requests of a pod that serves "
                f"for {serving:g} s"
            )


def _pre_stop(container: Node) -> float:
    """Seconds that a preStop hook sleeps, as such or by a command."""
    hook = container.at("lifecycle", "preStop")
    command = " ".join(item.text for item in hook.at("exec", "command").items)
    if slept := re.search(r"\bsleep (\d+)", command):
        return float(slept.group(1))
    return hook.at("sleep", "seconds").number or 0


@rule(
    "keep-alive",
    *SERVING,
    severity="high",
    whole=True,
    what="Backstage keeps idle connections longer than its load balancer",
    fix="backend.server.keepAliveTimeout above idle_timeout.timeout_seconds, headersTimeout above "
    "both; in this project in appConfigPaths or env",
)
def keep_alive(resource: Resource, plan: Plan) -> Iterator[str]:
    configs = configured(resource, plan)
    if not any(config.at("backend").entries for config in configs):
        return
    keep = duration(configs, "backend", "server", "keepAliveTimeout") or _KEEP_ALIVE
    headers = duration(configs, "backend", "server", "headersTimeout") or _HEADERS
    for ingress in _ingresses(resource, plan):
        idle = _number(attribute(ingress, plan, "idle_timeout.timeout_seconds"), _IDLE)
        if keep <= idle:
            yield (
                f"the pod closes idle connections after {keep:g} s, the load balancer uses them "
                f"for {idle:g} s: some requests get 502"
            )
        elif headers <= keep:
            yield f"headersTimeout, {headers:g} s, ends connections before keepAliveTimeout"
