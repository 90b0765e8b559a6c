"""The inspector process: parses, applies the policy and runs bandit on one program after another.

Reads one JSON string a line (the code) and answers with one JSON list of findings a line. It is a process of its own
because bandit takes half a second to load, and because source can be made that takes all memory or crashes the parser:
then this process dies, not the one that asked.
"""

from __future__ import annotations

import json
import logging
import resource
import sys
import tempfile
from pathlib import Path

from bandit.core.config import BanditConfig
from bandit.core.manager import BanditManager

from adapters.critic.policy import Policy, load_policy
from adapters.critic.program_tree import tree_findings
from schemas.analyses import Finding

_MEMORY = 1 << 30


def inspect(code: str, policy: Policy, scratch: Path) -> list[Finding]:
    """Findings of the policy and of bandit; a program that cannot be parsed has only that finding."""
    found = tree_findings(code, policy)
    if any(finding.rule in ("syntax", "unparsable") for finding in found):
        return found
    return found + bandit_findings(code, policy, scratch)


def bandit_findings(code: str, policy: Policy, scratch: Path) -> list[Finding]:
    """Bandit's findings, its suppression comments ignored."""
    program = scratch / "program.py"
    program.write_text(code, encoding="utf-8")
    # What is skipped is not even tried: the test for SQL takes a minute over one long sum of texts, then gives up.
    profile = {"exclude": list(policy.bandit.skip)}
    manager = BanditManager(BanditConfig(), "file", quiet=True, profile=profile, ignore_nosec=True)
    manager.discover_files([str(program)])
    manager.run_tests()
    found = [
        Finding(
            tool="bandit",
            rule=issue.test_id,
            severity=policy.bandit.severity(issue.test_id),
            message=issue.text,
            line=issue.lineno,
        )
        for issue in manager.get_issue_list()
        if not issue.test_id.startswith(policy.bandit.skip)
    ]
    # Bandit does not fail on a file it cannot read: it lists it as skipped, and a skipped program is not reviewed.
    for _, reason in manager.get_skipped():
        found.append(Finding(tool="bandit", rule="skipped", severity="error", message=f"not checked: {reason}"))
    return found


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    logging.disable(logging.CRITICAL)
    policy = load_policy(Path(sys.argv[1]))
    with tempfile.TemporaryDirectory(prefix="vaultra-critic-") as scratch:
        for line in sys.stdin.buffer:
            found = inspect(json.loads(line), policy, Path(scratch))
            answer = json.dumps([finding.model_dump() for finding in found[:200]])
            sys.stdout.write(answer + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
