"""The name that was probably meant, by words: databaseKmsKey is kmsKeyArn, not databaseName."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher

LEAST = 0.55  # probability below which a name isn't offered
CERTAIN = 0.95  # probability from which on no other name is offered
CLOSE = 0.85  # of the best name's probability, for another to be offered beside it
MOST = 3  # names that are offered
TYPO, LETTERS = 0.8, 0.88  # least similarity by letters, of a word and of a whole name
SHORT_TYPO = 0.75  # the same up to five letters: king is kind
SHORTEST = 3  # letters of an abbreviation
UNKNOWN = 0.5  # weight of a word that the other name lacks
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
# Names of the same thing elsewhere, in lower case.
OTHER_NAMES = {
    "account": "aws:allowedAccountIds",
    "accountid": "aws:allowedAccountIds",
    "databasemultiaz": "databaseInstances",
    "external": "internet-facing",
    "image": "imageRepository",
    "imageversion": "imageTag",
    "k3d": "local",
    "kind": "local",
    "kubeconfig": "kubeContext",
    "loadbalancerscheme": "ingressScheme",
    "minikube": "local",
    "minreplicas": "replicas",
    "multiaz": "databaseInstances",
    "private": "internal",
    "public": "internet-facing",
    "secrets": "secretEnv",
}
# Words that people use for those of a key.
_MEANT = {
    "acl": "waf",
    "acm": "certificate",
    "acu": "capacity",
    "alb": "ingress",
    "bastion": "allowed",
    "cert": "certificate",
    "db": "database",
    "dns": "host",
    "docs": "techdoc",
    "domain": "host",
    "elb": "ingress",
    "environment": "env",
    "extra": "env",
    "fqdn": "host",
    "hostname": "host",
    "k8s": "kubernetes",
    "login": "sign",
    "maximum": "max",
    "mem": "memory",
    "minimum": "min",
    "nodes": "instance",
    "ns": "namespace",
    "org": "organization",
    "pods": "replica",
    "postgres": "database",
    "pvc": "storage",
    "ram": "memory",
    "rds": "database",
    "repo": "repository",
    "sg": "group",
    "ssl": "certificate",
    "tls": "certificate",
    "type": "class",
    "variables": "env",
    "vars": "env",
    "volume": "storage",
    "web": "waf",
}


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The most probable one of `alike`."""
    return next(iter(alike(name, names)), None)


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """`; did you mean NAME?`, or nothing."""
    near = nearest(name, names)
    return f"; did you mean {near}?" if near else ""


def alike(name: str, names: Iterable[str]) -> Sequence[str]:
    """The names that were probably meant, best first; at most three, about as probable."""
    known = {each: _words(each) for each in names}
    if (meant := OTHER_NAMES.get(name.lower())) in known:
        return [str(meant)]
    weights = _weights(known.values())
    scores = {each: _common(name, each, words, weights) for each, words in known.items()}
    best = max(scores.values(), default=0.0)
    least = max(LEAST, best if best >= CERTAIN else CLOSE * best)
    found = [each for each, score in scores.items() if score >= least]
    return sorted(found, key=lambda each: -scores[each])[:MOST]


def _words(name: str) -> list[str]:
    whole = _MEANT.get(name.lower())
    words = [whole] if whole else [word.lower() for word in _WORD.findall(name)]
    return [*dict.fromkeys(_MEANT.get(word, _singular(word)) for word in words)]


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _weights(names: Iterable[list[str]]) -> Mapping[str, float]:
    """A word that few names have says more about which one is meant."""
    counts = Counter(word for words in names for word in words)
    return {word: 1 / (1 + math.log(count)) for word, count in counts.items()}


def _common(name: str, other: str, words: list[str], weights: Mapping[str, float]) -> float:
    """How probably one name stands for another, from 0 to 1."""
    left, common = _words(name), 0.0
    for word in words:
        near = max(left, key=lambda each: _similar(each, word), default="")
        if (similar := _similar(near, word)) >= _typo(word, TYPO):
            left.remove(near)
            common += similar * weights[word]
    unknown = UNKNOWN * len(left)
    whole = sum(weights[word] for word in words) + unknown
    by_words = common * (1 / whole + 1 / (common + unknown)) / 2 if common else 0.0
    by_letters = _ratio(*(re.sub(r"[\W_]", "", each.lower()) for each in (name, other)))
    return max(by_words, by_letters if by_letters >= _typo(other, LETTERS) else 0.0)


def _typo(word: str, least: float) -> float:
    return SHORT_TYPO if len(word) <= 5 else least


def _similar(one: str, other: str) -> float:
    """Of two words; repo begins repository, and tag begins tags."""
    shorter, longer = sorted((one, other), key=len)
    begins = len(shorter) >= SHORTEST and longer.startswith(shorter)
    return max(_ratio(one, other), 0.9 if begins else 0.0)


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
