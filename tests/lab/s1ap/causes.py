"""The causes of S1AP (TS 36.413 9.2.1.3), written `group/name`."""

from __future__ import annotations

from dataclasses import dataclass

# The causes by group, in the order of their numbers; those after the bar came with an extension.
_CAUSES: dict[str, str] = {
    "radioNetwork": """
        unspecified tx2relocoverall-expiry successful-handover
        release-due-to-eutran-generated-reason handover-cancelled partial-handover
        ho-failure-in-target-EPC-eNB-or-target-system ho-target-not-allowed
        tS1relocoverall-expiry tS1relocprep-expiry cell-not-available unknown-targetID
        no-radio-resources-available-in-target-cell unknown-mme-ue-s1ap-id
        unknown-enb-ue-s1ap-id unknown-pair-ue-s1ap-id handover-desirable-for-radio-reason
        time-critical-handover resource-optimisation-handover reduce-load-in-serving-cell
        user-inactivity radio-connection-with-ue-lost load-balancing-tau-required
        cs-fallback-triggered ue-not-available-for-ps-service radio-resources-not-available
        failure-in-radio-interface-procedure invalid-qos-combination interrat-redirection
        interaction-with-other-procedure unknown-E-RAB-ID multiple-E-RAB-ID-instances
        encryption-and-or-integrity-protection-algorithms-not-supported
        s1-intra-system-handover-triggered s1-inter-system-handover-triggered
        x2-handover-triggered | redirection-towards-1xRTT not-supported-QCI-value
        invalid-CSG-Id release-due-to-pre-emption n26-interface-not-available
        insufficient-ue-capabilities maximum-bearer-pre-emption-rate-exceeded
        up-integrity-protection-not-possible release-due-to-discontinuous-coverage""",
    "transport": "transport-resource-unavailable unspecified |",
    "nas": """
        normal-release authentication-failure detach unspecified | csg-subscription-expiry
        uE-not-in-PLMN-serving-area iab-not-authorized""",
    "protocol": """
        transfer-syntax-error abstract-syntax-error-reject
        abstract-syntax-error-ignore-and-notify message-not-compatible-with-receiver-state
        semantic-error abstract-syntax-error-falsely-constructed-message unspecified |""",
    "misc": """
        control-processing-overload not-enough-user-plane-processing-resources
        hardware-failure om-intervention unspecified unknown-PLMN |""",
}
CAUSES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    group: (tuple(root.split()), tuple(additions.split()))
    for group, (root, _, additions) in ((g, names.partition("|")) for g, names in _CAUSES.items())
}


@dataclass(frozen=True, slots=True)
class Cause:
    """Why: a group and a name of CAUSES."""

    group: str
    name: str

    def __str__(self) -> str:
        return f"{self.group}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Cause:
        """Return the cause that is written `group/name`; raise ValueError if there is none."""
        group, _, name = text.partition("/")
        root, additions = CAUSES.get(group, ((), ()))
        if name not in root + additions:
            raise ValueError(f"no cause of S1AP: {text}")
        return cls(group, name)
